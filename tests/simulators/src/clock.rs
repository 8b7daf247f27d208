use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The simulators' time: the machine's, moved by an offset that tests set. Clones share the offset.
#[derive(Debug, Clone, Default)]
pub struct SimulatorClock {
    offset_ms: Arc<AtomicI64>,
}

impl SimulatorClock {
    /// Now, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        i64::try_from(real).unwrap_or(i64::MAX).saturating_add(self.offset_ms.load(Ordering::SeqCst))
    }

    /// Goes forward (or back) by so many milliseconds.
    pub fn advance_ms(&self, ms: i64) {
        self.offset_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Moves to this moment; time goes on from there.
    pub fn set_ms(&self, at: i64) {
        self.advance_ms(at.saturating_sub(self.now_ms()));
    }
}
