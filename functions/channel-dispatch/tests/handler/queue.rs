//! Messages as they come off the queue, the samples in `events/` among them.

use std::path::{Path, PathBuf};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use proptest::prelude::*;
use serde_json::{Value, json};
use sluice_domain::decision::Verdict;
use sluice_domain::delivery::DeliveryState;
use sluice_domain::progress::Assigned;
use sluice_ports::{Deliveries as _, Queue};

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
            "eventSourceARN": "arn:aws:sqs:ap-east-1:123456789012:sluice-assigned",
            "awsRegion": "ap-east-1",
        })
    };
    json!({ "Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>() })
}

fn body(assigned: &Assigned) -> String {
    serde_json::to_string(assigned).unwrap()
}

/// Somebody with access to the queue turns a masked clearance into a plain one.
fn forged() -> String {
    body(&assigned(3, BOT, Verdict::AllowMasked)).replace("allow_masked", "allow")
}

async fn run(desk: &Desk, event: Value) -> SqsBatchResponse {
    let event: SqsEvent = serde_json::from_value(event).unwrap();
    let dispatch = desk.dispatch.as_ref();
    sluice_steps::run(dispatch, &desk.store.inner, &dispatch.clock, &dispatch.metrics, event).await
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/channel-dispatch")
}

fn samples() -> [(&'static str, Value); 2] {
    let good = [assigned(1, BOT, Verdict::AllowMasked), assigned(2, PERSON, Verdict::AllowMasked)];
    [
        ("assigned.json", sqs(&good.each_ref().map(body))),
        (
            "forged-and-malformed.json",
            sqs(&[forged(), "not json".into(), body(&assigned(4, APP, Verdict::AllowMasked))]),
        ),
    ]
}

fn sample(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder().join(name)).unwrap()).unwrap()
}

/// `SLUICE_WRITE_SAMPLES=1` writes them anew after a change of the message's form.
#[test]
fn the_samples_are_what_bucket_assignment_sends() {
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
async fn the_sample_batch_is_delivered() {
    let desk = desk();
    let answer = run(&desk, sample("assigned.json")).await;
    assert_eq!(answer.batch_item_failures.len(), 0);
    let to: Vec<_> = desk.platform.taken().into_iter().map(|(destination, _)| destination).collect();
    assert_eq!(to, [BOT, PERSON]);
}

#[tokio::test(flavor = "current_thread")]
async fn a_forged_clearance_is_buried_and_its_neighbours_go_on() {
    let desk = desk();
    let answer = run(&desk, sample("forged-and-malformed.json")).await;
    assert_eq!(answer.batch_item_failures.len(), 0);
    assert_eq!(desk.platform.taken().len(), 1);
    let dead = desk.store.inner.dead_letters(Queue::Assigned, None).unwrap().items;
    let codes: Vec<_> = dead.iter().map(|letter| letter.code.as_str()).collect();
    assert_eq!(codes, ["malformed_message", "clearance_forged"]);
    let key = assigned(3, BOT, Verdict::AllowMasked).cleared.event().key.clone();
    assert_eq!(desk.store.delivery(&key).await, Ok(None));
}

#[tokio::test(flavor = "current_thread")]
async fn a_batch_that_comes_twice_is_sent_once() {
    let desk = desk();
    run(&desk, sample("assigned.json")).await;
    let again = run(&desk, sample("assigned.json")).await;
    assert_eq!((again.batch_item_failures.len(), desk.platform.taken().len()), (0, 2));
    let first = desk.delivery(&assigned(1, BOT, Verdict::AllowMasked)).await;
    assert_eq!(first.state, DeliveryState::Delivered);
}

/// What rules and scripts read must be what was cleared, to the last field.
#[tokio::test(flavor = "current_thread")]
async fn nothing_of_a_cleared_event_can_be_exchanged() {
    let honest = body(&assigned(1, BOT, Verdict::AllowMasked));
    let other = body(&assigned(2, BOT, Verdict::AllowMasked));
    let field = |body: &str, pointer: &str| {
        let value: Value = serde_json::from_str(body).unwrap();
        value.pointer(&format!("/cleared/event/{pointer}")).unwrap().to_string()
    };
    let mut altered = vec![
        honest.replace("form_submit", "order_paid"),
        honest.replace("\"personal\"", "\"impersonal\""),
        honest.replace("\"received_at\":1", "\"received_at\":2"),
        honest.replace("consent_stands", "order_service"),
        honest.replace("\"form.城市\"", "\"form.地址\""),
        honest.replace("abab", "cdcd"),
        honest.replace("\"script\":\"lead-card-plain\"", "\"script\":\"lead-card-guided\""),
        honest.replace("\"destination\":\"wecom-sales-group\"", "\"destination\":\"wecom-sales-east\""),
    ];
    for name in ["person", "message", "trace_id", "personal/phone"] {
        altered.push(honest.replace(&field(&honest, name), &field(&other, name)));
    }
    for message in altered {
        assert_ne!(message, honest);
        let desk = desk();
        run(&desk, sqs(std::slice::from_ref(&message))).await;
        assert!(desk.platform.taken().is_empty(), "{message}");
        let dead = desk.store.inner.dead_letters(Queue::Assigned, None).unwrap().items;
        assert_eq!(dead[0].code, "clearance_forged", "{message}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever one byte of the message becomes: either it is the same message, or nobody gets anything but what was cleared.
    #[test]
    fn an_altered_message_never_sends_other_words(place in 0..4_000_usize, byte in b' '..b'~') {
        let assigned = assigned(5, BOT, Verdict::AllowMasked);
        let mut bytes = body(&assigned).into_bytes();
        let place = place % bytes.len();
        bytes[place] = byte;
        let altered = String::from_utf8_lossy(&bytes).into_owned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let texts = runtime.block_on(async {
            let (desk, honest) = (desk(), desk());
            run(&desk, sqs(&[altered])).await;
            run(&honest, sqs(&[body(&assigned)])).await;
            let text = |desk: &Desk| desk.platform.taken().into_iter().map(|(_, message)| message.text).collect::<Vec<_>>();
            (text(&desk), text(&honest))
        });
        prop_assert!(texts.0.is_empty() || texts.0 == texts.1);
    }
}
