//! The deployment template against the metrics this crate names. Everything else it must hold to: `xtask/src/template/rules`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking, as tests do"
)]

use std::collections::{BTreeMap, BTreeSet};

use sluice_telemetry::{NAMESPACE, Signal};
use yaml_serde::Value;

/// The template with its tags (`!Sub`, `!Ref`) left in place.
fn template() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
    yaml_serde::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A value without its tag: `!Ref X` → `X`.
fn untagged(value: &Value) -> &Value {
    match value {
        Value::Tagged(tagged) => &tagged.value,
        other => other,
    }
}

fn text(value: &Value) -> String {
    untagged(value).as_str().unwrap_or_default().to_owned()
}

/// Name → properties of every resource of a type.
fn resources(kind: &str) -> BTreeMap<String, Value> {
    let template = template();
    let all = template["Resources"].as_mapping().unwrap();
    all.iter()
        .filter(|(_, resource)| resource["Type"].as_str() == Some(kind))
        .map(|(name, resource)| (name.as_str().unwrap().to_owned(), resource["Properties"].clone()))
        .collect()
}

fn known() -> BTreeSet<String> {
    Signal::ALL.iter().map(|signal| signal.name().to_owned()).collect()
}

/// Every metric of our namespace that a dashboard widget shows: metric arrays, and searches with their dimension.
fn shown(value: &serde_json::Value, found: &mut BTreeSet<(String, Option<String>)>) {
    match value {
        serde_json::Value::Array(items) => {
            if let [serde_json::Value::String(namespace), serde_json::Value::String(name), ..] =
                items.as_slice()
                && namespace == NAMESPACE
            {
                found.insert((name.clone(), None));
            }
            for item in items {
                shown(item, found);
            }
        }
        serde_json::Value::Object(fields) => {
            for field in fields.values() {
                shown(field, found);
            }
        }
        serde_json::Value::String(text) => {
            if let Some(search) = text.strip_prefix(&format!("SEARCH('{{{NAMESPACE},")) {
                let (dimension, rest) = search.split_once('}').unwrap();
                let name = rest.split('"').nth(1).unwrap();
                found.insert((name.to_owned(), Some(dimension.to_owned())));
            }
        }
        _ => {}
    }
}

fn dashboard() -> BTreeSet<(String, Option<String>)> {
    let [body] =
        <[Value; 1]>::try_from(resources("AWS::CloudWatch::Dashboard").into_values().collect::<Vec<_>>())
            .unwrap();
    let body: serde_json::Value = serde_json::from_str(&text(&body["DashboardBody"])).unwrap();
    let mut found = BTreeSet::new();
    shown(&body, &mut found);
    found
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    let names: BTreeSet<String> = dashboard().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, known());
}

#[test]
fn the_dashboard_searches_each_metric_by_its_own_dimension() {
    let dimensions: BTreeMap<&str, Option<&str>> =
        Signal::ALL.iter().map(|signal| (signal.name(), signal.dimension().map(|(name, _)| name))).collect();
    for (name, dimension) in dashboard() {
        let own = dimensions.get(name.as_str()).unwrap();
        // Without a dimension it is the total, which every metric has.
        assert!(dimension.is_none() || dimension.as_deref() == *own, "metric `{name}`");
    }
}

#[test]
fn alarms_watch_metrics_that_exist_and_the_four_that_need_a_person() {
    let watched: BTreeSet<String> = resources("AWS::CloudWatch::Alarm")
        .values()
        .filter(|alarm| alarm["Namespace"].as_str() == Some(NAMESPACE))
        .map(|alarm| text(&alarm["MetricName"]))
        .collect();
    assert!(watched.is_subset(&known()), "{watched:?}");
    for name in ["InDoubt", "OpenBreaks", "DeadLettered", "Rejected"] {
        assert!(watched.contains(name), "no alarm on `{name}`");
    }
}

#[test]
fn the_night_is_chinas() {
    let functions = resources("AWS::Serverless::Function");
    let schedule = &functions["NightlyReconciliation"]["Events"]["Nightly"]["Properties"];
    assert_eq!(text(&schedule["ScheduleExpression"]), "cron(0 2 * * ? *)");
    assert_eq!(text(&schedule["ScheduleExpressionTimezone"]), "Asia/Shanghai");
    let input = text(&schedule["Input"]);
    assert!(serde_json::from_str::<serde_json::Value>(&input).unwrap()["time"].is_string());
}
