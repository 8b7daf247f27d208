//! The dashboard's body, as `CloudWatch` reads it, inside `Fn::Sub`: `${…}` is `CloudFormation`'s, `${!…}` `CloudWatch`'s own.

use serde_json::{Map, Value, json};
use sluice_telemetry::NAMESPACE;

use super::widgets::{Series, View, Widget};

/// One point in so many seconds.
const PERIOD: u32 = 300;

/// The body: a line for each widget.
pub(super) fn body(widgets: &[Widget]) -> String {
    let heading = json!({
        "type": "text", "x": 0, "y": 0, "width": 24, "height": 1,
        "properties": {"markdown": "**${AWS::StackName}**: callbacks → decisions → assignments → deliveries"},
    });
    let lines: Vec<String> =
        std::iter::once(heading).chain(widgets.iter().map(graph)).map(|it| format!("  {it}")).collect();
    format!("{{\"widgets\": [\n{}\n]}}\n", lines.join(",\n"))
}

fn graph(widget: &Widget) -> Value {
    let view = match widget.view {
        View::Lines | View::Stacked => "timeSeries",
        View::Bars => "bar",
    };
    let metrics: Vec<Value> =
        widget.series.iter().enumerate().flat_map(|(number, series)| metrics(series, number)).collect();
    let mut properties = json!({
        "title": widget.title, "region": "${AWS::Region}", "view": view, "stacked": widget.view == View::Stacked,
        "period": PERIOD, "metrics": metrics,
    });
    if widget.view == View::Bars
        && let Some(fields) = properties.as_object_mut()
    {
        fields.insert("setPeriodToTimeRange".to_owned(), true.into());
    }
    let ((x, y), (width, height)) = (widget.place, widget.size);
    json!({"type": "metric", "x": x, "y": y, "width": width, "height": height, "properties": properties})
}

fn metrics(series: &Series, number: usize) -> Vec<Value> {
    match series {
        Series::Ours { signal, by_dimension, stat } => match signal.dimension() {
            Some((dimension, _)) if *by_dimension => {
                let name = signal.name();
                let search = format!(
                    "SEARCH('{{{NAMESPACE},{dimension}}} MetricName=\"{name}\"', '{stat}', {PERIOD})"
                );
                let label = format!("{name} ${{!PROP('Dim.{dimension}')}}");
                vec![json!([{"expression": search, "id": format!("e{number}"), "label": label}])]
            }
            _ => vec![
                json!([NAMESPACE, signal.name(), {"stat": stat, "label": labelled(signal.name(), stat)}]),
            ],
        },
        Series::Aws { .. } => vec![aws(series, Map::new())],
        Series::Math { label, expression, over } => {
            let mut metrics =
                vec![json!([{"expression": expression, "id": format!("e{number}"), "label": label}])];
            metrics.extend(over.iter().map(|(id, series)| {
                let hidden = [("id".to_owned(), id.as_str().into()), ("visible".to_owned(), false.into())];
                aws(series, hidden.into_iter().collect())
            }));
            metrics
        }
    }
}

/// One metric without a search: of AWS's, or the total of one of ours.
fn aws(series: &Series, mut options: Map<String, Value>) -> Value {
    match series {
        Series::Aws { namespace, name, dimension, value, stat } => {
            options.insert("stat".to_owned(), (*stat).into());
            json!([namespace, name, dimension, format!("${{{value}}}"), options])
        }
        Series::Ours { signal, stat, .. } => {
            options.insert("stat".to_owned(), (*stat).into());
            json!([NAMESPACE, signal.name(), options])
        }
        Series::Math { .. } => Value::Null,
    }
}

/// A percentile says which.
pub(super) fn labelled(name: &str, stat: &str) -> String {
    if stat.starts_with('p') { format!("{name} {stat}") } else { name.to_owned() }
}
