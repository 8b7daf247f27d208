use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::metrics::Recorder;
use crate::{Signal, Unit};

/// Keeps sums in memory, for the one-machine program and for tests. Clones share their counters.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    readings: Arc<Mutex<BTreeMap<(&'static str, String), Reading>>>,
}

/// What was recorded for one metric and one value of its dimension.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reading {
    /// The metric's name.
    pub name: &'static str,
    /// What it counts in, as `CloudWatch` spells it.
    pub unit: &'static str,
    /// The value of its dimension; empty for a metric without one.
    pub dimension: String,
    /// How many times it was recorded.
    pub records: u64,
    /// The sum of what was recorded.
    pub sum: f64,
    /// The largest single value.
    pub max: f64,
    /// The last value.
    pub last: f64,
}

impl Counters {
    /// Everything so far, by name and dimension.
    pub fn snapshot(&self) -> Vec<Reading> {
        self.locked(|readings| readings.values().cloned().collect())
    }

    /// The count of a metric over all values of its dimension; 0 when it was never recorded.
    pub fn total(&self, name: &str) -> u64 {
        self.locked(|readings| whole(readings.values().filter(|r| r.name == name).map(|r| r.sum).sum()))
    }

    /// The count of a metric for one value of its dimension.
    pub fn count(&self, signal: Signal<'_>) -> u64 {
        self.locked(|readings| readings.get(&key(signal)).map_or(0, |reading| whole(reading.sum)))
    }

    fn locked<T>(&self, work: impl FnOnce(&mut BTreeMap<(&'static str, String), Reading>) -> T) -> T {
        // Sums stay usable whatever thread died while it held them.
        work(&mut self.readings.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn key(signal: Signal<'_>) -> (&'static str, String) {
    (signal.name(), signal.dimension().map_or_else(String::new, |(_, value)| value.to_owned()))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
fn whole(sum: f64) -> u64 {
    sum as u64
}

impl Recorder for Counters {
    fn record(&self, signal: Signal<'_>, value: f64) {
        self.locked(|readings| {
            let reading = readings.entry(key(signal)).or_insert_with_key(|(name, dimension)| Reading {
                name,
                unit: Unit::as_str(signal.unit()),
                dimension: dimension.clone(),
                records: 0,
                sum: 0.0,
                max: f64::MIN,
                last: 0.0,
            });
            reading.records = reading.records.saturating_add(1);
            reading.sum += value;
            reading.max = reading.max.max(value);
            reading.last = value;
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Metrics;

    #[test]
    fn sums_by_name_and_dimension_over_all_clones() {
        let counters = Counters::default();
        let metrics = Metrics::new(counters.clone());
        metrics.count(Signal::Delivered { channel: "feishu_bot" });
        metrics.clone().count_of(Signal::Delivered { channel: "wecom_app" }, 2);
        metrics.count(Signal::Received);
        assert_eq!(counters.total("Delivered"), 3);
        assert_eq!(counters.count(Signal::Delivered { channel: "wecom_app" }), 2);
        assert_eq!(counters.count(Signal::Delivered { channel: "wecom_bot" }), 0);
        assert_eq!(counters.total("Received"), 1);
        assert_eq!(counters.total("Verified"), 0);
    }

    #[test]
    fn keeps_count_sum_largest_and_last_of_durations() {
        let counters = Counters::default();
        let metrics = Metrics::new(counters.clone());
        let step = Signal::StepDuration { step: "webhook-verify" };
        for milliseconds in [3, 9, 4] {
            metrics.duration(step, Duration::from_millis(milliseconds));
        }
        let [reading] = counters.snapshot().try_into().unwrap();
        assert_eq!((reading.records, reading.unit), (3, "Milliseconds"));
        for (got, expected) in [(reading.sum, 16.0), (reading.max, 9.0), (reading.last, 4.0)] {
            assert!((got - expected).abs() < 1e-9, "{got} is not {expected}");
        }
    }

    #[test]
    fn a_gauge_falls_to_zero() {
        let counters = Counters::default();
        let metrics = Metrics::new(counters.clone());
        metrics.count_of(Signal::OpenBreaks, 4);
        metrics.count_of(Signal::OpenBreaks, 0);
        assert!(counters.snapshot().iter().all(|reading| reading.last.abs() < f64::EPSILON));
    }

    #[test]
    fn the_default_handle_discards() {
        Metrics::default().count(Signal::Received);
        assert_eq!(format!("{:?}", Metrics::default()), "Metrics { recorded: false }");
    }
}
