//! Chance that repeats with its seed, and simulated time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, Entropy};
use tokio::time::Instant;

/// 2026-11-21T10:05:00+08:00, in milliseconds: no half hour is near.
pub(crate) const BEGIN: i64 = 1_795_226_700_000;

/// Numbers that look random and are the same every time (`SplitMix64`), shared by everything of one run.
#[derive(Clone, Debug)]
pub(crate) struct Chance(Arc<Mutex<u64>>);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }

    pub(crate) fn below(&self, most: u64) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most.max(1)
    }

    /// Lets so many milliseconds pass.
    pub(crate) async fn takes(&self, least: u64, most: u64) {
        let ms = least + self.below(most - least);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

impl Entropy for Chance {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = u8::try_from(self.below(256)).unwrap();
        }
    }
}

/// Simulated time, as one instance's clock shows it.
#[derive(Clone, Debug)]
pub(crate) struct Skewed {
    pub(crate) began: Instant,
    pub(crate) skew_ms: i64,
}

impl Clock for Skewed {
    fn now(&self) -> UnixMillis {
        UnixMillis(BEGIN + i64::try_from(self.began.elapsed().as_millis()).unwrap() + self.skew_ms)
    }
}
