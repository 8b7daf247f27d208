//! What SQS does wrong at times, at the wire.

use sluice_domain::failure::FailureKind;
use sluice_emulators::proxy::{Fault, Rule};
use sluice_ports::conformance::samples::{NOON, body, message, oversized};
use sluice_ports::{Backlog as _, Inbox as _, OutboundMessage, Outbox as _, PortError, Queue};

use crate::support::{World, buried};

#[tokio::test]
async fn what_stays_throttled_says_when_to_come_back() {
    let (world, proxy) = World::behind_proxy().await;
    proxy.inject(Rule::new(Fault::Throttle));
    let (queues, ids) = (&world.queues, ["id".to_owned()]);
    let (sent, buried, postponed, unfinished, listed, put_back) = tokio::join!(
        queues.send(Queue::Events, vec![message(0), message(1)]),
        queues.bury(Queue::Events, buried(0)),
        queues.postpone(Queue::Events, "handle", 1),
        queues.unfinished(Queue::Events),
        queues.given_up(Queue::Events, None),
        queues.put_back(Queue::Events, &ids),
    );
    assert_eq!(sent.iter().map(|failure| failure.index).collect::<Vec<_>>(), [0, 1]);
    let errors = sent.into_iter().map(|failure| failure.error).chain([
        buried.unwrap_err(),
        postponed.unwrap_err(),
        unfinished.unwrap_err(),
        listed.unwrap_err(),
        put_back.unwrap_err(),
    ]);
    for error in errors {
        assert!(matches!(error, PortError::Throttled { until, .. } if until > NOON), "{error}");
    }
    proxy.heal();
    assert_eq!(world.queues.unfinished(Queue::Events).await, Ok(0));
}

#[tokio::test]
async fn a_call_that_is_throttled_once_is_repeated() {
    let (world, proxy) = World::behind_proxy().await;
    proxy.inject(Rule::new(Fault::Throttle).operation("SendMessageBatch").once(1));
    assert_eq!(world.queues.send(Queue::Events, vec![message(0)]).await, []);
    assert_eq!(world.bodies(Queue::Events).await, [body(0)]);
    assert_eq!(proxy.recording().faults(), 1);
}

/// A standard queue does not know its own messages: each is there, and may be there twice.
#[tokio::test]
async fn a_batch_whose_answer_was_lost_is_there_at_least_once() {
    let (world, proxy) = World::behind_proxy().await;
    proxy.inject(Rule::new(Fault::LostAnswer).operation("SendMessageBatch").once(1));
    assert_eq!(world.queues.send(Queue::Events, (0..3).map(message).collect()).await, []);
    assert_eq!((proxy.recording().faults(), proxy.recording().calls().len()), (1, 2));
    let mut arrived = world.bodies(Queue::Events).await;
    assert_eq!(arrived.len(), 6);
    arrived.dedup();
    assert_eq!(arrived, [body(0), body(1), body(2)]);
}

#[tokio::test]
async fn a_batch_whose_answers_are_all_lost_is_told_for_every_message() {
    let (world, proxy) = World::behind_proxy().await;
    proxy.inject(Rule::new(Fault::LostAnswer).operation("SendMessageBatch"));
    let failures = world.queues.send(Queue::Events, (0..3).map(message).collect()).await;
    assert_eq!(failures.iter().map(|failure| failure.index).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(failures.iter().all(|failure| failure.error.kind() == FailureKind::Retry), "{failures:?}");
    assert!(world.bodies(Queue::Events).await.len() >= 3, "they are there all the same");
}

/// Two calls, of ten messages and of two, of which the latter halves are refused; the oversized one is in neither.
#[tokio::test]
async fn refused_entries_are_named_by_their_place_in_the_whole_batch() {
    let (world, proxy) = World::behind_proxy().await;
    proxy.inject(Rule::new(Fault::Unprocessed).operation("SendMessageBatch"));
    let mut messages: Vec<OutboundMessage> = (0..13).map(message).collect();
    messages[2] = oversized(2);
    let failures = world.queues.send(Queue::Events, messages).await;
    let refused: Vec<usize> = failures.iter().map(|failure| failure.index).collect();
    assert_eq!(refused, [2, 6, 7, 8, 9, 10, 12]);
    for failure in &failures {
        let expected = if failure.index == 2 { FailureKind::Permanent } else { FailureKind::Retry };
        assert_eq!(failure.error.kind(), expected, "{}: {}", failure.index, failure.error);
    }
    let mut taken: Vec<String> = [0, 1, 3, 4, 5, 11].map(body).to_vec();
    taken.sort();
    assert_eq!(world.bodies(Queue::Events).await, taken);
}

#[tokio::test]
async fn a_letter_whose_answer_was_lost_is_buried() {
    let (world, proxy) = World::behind_proxy().await;
    proxy.inject(Rule::new(Fault::LostAnswer).operation("SendMessage").once(1));
    assert_eq!(world.queues.bury(Queue::Events, buried(0)).await, Ok(()));
    let letters = world.queues.given_up(Queue::Events, None).await.unwrap().items;
    assert!(!letters.is_empty() && letters.iter().all(|letter| letter.code == "malformed_message"));
    proxy.inject(Rule::new(Fault::Status(503)).operation("SendMessage"));
    let error = world.queues.bury(Queue::Events, buried(1)).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Retry, "a message that could not be buried stays on its queue");
}

#[tokio::test]
async fn nothing_that_was_sent_is_repeated_in_an_error() {
    let (world, proxy) = World::behind_proxy().await;
    proxy.inject(Rule::new(Fault::Status(500)));
    let secret = OutboundMessage { body: "\"13800000000\"".into(), ..message(0) };
    let failures = world.queues.send(Queue::Events, vec![secret]).await;
    let told = format!("{failures:?}");
    assert!(told.contains("InternalFailure") && !told.contains("13800000000"), "{told}");
}
