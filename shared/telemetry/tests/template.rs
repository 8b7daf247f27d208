//! The deployment template against the metrics this crate names, and against what a queue-fed gate needs to lose nothing.

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
        assert_eq!(dimensions.get(name.as_str()), Some(&dimension.as_deref()), "metric `{name}`");
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
fn every_alarm_tells_somebody() {
    let alarms = resources("AWS::CloudWatch::Alarm");
    assert!(!alarms.is_empty());
    for (name, alarm) in alarms {
        assert_eq!(text(&alarm["AlarmActions"][0]), "AlarmTopic", "{name}");
    }
}

/// Function → (timeout in seconds, its queue's name if a queue feeds it, the event source).
fn queue_fed() -> Vec<(String, u64, String, Value)> {
    resources("AWS::Serverless::Function")
        .into_iter()
        .filter_map(|(name, function)| {
            let source = function["Events"]["Queue"]["Properties"].clone();
            let queue = text(&source["Queue"]).strip_suffix(".Arn")?.to_owned();
            Some((name, function["Timeout"].as_u64().unwrap(), queue, source))
        })
        .collect()
}

#[test]
fn three_queues_feed_three_functions_with_partial_batches_and_a_ceiling() {
    let fed = queue_fed();
    assert_eq!(fed.len(), 3);
    for (name, _, _, source) in fed {
        assert_eq!(text(&source["FunctionResponseTypes"][0]), "ReportBatchItemFailures", "{name}");
        assert!(!source["ScalingConfig"]["MaximumConcurrency"].is_null(), "{name}");
    }
}

#[test]
fn every_queue_hides_a_message_six_times_as_long_as_its_reader_may_run() {
    let queues = resources("AWS::SQS::Queue");
    for (name, timeout, queue, _) in queue_fed() {
        let visibility = queues[&queue]["VisibilityTimeout"].as_u64().unwrap();
        assert!(visibility >= timeout * 6, "{name}: {visibility} s for a time-out of {timeout} s");
    }
}

#[test]
fn every_queue_has_dead_letters_kept_for_two_weeks_after_at_least_five_receives() {
    let queues = resources("AWS::SQS::Queue");
    for (_, _, queue, _) in queue_fed() {
        let redrive = &queues[&queue]["RedrivePolicy"];
        assert!(redrive["maxReceiveCount"].as_u64().unwrap() >= 5, "{queue}");
        let dead = text(&redrive["deadLetterTargetArn"]);
        let dead = &queues[dead.strip_suffix(".Arn").unwrap()];
        assert_eq!(dead["MessageRetentionPeriod"].as_u64(), Some(14 * 86_400), "{queue}");
    }
}

#[test]
fn every_queue_is_encrypted_with_the_key_and_refuses_plain_connections() {
    let guarded: BTreeSet<String> =
        resources("AWS::SQS::QueuePolicy").values().map(|policy| text(&policy["Queues"][0])).collect();
    for (name, queue) in resources("AWS::SQS::Queue") {
        assert_eq!(text(&queue["KmsMasterKeyId"]), "Key", "{name}");
        assert!(guarded.contains(&name), "{name}");
    }
}

#[test]
fn every_table_can_be_restored_is_protected_and_encrypted_with_the_key() {
    let tables = resources("AWS::DynamoDB::Table");
    assert_eq!(tables.len(), 7);
    for (name, table) in tables {
        let restorable = &table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"];
        assert_eq!(restorable.as_bool(), Some(true), "{name}");
        assert_eq!(table["DeletionProtectionEnabled"].as_bool(), Some(true), "{name}");
        assert_eq!(text(&table["SSESpecification"]["KMSMasterKeyId"]), "Key", "{name}");
    }
}

#[test]
fn only_bookkeeping_expires() {
    let expiring: Vec<String> = resources("AWS::DynamoDB::Table")
        .into_iter()
        .filter(|(_, table)| !table["TimeToLiveSpecification"].is_null())
        .map(|(name, _)| name)
        .collect();
    assert_eq!(expiring, ["ReceiptsTable"]);
}

#[test]
fn each_function_has_its_own_role_binary_and_log_group() {
    let roles = resources("AWS::IAM::Role");
    let functions = resources("AWS::Serverless::Function");
    assert_eq!(functions.len(), 5);
    for (name, function) in functions {
        assert_eq!(text(&function["Role"]), format!("{name}Role.Arn"));
        assert!(roles.contains_key(&format!("{name}Role")));
        assert_eq!(text(&function["LoggingConfig"]["LogGroup"]), format!("{name}Logs"));
    }
}

#[test]
fn no_role_has_wildcard_actions_or_resources_but_for_trace_writes() {
    for (name, role) in resources("AWS::IAM::Role") {
        for policy in role["Policies"].as_sequence().unwrap() {
            for statement in policy["PolicyDocument"]["Statement"].as_sequence().unwrap() {
                let action = yaml_serde::to_string(&statement["Action"]).unwrap();
                assert!(!action.contains('*'), "{name}: {action}");
                if !action.contains("xray:") {
                    assert_ne!(text(&statement["Resource"]), "*", "{name}: {action}");
                }
            }
        }
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
