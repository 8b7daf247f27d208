//! The sample events in `events/` are what the template's own sources send.

use std::path::PathBuf;

use serde_json::Value;

use super::model::{Template, at, fields, pattern, text};

fn template() -> Template {
    super::written().unwrap()
}

/// Every sample of a function, with its path.
fn samples(function: &str) -> Vec<(PathBuf, Value)> {
    let folder = crate::workspace::root().join("events").join(function);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json")
            && path.file_name().unwrap() != "samples.json"
        {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, serde_json::from_str(&text).unwrap()));
        }
    }
    assert!(!found.is_empty(), "no samples in {}", folder.display());
    found
}

#[test]
fn callbacks_come_by_a_route_of_the_api() {
    let template = template();
    let events = template.properties("WebhookVerify");
    let routes: Vec<(String, String)> = fields(at(events, &["Events"]))
        .map(|(_, event)| {
            let event = at(event, &["Properties"]);
            assert_eq!(text(at(event, &["PayloadFormatVersion"])), "2.0");
            (text(at(event, &["Method"])).to_owned(), text(at(event, &["Path"])).to_owned())
        })
        .collect();
    for (path, event) in samples("webhook-verify") {
        let shown = path.display();
        assert_eq!(event["version"], "2.0", "{shown}");
        let http = &event["requestContext"]["http"];
        let (method, raw) = (http["method"].as_str().unwrap(), event["rawPath"].as_str().unwrap());
        let route = event["routeKey"].as_str().unwrap();
        assert!(routes.iter().any(|(by, to)| route == format!("{by} {to}")), "{shown}: no route `{route}`");
        assert!(route.starts_with(method), "{shown}: `{method}` by `{route}`");
        let source = event["pathParameters"]["source"].as_str().unwrap();
        assert_eq!(raw, format!("/callbacks/{source}"), "{shown}");
        assert_eq!(http["path"], raw, "{shown}");
        assert_eq!(event["requestContext"]["routeKey"], route, "{shown}");
    }
}

#[test]
fn batches_come_from_the_functions_own_queue_and_are_no_larger_than_it_sends() {
    let template = template();
    let mappings = template.mappings();
    assert_eq!(mappings.len(), 4);
    for mapping in mappings {
        let function = template.function_of(mapping.function).unwrap();
        let folder = text(at(template.resource(function.id), &["Metadata", "BuildProperties", "Binary"]));
        let queue = pattern(at(template.properties(mapping.queue), &["QueueName"]));
        let queue = queue.strip_prefix("${AWS::StackName}-").unwrap();
        let largest = at(mapping.properties, &["BatchSize"]).as_u64().unwrap();
        for (path, event) in samples(folder) {
            let shown = path.display();
            let records = event["Records"].as_array().unwrap();
            assert!((1..=largest).contains(&u64::try_from(records.len()).unwrap()), "{shown}");
            for record in records {
                assert_eq!(record["eventSource"], "aws:sqs", "{shown}");
                let arn = record["eventSourceARN"].as_str().unwrap();
                let name = arn.rsplit(':').next().unwrap();
                assert!(
                    name == queue || name.ends_with(&format!("-{queue}")),
                    "{shown}: `{name}` for `{queue}`"
                );
                for field in ["messageId", "receiptHandle", "body"] {
                    assert!(record[field].is_string(), "{shown}: no `{field}`");
                }
            }
        }
    }
}

#[test]
fn the_schedule_sends_the_fields_of_the_sample() {
    let template = template();
    let event =
        at(template.properties("NightlyReconciliation"), &["Events", "Nightly", "Properties", "Input"]);
    let sent: Value = serde_json::from_str(pattern(event)).unwrap();
    let folder = samples("nightly-reconciliation");
    let (_, sample) = folder.iter().find(|(path, _)| path.ends_with("scheduled.json")).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let (mut expected, mut found) = (names(&sent), names(sample));
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(expected, found);
    for field in ["detail-type", "source", "version"] {
        assert_eq!(sent[field], sample[field], "{field}");
    }
}
