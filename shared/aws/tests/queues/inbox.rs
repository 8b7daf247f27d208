//! What a step does with messages that it can not finish.

use sluice_aws::Resource;
use sluice_domain::reconciliation::DeadLetter;
use sluice_emulators::until_async;
use sluice_ports::conformance::samples::{body, message, trace};
use sluice_ports::{Backlog as _, BuriedMessage, Inbox as _, Outbox as _, Queue};

use crate::support::{DEADLINE, World, buried, text};

const EVENTS: Resource = Resource::Queue(Queue::Events);
const DEAD: Resource = Resource::DeadLetters(Queue::Events);

#[tokio::test]
async fn a_postponed_message_stays_hidden_beyond_its_time() {
    let world = World::fresh().await;
    assert_eq!(world.queues.send(Queue::Events, vec![message(0), message(1)]).await, []);
    // Both would come back after a second.
    let received = world.receive(EVENTS, 1).await;
    assert_eq!(received.len(), 2);
    let postponed = received.iter().find(|message| message.body() == Some(&body(0))).unwrap();
    let handle = postponed.receipt_handle().unwrap();
    assert_eq!(world.queues.postpone(Queue::Events, handle, 600).await, Ok(()));
    let back = until_async(DEADLINE, async || {
        let back = world.receive(EVENTS, 60).await;
        (!back.is_empty()).then_some(back)
    });
    let back = back.await.unwrap();
    assert_eq!(back.iter().map(|message| message.body().unwrap()).collect::<Vec<_>>(), [body(1)]);
    assert_eq!(world.counts(EVENTS).await, (0, 2));
    // And it can be brought forward again.
    assert_eq!(world.queues.postpone(Queue::Events, handle, 0).await, Ok(()));
    assert_eq!(world.bodies(Queue::Events).await, [body(0)]);
}

#[tokio::test]
async fn a_handle_that_is_gone_or_old_is_harmless() {
    let world = World::fresh().await;
    assert_eq!(world.queues.send(Queue::Events, vec![message(0), message(1)]).await, []);
    let received = world.receive(EVENTS, 0).await;
    let (deleted, old) = (&received[0], received[1].receipt_handle().unwrap());
    world.delete(EVENTS, deleted).await;
    let gone = deleted.receipt_handle().unwrap();
    assert_eq!(world.queues.postpone(Queue::Events, gone, 600).await, Ok(()));
    // Somebody else has it by now, and keeps it.
    let theirs = world.receive(EVENTS, 0).await;
    assert_eq!(theirs.len(), 1);
    assert_eq!(world.queues.postpone(Queue::Events, old, 600).await, Ok(()));
    assert_eq!(world.queues.postpone(Queue::Events, "never given", 600).await, Ok(()));
}

#[tokio::test]
async fn a_buried_message_lies_there_whole_with_its_reason_and_its_trace() {
    let world = World::fresh().await;
    assert_eq!(world.queues.bury(Queue::Events, buried(7)).await, Ok(()));
    let [letter] = world.receive(DEAD, 0).await.try_into().unwrap();
    assert_eq!(letter.body(), Some(body(7).as_str()));
    let told = ["code", "detail", "queue", "trace_id"].map(|name| text(&letter, name).unwrap());
    let id = trace(7).to_string();
    assert_eq!(told, ["malformed_message", "expected an event, got a number", "events", &id]);
    assert!(world.receive(EVENTS, 0).await.is_empty());
    let [listed] = world.queues.given_up(Queue::Events, None).await.unwrap().items.try_into().unwrap();
    let expected = DeadLetter {
        id: letter.message_id.unwrap(),
        queue: "events".into(),
        trace_id: Some(trace(7)),
        code: "malformed_message".into(),
        at: listed.at,
        redrives: 0,
    };
    assert_eq!(listed, expected);
    assert!(!listed.may_be_put_back());
}

/// Poison may be anything; it must not become a message that is neither finished nor buried.
#[tokio::test]
async fn whatever_was_received_can_be_buried() {
    let world = World::fresh().await;
    let long = "闸".repeat(5_000);
    for (body, detail) in [("", ""), ("\u{1}\u{ffff}", "\u{2}"), ("no json", long.as_str())] {
        let message =
            BuriedMessage { body: body.into(), trace_id: None, code: "c".into(), detail: detail.into() };
        assert_eq!(world.queues.bury(Queue::Events, message).await, Ok(()), "{body:?}");
    }
    let mut letters = world.drain(DEAD).await;
    letters.sort_by(|one, other| one.body.cmp(&other.body));
    let bodies: Vec<_> = letters.iter().map(|letter| letter.body().unwrap()).collect();
    assert_eq!(bodies, ["\\u0001\\uffff", "no json", "null"]);
    assert!(text(&letters[1], "detail").is_some_and(|detail| (1..=1_000).contains(&detail.len())));
    assert_eq!(text(&letters[2], "detail"), None);
}
