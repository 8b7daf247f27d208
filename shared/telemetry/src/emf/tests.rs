use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{Invocation, Invocations, Metrics};

const AT: i64 = 1_795_190_400_000;

#[derive(Clone, Default, Debug)]
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

impl Written {
    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn writer() -> (Written, Metrics) {
    let out = Written::default();
    (out.clone(), Metrics::new(EmfWriter::new(out, || UnixMillis(AT))))
}

fn parsed(tell: impl FnOnce(&Metrics)) -> Value {
    let (out, metrics) = writer();
    tell(&metrics);
    let [line] = out.lines().try_into().unwrap();
    line
}

/// What one invocation writes.
fn of_invocation(tell: impl FnOnce(&Metrics)) -> Vec<Value> {
    let (out, metrics) = writer();
    let invocations = Invocations::of("compliance-check", metrics.clone());
    let invocation = Invocation { request_id: "r", xray: None, deadline_ms: None };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(invocations.run(
        invocation,
        async {
            tell(&metrics);
            assert!(out.lines().is_empty(), "lines are written at the end");
        },
        |()| false,
    ));
    out.lines()
}

/// What the specification asks of a document (its JSON schema and its limits), and that every metric and dimension it names is there.
fn check(line: &Value) {
    let text = line.to_string();
    assert!(text.len() <= 256 * 1024, "a document has at most 256 KiB");
    let meta = line["_aws"].as_object().unwrap();
    assert!(meta["Timestamp"].is_u64());
    assert_eq!(meta.len(), 2, "no additional members");
    let directives = meta["CloudWatchMetrics"].as_array().unwrap();
    assert!(!directives.is_empty());
    for directive in directives {
        let namespace = directive["Namespace"].as_str().unwrap();
        assert!((1..=1_024).contains(&namespace.len()));
        let sets = directive["Dimensions"].as_array().unwrap();
        assert!(!sets.is_empty());
        for set in sets {
            let set = set.as_array().unwrap();
            assert!(set.len() <= 30, "a dimension set has at most 30 names");
            for name in set {
                let name = name.as_str().unwrap();
                assert!((1..=250).contains(&name.len()));
                let value = line[name].as_str().expect("a dimension's target is a string");
                assert!((1..=1_024).contains(&value.chars().count()) && !value.trim().is_empty());
            }
        }
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()), "a directive has at most 100 metrics");
        for metric in metrics {
            let name = metric["Name"].as_str().unwrap();
            assert!((1..=1_024).contains(&name.len()));
            assert!(
                ["Count", "Milliseconds", "Seconds", "Percent", "None"]
                    .contains(&metric["Unit"].as_str().unwrap())
            );
            match &line[name] {
                Value::Array(values) => {
                    assert!((1..=100).contains(&values.len()), "a metric has at most 100 values");
                    assert!(values.iter().all(Value::is_number));
                }
                value => assert!(value.is_number(), "a metric's target is a number, or an array of numbers"),
            }
        }
    }
}

/// Sums by metric and dimension, as `CloudWatch` extracts them.
fn sums(lines: &[Value]) -> BTreeMap<(String, String), f64> {
    let mut sums = BTreeMap::new();
    for line in lines {
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            for metric in directive["Metrics"].as_array().unwrap() {
                let name = metric["Name"].as_str().unwrap();
                for set in directive["Dimensions"].as_array().unwrap() {
                    let values = set.as_array().unwrap().iter();
                    let dimension: Vec<&str> =
                        values.map(|name| line[name.as_str().unwrap()].as_str().unwrap()).collect();
                    let sum: f64 = match &line[name] {
                        Value::Array(values) => values.iter().map(|value| value.as_f64().unwrap()).sum(),
                        value => value.as_f64().unwrap(),
                    };
                    *sums.entry((name.to_owned(), dimension.join(","))).or_insert(0.0) += sum;
                }
            }
        }
    }
    sums
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
fn outside_an_invocation_every_measurement_is_a_line_of_its_own() {
    let (out, metrics) = writer();
    for signal in Signal::ALL {
        metrics.count(signal);
    }
    assert_eq!(out.lines().len(), Signal::ALL.len());
    out.lines().iter().for_each(check);
}

#[test]
fn an_invocation_adds_counts_up_keeps_durations_and_writes_few_lines() {
    let lines = of_invocation(|metrics| {
        for channel in ["feishu_bot", "wecom_app", "feishu_bot"] {
            metrics.count(Signal::Delivered { channel });
        }
        for milliseconds in [1, 2] {
            metrics.duration(
                Signal::StepDuration { step: "compliance-check" },
                Duration::from_millis(milliseconds),
            );
        }
        metrics.count_of(Signal::OpenBreaks, 7);
        metrics.count_of(Signal::OpenBreaks, 4);
    });
    // Two values of one dimension can not be in one document; everything else can.
    assert_eq!(lines.len(), 2);
    lines.iter().for_each(check);
    let sums = sums(&lines);
    let sum = |name: &str, dimension: &str| sums[&(name.to_owned(), dimension.to_owned())].round();
    let got = [
        sum("Delivered", ""),
        sum("Delivered", "feishu_bot"),
        sum("Delivered", "wecom_app"),
        sum("StepDuration", "compliance-check"),
        sum("OpenBreaks", ""),
        sum("ColdStart", "compliance-check"),
    ];
    assert_eq!(got.map(|it| it.to_string()), ["3", "2", "1", "3", "4", "1"]);
    assert_eq!(lines[0]["StepDuration"], json!([1, 2]));
}

proptest! {
    #[test]
    fn any_dimension_and_value_make_a_valid_line(code in ".*", value in proptest::num::f64::ANY) {
        let line = parsed(|metrics| metrics.gauge(Signal::Rejected { code: &code }, value));
        check(&line);
    }

    #[test]
    fn an_invocation_loses_no_count_whatever_the_order(
        codes in prop::collection::vec((0..40_u8, 0..3_u8), 0..700),
    ) {
        let (lines, expected) = {
            let mut expected = BTreeMap::new();
            let lines = of_invocation(|metrics| {
                for (code, kind) in &codes {
                    let code = format!("c{code}");
                    let signal = match kind {
                        0 => Signal::Rejected { code: &code },
                        1 => Signal::DecisionReason { code: &code },
                        _ => Signal::StepDuration { step: &code },
                    };
                    metrics.count(signal);
                    *expected.entry((signal.name().to_owned(), code)).or_insert(0.0) += 1.0;
                }
            });
            (lines, expected)
        };
        lines.iter().for_each(check);
        let got = sums(&lines);
        for (key, count) in &expected {
            prop_assert_eq!(got.get(key), Some(count));
        }
    }
}
