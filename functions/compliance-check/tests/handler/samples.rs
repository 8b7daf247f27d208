//! The sample batches of `events/compliance-check`: what `sam local invoke` and these tests feed.
//!
//! `SLUICE_WRITE_SAMPLES=1 cargo test -p sluice-compliance-check samples` writes them again.

use aws_lambda_events::event::sqs::SqsEvent;
use serde_json::{Value, json};
use sluice_domain::event::{Event, EventKind};
use sluice_domain::id::TenantId;
use sluice_domain::time::BusinessDay;
use sluice_ports::{AuditLog as _, Queue};

use crate::gate::{Gate, root};
use crate::sample::{Made, RECEIVED, lead, message, order, unauthorize};

/// Each sample: its file, its events, and how each is recorded.
fn samples() -> Vec<(&'static str, Vec<Event>, Vec<&'static str>)> {
    vec![
        ("lead", vec![lead("sample-lead").event()], vec!["consented_lead"]),
        (
            "no-consent",
            vec![Made::new("sample-follow", EventKind::Follow, "new_follow_action").event()],
            vec!["consent_missing"],
        ),
        (
            "contact-diversion",
            vec![message("sample-diversion", "加我微信 vx_12345").event()],
            vec!["contact_diversion"],
        ),
        (
            "order-refunded",
            vec![order("sample-refund", EventKind::OrderChanged, "refund_success").event()],
            vec!["recorded"],
        ),
        (
            "mixed-batch",
            vec![
                lead("sample-mixed-lead").event(),
                unauthorize("sample-mixed-unauthorize").event(),
                Made { trace: 2, ..lead("sample-mixed-lead") }.event(),
                Made::new("sample-mixed-digg", EventKind::Unhandled, "new_video_digg").event(),
            ],
            vec!["consent_withdrawn", "recorded", "unhandled"],
        ),
    ]
}

fn as_sqs(events: &[Event]) -> Value {
    let record = |(index, event): (usize, &Event)| {
        json!({
            "messageId": format!("00000000-0000-4000-8000-{index:012}"),
            "receiptHandle": format!("sample-{index}"),
            "body": serde_json::to_string(event).unwrap(),
            "attributes": { "ApproximateReceiveCount": "1" },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:cn-north-1:000000000000:events",
            "awsRegion": "cn-north-1",
        })
    };
    json!({ "Records": events.iter().enumerate().map(record).collect::<Vec<_>>() })
}

#[tokio::test]
async fn every_sample_is_current_and_is_recorded_as_it_says() {
    let folder = root().join("events/compliance-check");
    let mut names: Vec<String> = Vec::new();
    for (name, events, expected) in samples() {
        let file = folder.join(format!("{name}.json"));
        let value = as_sqs(&events);
        if std::env::var_os("SLUICE_WRITE_SAMPLES").is_some() {
            std::fs::write(&file, format!("{value:#}\n")).unwrap();
        }
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value, "{name}: write the samples again");
        let sqs: SqsEvent = serde_json::from_str(&text).unwrap();

        let gate = Gate::open();
        assert!(gate.run_event(sqs).await.batch_item_failures.is_empty(), "{name}");
        assert_eq!(codes(&gate, RECEIVED.business_day()).await, expected, "{name}");
        names.push(format!("{name}.json"));
    }
    names.push("malformed.json".into());
    let on_disk = std::fs::read_dir(&folder).unwrap();
    for entry in on_disk {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(&name), "`{name}` is used by no test");
    }
}

#[tokio::test]
async fn a_malformed_sample_is_buried_and_the_rest_goes_on() {
    let text = std::fs::read_to_string(root().join("events/compliance-check/malformed.json")).unwrap();
    let gate = Gate::open();
    let response = gate.run_event(serde_json::from_str(&text).unwrap()).await;
    assert!(response.batch_item_failures.is_empty());
    let dead = gate.store.dead_letters(Queue::Events, None).unwrap().items;
    assert_eq!(dead.iter().map(|letter| letter.code.as_str()).collect::<Vec<_>>(), ["malformed_message"; 2]);
}

/// How the day's events were recorded, in order of their ids.
async fn codes(gate: &Gate, day: BusinessDay) -> Vec<String> {
    let tenant = TenantId::new("demo-brand").unwrap();
    let mut records = gate.store.audits(&tenant, day, None).await.unwrap().items;
    records.sort_by_key(|record| {
        ["lead", "unauthorize", "digg"].iter().position(|part| record.key.message.as_str().ends_with(part))
    });
    records
        .iter()
        .map(|record| match &record.disposition {
            sluice_domain::audit::Disposition::Decided { decision } => decision.main_code().to_owned(),
            other => other.label().to_owned(),
        })
        .collect()
}
