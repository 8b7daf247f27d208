//! Messages as they come off the queue, the samples in `events/` among them.

use std::path::{Path, PathBuf};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use serde_json::{Value, json};
use sluice_domain::event::EventKind;
use sluice_domain::progress::Cleared;
use sluice_ports::Queue;

use crate::support::*;

fn sqs(bodies: &[String]) -> Value {
    let record = |(index, body): (usize, &String)| {
        json!({
            "messageId": format!("00000000-0000-4000-8000-{index:012}"),
            "receiptHandle": format!("receipt-{index}"),
            "body": body,
            "attributes": { "ApproximateReceiveCount": "1" },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:ap-east-1:123456789012:sluice-cleared",
            "awsRegion": "ap-east-1",
        })
    };
    json!({ "Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>() })
}

fn body(cleared: &Cleared) -> String {
    serde_json::to_string(cleared).unwrap()
}

/// Somebody with access to the queue turns a masked clearance into a plain one.
fn forged() -> String {
    body(&cleared(3, EventKind::FormSubmit, "open-3")).replace("allow_masked", "allow")
}

async fn run(desk: &Desk, event: Value) -> SqsBatchResponse {
    let event: SqsEvent = serde_json::from_value(event).unwrap();
    let stage = &desk.assigner;
    sluice_steps::run(stage, &desk.store.inner, &stage.clock, &stage.metrics, event).await
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/bucket-assignment")
}

fn samples() -> [(&'static str, Value); 2] {
    let form = body(&cleared(1, EventKind::FormSubmit, "open-1"));
    let follow = body(&cleared(2, EventKind::Follow, "open-1"));
    let good = body(&cleared(4, EventKind::FormSubmit, "open-4"));
    [
        ("cleared.json", sqs(&[form, follow])),
        ("forged-and-malformed.json", sqs(&[forged(), "{\"event\":".into(), good])),
    ]
}

fn sample(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder().join(name)).unwrap()).unwrap()
}

/// `SLUICE_WRITE_SAMPLES=1` writes them anew after a change of the message's form.
#[test]
fn the_samples_are_what_compliance_check_sends() {
    let write = std::env::var_os("SLUICE_WRITE_SAMPLES").is_some();
    for (name, expected) in samples() {
        if write {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(folder().join(name), format!("{expected:#}\n")).unwrap();
        }
        assert_eq!(sample(name), expected, "{name}");
    }
    let files = std::fs::read_dir(folder()).unwrap().count();
    assert_eq!(files, samples().len(), "a sample that no test uses");
}

#[tokio::test(flavor = "current_thread")]
async fn the_sample_batch_goes_on() {
    let desk = desk();
    let answer = run(&desk, sample("cleared.json")).await;
    assert_eq!(answer.batch_item_failures.len(), 0);
    let scripts: Vec<_> = desk.next().await.iter().map(|next| next.assignment.script.to_string()).collect();
    assert_eq!(scripts.len(), 2);
    assert!(scripts[0].starts_with("lead-card-"), "{scripts:?}");
    assert_eq!(scripts[1], "behaviour-note");
}

#[tokio::test(flavor = "current_thread")]
async fn a_forged_clearance_is_buried_and_its_neighbours_go_on() {
    let desk = desk();
    let answer = run(&desk, sample("forged-and-malformed.json")).await;
    assert_eq!(answer.batch_item_failures.len(), 0);
    let next = desk.next().await;
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].cleared, cleared(4, EventKind::FormSubmit, "open-4"));
    let dead = desk.store.inner.dead_letters(Queue::Cleared, None).unwrap().items;
    let codes: Vec<_> = dead.iter().map(|letter| letter.code.as_str()).collect();
    assert_eq!(codes, ["malformed_message", "clearance_forged"]);
    assert_eq!(desk.exposures().await.len(), 1);
}
