//! One clock for the gate and the simulated platforms, which tests move.

use sluice_domain::time::UnixMillis;
use sluice_ports::Clock;
use sluice_simulators::SimulatorClock;

#[derive(Debug, Clone)]
pub(crate) struct TestClock(pub(crate) SimulatorClock);

impl Clock for TestClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.now_ms())
    }
}

impl TestClock {
    /// Goes to this moment, never back.
    pub(crate) fn reach(&self, moment: UnixMillis) {
        let ahead = moment.since(self.now());
        if ahead > 0 {
            self.0.advance_ms(ahead.saturating_add(1));
        }
    }
}
