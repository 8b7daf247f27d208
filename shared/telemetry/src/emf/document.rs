//! Documents of the embedded metric format, within its limits.

use serde_json::{Map, Value, json};
use sluice_domain::time::UnixMillis;

use crate::{Kind, NAMESPACE, Signal, Unit};

/// The most metrics of one directive.
const MOST_METRICS: usize = 100;
/// The most values of one metric.
const MOST_VALUES: usize = 100;
/// The most characters of a dimension's value.
const LONGEST_DIMENSION: usize = 1_024;

/// One metric's values for one value of its dimension.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measure {
    name: &'static str,
    unit: Unit,
    kind: Kind,
    dimension: Option<(&'static str, String)>,
    values: Vec<f64>,
}

impl Measure {
    pub(super) fn of(signal: Signal<'_>, value: f64) -> Self {
        Self {
            name: signal.name(),
            unit: signal.unit(),
            kind: signal.kind(),
            dimension: signal.dimension().map(|(name, value)| (name, dimension_value(value))),
            values: vec![finite(value)],
        }
    }

    /// Takes a later value of the same metric in, if this is the same metric and there is room.
    pub(super) fn merge(&mut self, later: &Self) -> bool {
        if self.name != later.name || self.dimension != later.dimension {
            return false;
        }
        match self.kind {
            Kind::Counter => self.values = vec![self.values.iter().chain(&later.values).sum()],
            Kind::Gauge => self.values.clone_from(&later.values),
            Kind::Distribution if self.values.len() + later.values.len() > MOST_VALUES => return false,
            Kind::Distribution => self.values.extend(&later.values),
        }
        true
    }

    fn value(&self) -> Value {
        match self.values.as_slice() {
            [one] => number(*one),
            many => many.iter().map(|value| number(*value)).collect(),
        }
    }
}

/// One line: metrics whose dimensions don't contradict each other, for a document has one value of each dimension.
#[derive(Debug, Default)]
struct Document {
    dimensions: Vec<(&'static str, String)>,
    measures: Vec<Measure>,
}

impl Document {
    fn takes(&self, measure: &Measure) -> bool {
        self.measures.len() < MOST_METRICS
            && self.measures.iter().all(|other| other.name != measure.name)
            && measure.dimension.as_ref().is_none_or(|(name, value)| {
                self.dimensions.iter().all(|(known, other)| known != name || other == value)
            })
    }

    fn add(&mut self, measure: Measure) {
        if let Some(dimension) = &measure.dimension
            && !self.dimensions.contains(dimension)
        {
            self.dimensions.push(dimension.clone());
        }
        self.measures.push(measure);
    }

    /// A directive for each dimension, and one for the metrics without.
    fn line(&self, at: UnixMillis) -> Value {
        let names = std::iter::once(None).chain(self.dimensions.iter().map(|(name, _)| Some(*name)));
        let directives: Vec<Value> = names.filter_map(|name| self.directive(name)).collect();
        let mut line = Map::new();
        line.insert("_aws".into(), json!({"Timestamp": at.0, "CloudWatchMetrics": directives}));
        for (name, value) in &self.dimensions {
            line.insert((*name).into(), value.as_str().into());
        }
        for measure in &self.measures {
            line.insert(measure.name.into(), measure.value());
        }
        Value::Object(line)
    }

    fn directive(&self, dimension: Option<&'static str>) -> Option<Value> {
        let of_dimension = self.measures.iter().filter(|measure| {
            let name = measure.dimension.as_ref().map(|(name, _)| *name);
            name == dimension
        });
        let metrics: Vec<Value> = of_dimension
            .map(|measure| json!({"Name": measure.name, "Unit": measure.unit.as_str()}))
            .collect();
        let sets = match dimension {
            None => json!([[]]),
            Some(name) => json!([[], [name]]),
        };
        (!metrics.is_empty()).then(|| json!({"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": metrics}))
    }
}

/// As few lines as the format allows, in the order of the measures.
pub(super) fn lines(measures: Vec<Measure>, at: UnixMillis) -> Vec<Value> {
    let mut documents: Vec<Document> = Vec::new();
    for measure in measures {
        if let Some(document) = documents.iter_mut().find(|document| document.takes(&measure)) {
            document.add(measure);
        } else {
            let mut document = Document::default();
            document.add(measure);
            documents.push(document);
        }
    }
    documents.iter().map(|document| document.line(at)).collect()
}

/// `CloudWatch` refuses an empty dimension value, one without a visible character, and one longer than 1024.
fn dimension_value(value: &str) -> String {
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    let value: String = value.chars().map(plain).take(LONGEST_DIMENSION).collect();
    if value.trim().is_empty() { "none".to_owned() } else { value }
}

/// JSON has no NaN and `CloudWatch` no values beyond 2^360: what is not finite counts as 0, what is too large as the limit.
fn finite(value: f64) -> f64 {
    let limit = 2_f64.powi(360);
    if value.is_finite() { value.clamp(-limit, limit) } else { 0.0 }
}

/// A whole number without a decimal point.
fn number(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "the value is whole and below 2^53")]
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        Value::from(value as i64)
    } else {
        serde_json::Number::from_f64(value).map_or_else(|| Value::from(0), Value::Number)
    }
}
