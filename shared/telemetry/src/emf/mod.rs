mod document;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sluice_domain::time::UnixMillis;

use crate::metrics::Recorder;
use crate::{Signal, invocation};
use document::Measure;

/// More than an invocation of ten messages measures; what comes after is written in a second set of lines.
const MOST_HELD: usize = 500;

/// Writes `CloudWatch`'s embedded metric format: Lambda's log agent turns the lines into metrics, with no call of an API (EMF
/// specification, `_aws.CloudWatchMetrics`).
///
/// What an invocation measures is held until its end ([`crate::Invocations`]) and written in as few lines as the format allows, counts
/// added up: logs are billed by the byte. Outside an invocation each measurement is a line at once.
///
/// Every metric is published under two dimension sets, with and without its dimension, so that alarms can watch the total.
#[derive(Debug)]
pub struct EmfWriter<W, N> {
    state: Mutex<State<W>>,
    now: N,
    holds: bool,
}

#[derive(Debug)]
struct State<W> {
    out: W,
    held: Vec<Measure>,
}

impl<W: Write + Send, N: Fn() -> UnixMillis + Send + Sync> EmfWriter<W, N> {
    /// Writes to `out` (standard output on Lambda); `now` gives the time of a measurement.
    pub fn new(out: W, now: N) -> Self {
        Self { state: Mutex::new(State { out, held: Vec::new() }), now, holds: false }
    }

    /// Holds what is measured outside invocations too, until [`crate::Metrics::flush`].
    #[must_use]
    pub fn holding(self) -> Self {
        Self { holds: true, ..self }
    }

    fn locked(&self) -> MutexGuard<'_, State<W>> {
        // Measures stay whole whatever died while it held them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Write> State<W> {
    fn write(&mut self, at: UnixMillis) {
        let held = std::mem::take(&mut self.held);
        for line in document::lines(held, at) {
            // One write per line, so that lines of different threads never mix. A full or closed standard output must not stop an
            // event, and there is nowhere left to report it.
            let _ = self.out.write_all(format!("{line}\n").as_bytes());
        }
        let _ = self.out.flush();
    }
}

impl<W: Write + Send, N: Fn() -> UnixMillis + Send + Sync> Recorder for EmfWriter<W, N> {
    fn record(&self, signal: Signal<'_>, value: f64) {
        let measure = Measure::of(signal, value);
        let mut state = self.locked();
        if !state.held.iter_mut().any(|earlier| earlier.merge(&measure)) {
            state.held.push(measure);
        }
        if !(self.holds || invocation::is_running()) || state.held.len() >= MOST_HELD {
            state.write((self.now)());
        }
    }

    fn flush(&self) {
        let mut state = self.locked();
        if !state.held.is_empty() {
            state.write((self.now)());
        }
    }
}
