use std::io::Write;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};
use sluice_domain::time::UnixMillis;

use crate::metrics::Recorder;
use crate::{NAMESPACE, Signal};

/// Writes one line of `CloudWatch`'s embedded metric format per measurement: Lambda's log agent turns the lines into metrics, with
/// no call of an API (EMF specification, `_aws.CloudWatchMetrics`).
///
/// Every metric is published under two dimension sets, with and without its dimension, so that alarms can watch the total.
pub struct EmfWriter<W, N> {
    out: Mutex<W>,
    now: N,
}

impl<W: Write + Send, N: Fn() -> UnixMillis + Send + Sync> EmfWriter<W, N> {
    /// Writes to `out` (standard output on Lambda); `now` gives the time of a measurement.
    pub fn new(out: W, now: N) -> Self {
        Self { out: Mutex::new(out), now }
    }
}

impl<W: Write + Send, N: Fn() -> UnixMillis + Send + Sync> Recorder for EmfWriter<W, N> {
    fn record(&self, signal: Signal<'_>, value: f64) {
        let line = format!("{}\n", document(signal, value, (self.now)()));
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // One write per line, so that lines of different threads never mix. A full or closed standard output must not stop an
        // event, and there is nowhere left to report it.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }
}

fn document(signal: Signal<'_>, value: f64, at: UnixMillis) -> Value {
    let sets = match signal.dimension() {
        None => json!([[]]),
        Some((name, _)) => json!([[], [name]]),
    };
    let directive = json!({
        "Namespace": NAMESPACE,
        "Dimensions": sets,
        "Metrics": [{"Name": signal.name(), "Unit": signal.unit().as_str()}],
    });
    let mut line = Map::new();
    line.insert("_aws".into(), json!({"Timestamp": at.0, "CloudWatchMetrics": [directive]}));
    if let Some((name, value)) = signal.dimension() {
        line.insert(name.into(), dimension_value(value).into());
    }
    line.insert(signal.name().into(), number(value));
    Value::Object(line)
}

/// `CloudWatch` refuses an empty dimension value, and takes at most 1024 characters.
fn dimension_value(value: &str) -> String {
    if value.is_empty() { "none".to_owned() } else { value.chars().take(1_024).collect() }
}

/// A count without a decimal point; JSON has no NaN, so what is not finite counts as 0.
fn number(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "the value is whole and below 2^53")]
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        Value::from(value as i64)
    } else {
        serde_json::Number::from_f64(value).map_or_else(|| Value::from(0), Value::Number)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::Metrics;

    const AT: i64 = 1_795_190_400_000;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn written(tell: impl FnOnce(&Metrics)) -> String {
        let out = Written::default();
        tell(&Metrics::new(EmfWriter::new(out.clone(), || UnixMillis(AT))));
        let bytes = out.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn parsed(tell: impl FnOnce(&Metrics)) -> Value {
        serde_json::from_str(&written(tell)).unwrap()
    }

    #[test]
    fn a_count_without_dimension() {
        assert_eq!(
            parsed(|metrics| metrics.count(Signal::Received)),
            json!({"_aws":{"CloudWatchMetrics":[{"Dimensions":[[]],"Metrics":[{"Name":"Received","Unit":"Count"}],"Namespace":"Sluice"}],"Timestamp":AT},"Received":1})
        );
    }

    #[test]
    fn a_count_with_dimension_is_published_with_and_without_it() {
        assert_eq!(
            parsed(|metrics| metrics.count_of(Signal::Delivered { channel: "feishu_bot" }, 3)),
            json!({"Channel":"feishu_bot","Delivered":3,"_aws":{"CloudWatchMetrics":[{"Dimensions":[[],["Channel"]],"Metrics":[{"Name":"Delivered","Unit":"Count"}],"Namespace":"Sluice"}],"Timestamp":AT}})
        );
    }

    #[test]
    fn a_duration_is_in_milliseconds() {
        assert_eq!(
            parsed(|metrics| metrics
                .duration(Signal::StepDuration { step: "compliance-check" }, Duration::from_micros(1_250))),
            json!({"Step":"compliance-check","StepDuration":1.25,"_aws":{"CloudWatchMetrics":[{"Dimensions":[[],["Step"]],"Metrics":[{"Name":"StepDuration","Unit":"Milliseconds"}],"Namespace":"Sluice"}],"Timestamp":AT}})
        );
    }

    #[test]
    fn every_measurement_is_a_line_of_its_own() {
        let text = written(|metrics| Signal::ALL.iter().for_each(|signal| metrics.count(*signal)));
        assert_eq!(text.lines().count(), Signal::ALL.len());
        for line in text.lines() {
            serde_json::from_str::<Value>(line).unwrap();
        }
    }

    proptest! {
        #[test]
        fn any_dimension_and_value_make_a_valid_line(code in ".*", value in proptest::num::f64::ANY) {
            let line = document(Signal::Rejected { code: &code }, value, UnixMillis(0)).to_string();
            prop_assert!(!line.contains('\n'));
            let parsed: Value = serde_json::from_str(&line).unwrap();
            prop_assert!(parsed["Rejected"].is_number());
            let length = parsed["Code"].as_str().unwrap().chars().count();
            prop_assert!((1..=1_024).contains(&length));
        }
    }
}
