//! Lines of the embedded metric format, read back as `CloudWatch` extracts them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// A metric, and the value of its dimension.
type Name = (String, Option<String>);
/// A moment, in milliseconds, and a value.
pub(super) type Point = (i64, f64);

/// Values with their moments, by metric and value of its dimension (none: the total).
#[derive(Debug, Default)]
pub(super) struct Measured {
    points: BTreeMap<Name, Vec<Point>>,
    /// The first and the last moment, in milliseconds.
    pub(super) span: (i64, i64),
}

impl Measured {
    /// Reads lines.
    pub(super) fn read(text: &str) -> Result<Self> {
        let mut measured = Self { span: (i64::MAX, i64::MIN), ..Self::default() };
        for (number, line) in text.lines().enumerate() {
            let line: Value =
                serde_json::from_str(line).with_context(|| format!("line {} is no JSON", number + 1))?;
            measured.take(&line).with_context(|| format!("line {} is no metric", number + 1))?;
        }
        Ok(measured)
    }

    fn take(&mut self, line: &Value) -> Option<()> {
        let at = line.pointer("/_aws/Timestamp")?.as_i64()?;
        self.span = (self.span.0.min(at), self.span.1.max(at));
        for directive in line.pointer("/_aws/CloudWatchMetrics")?.as_array()? {
            for set in directive.get("Dimensions")?.as_array()? {
                let dimension = set.get(0).and_then(Value::as_str).and_then(|name| line.get(name)?.as_str());
                for metric in directive.get("Metrics")?.as_array()? {
                    let name = metric.get("Name")?.as_str()?;
                    let points =
                        self.points.entry((name.to_owned(), dimension.map(str::to_owned))).or_default();
                    match line.get(name)? {
                        Value::Array(values) => {
                            points.extend(values.iter().filter_map(Value::as_f64).map(|it| (at, it)));
                        }
                        value => points.push((at, value.as_f64()?)),
                    }
                }
            }
        }
        Some(())
    }

    /// The points of a metric's total.
    pub(super) fn total(&self, name: &str) -> &[Point] {
        self.points.get(&(name.to_owned(), None)).map_or(&[], Vec::as_slice)
    }

    /// The points of each value of a metric's dimension.
    pub(super) fn each(&self, name: &str) -> Vec<(&str, &[Point])> {
        let of_name = self.points.iter().filter(|((metric, _), _)| metric == name);
        of_name.filter_map(|((_, value), points)| Some((value.as_deref()?, points.as_slice()))).collect()
    }
}

/// One number of the values of a period, as `CloudWatch` makes it.
pub(super) fn statistic(values: &mut [f64], stat: &str) -> f64 {
    values.sort_by(f64::total_cmp);
    let percentile = |p: usize| {
        let rank = (values.len() * p).div_ceil(100).max(1);
        values.get(rank - 1).copied().unwrap_or_default()
    };
    match stat {
        "p50" => percentile(50),
        "p99" => percentile(99),
        "Maximum" => percentile(100),
        _ => values.iter().sum(),
    }
}
