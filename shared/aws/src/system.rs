//! Time and randomness of the machine.

use std::time::{SystemTime, UNIX_EPOCH};

use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, Entropy};

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        // Before 1970 or after the year 292 million the machine's clock is broken anyway.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The kernel's randomness. Nothing is kept ahead: a snapshot of a sandbox must not hold tokens that its copies would share.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Linux blocks until it can, and cannot fail afterwards. Without randomness nothing may be sealed: better to end here.
        if getrandom::fill(bytes).is_err() {
            tracing::error!("the system gives no randomness");
            std::process::abort();
        }
    }
}
