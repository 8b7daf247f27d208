use std::sync::Arc;
use std::time::Duration;

use crate::Signal;

/// Takes measurements. It neither blocks for long nor fails: a metric is not worth a lost event.
pub trait Recorder: Send + Sync {
    /// Takes one value: a number of things, or milliseconds, by the signal's unit.
    fn record(&self, signal: Signal<'_>, value: f64);

    /// Writes out what it holds back; called at the end of an invocation.
    fn flush(&self) {}
}

/// Both take everything.
impl Recorder for (Metrics, Metrics) {
    fn record(&self, signal: Signal<'_>, value: f64) {
        self.0.record(signal, value);
        self.1.record(signal, value);
    }

    fn flush(&self) {
        self.0.flush();
        self.1.flush();
    }
}

/// The handle that handlers hold. Cheap to clone; the default discards everything.
#[derive(Clone, Default)]
pub struct Metrics {
    recorder: Option<Arc<dyn Recorder>>,
}

impl Metrics {
    /// Measurements go to `recorder`.
    pub fn new(recorder: impl Recorder + 'static) -> Self {
        Self { recorder: Some(Arc::new(recorder)) }
    }

    /// It happened once.
    pub fn count(&self, signal: Signal<'_>) {
        self.count_of(signal, 1);
    }

    /// It happened, or there are, so many. Zero is recorded too: a gauge must be able to fall to it.
    pub fn count_of(&self, signal: Signal<'_>, number: usize) {
        // Counts of one batch or one day stay far below 2^53.
        #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
        self.record(signal, number as f64);
    }

    /// It took so long.
    pub fn duration(&self, signal: Signal<'_>, took: Duration) {
        self.record(signal, took.as_secs_f64() * 1_000.0);
    }

    /// It is so much.
    pub fn gauge(&self, signal: Signal<'_>, value: f64) {
        self.record(signal, value);
    }

    /// Writes out what is held back.
    pub fn flush(&self) {
        if let Some(recorder) = &self.recorder {
            recorder.flush();
        }
    }

    fn record(&self, signal: Signal<'_>, value: f64) {
        if let Some(recorder) = &self.recorder {
            recorder.record(signal, value);
        }
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Metrics").field("recorded", &self.recorder.is_some()).finish()
    }
}
