use std::collections::BTreeSet;

use serde_json::Value;
use sluice_telemetry::Signal;

use super::*;

fn template() -> String {
    read(&root().join("template.yaml")).unwrap()
}

fn widgets(template: &str) -> Vec<widgets::Widget> {
    widgets::all(&cost::Costs::read(template).unwrap())
}

#[test]
fn the_template_holds_what_the_metrics_give() {
    let template = template();
    let fresh = generated(&template, &body::body(&widgets(&template))).unwrap();
    assert!(fresh == template, "template.yaml is stale: run `cargo xtask dashboard`");
}

#[test]
fn the_picture_shows_the_widgets_as_they_are() {
    let template = template();
    let measured = measured::Measured::read(&read(&root().join(MEASURED)).unwrap()).unwrap();
    let fresh = picture::picture(&widgets(&template), &measured);
    let committed = read(&root().join("docs/img/dashboard.svg")).unwrap();
    assert!(fresh == committed, "run `cargo xtask dashboard --picture docs/img/dashboard.svg`");
}

#[test]
fn the_measured_day_has_every_metric() {
    let measured = measured::Measured::read(&read(&root().join(MEASURED)).unwrap()).unwrap();
    for signal in Signal::ALL {
        assert!(!measured.total(signal.name()).is_empty(), "no `{}`: run with --record", signal.name());
    }
}

#[test]
fn the_body_is_json_without_overlaps_and_with_unique_ids_in_each_graph() {
    let body: Value = serde_json::from_str(&body::body(&widgets(&template()))).unwrap();
    let mut cells = BTreeSet::new();
    for widget in body["widgets"].as_array().unwrap() {
        let number = |name: &str| widget[name].as_u64().unwrap();
        for x in number("x")..number("x") + number("width") {
            assert!(x < 24, "the grid is 24 wide");
            for y in number("y")..number("y") + number("height") {
                assert!(cells.insert((x, y)), "two widgets at {x}, {y}");
            }
        }
        let mut ids = BTreeSet::new();
        for metric in widget["properties"]["metrics"].as_array().into_iter().flatten() {
            let options = metric.as_array().unwrap().last().unwrap();
            if let Some(id) = options["id"].as_str() {
                assert!(id.starts_with(|first: char| first.is_ascii_lowercase()), "{id}");
                assert!(ids.insert(id.to_owned()), "id `{id}` twice");
            }
        }
    }
}

#[test]
fn every_metric_of_ours_has_a_graph() {
    let body = body::body(&widgets(&template()));
    for signal in Signal::ALL {
        let name = signal.name();
        let shown = body.contains(&format!("MetricName=\\\"{name}\\\""))
            || body.contains(&format!("\"Sluice\",\"{name}\""));
        assert!(shown, "no graph shows `{name}`");
    }
}

#[test]
fn each_variable_of_the_body_is_a_resource_or_cloud_watchs_own() {
    let template = template();
    let body = body::body(&widgets(&template));
    for variable in body.split("${").skip(1).filter_map(|rest| rest.split('}').next()) {
        let name = variable.split('.').next().unwrap_or_default();
        let known = variable.starts_with("AWS::")
            || variable.starts_with("!PROP(")
            || template.contains(&format!("\n  {name}:\n    Type: AWS::"))
            || template.contains(&format!("\n  {name}:\n    DeletionPolicy:"));
        assert!(known, "`{variable}` is nothing of the template");
    }
}

#[test]
fn statistics_are_cloud_watchs() {
    let mut values: Vec<f64> = (1..=100).map(f64::from).collect();
    let got: Vec<f64> =
        ["p50", "p99", "Maximum", "Sum"].map(|stat| measured::statistic(&mut values, stat)).to_vec();
    assert_eq!(got, [50.0, 99.0, 100.0, 5_050.0]);
}
