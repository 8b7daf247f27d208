//! The list of what was given up.

use std::collections::BTreeSet;

use sluice_aws::Resource;
use sluice_domain::reconciliation::DeadLetter;
use sluice_emulators::proxy::{Fault, Rule};
use sluice_ports::conformance::samples::{message, trace};
use sluice_ports::{Backlog as _, BuriedMessage, Inbox as _, Outbox as _, PortError, Queue};

use crate::support::{World, buried};

const DEAD: Resource = Resource::DeadLetters(Queue::Cleared);

fn ids(letters: &[DeadLetter]) -> BTreeSet<&str> {
    letters.iter().map(|letter| letter.id.as_str()).collect()
}

#[tokio::test]
async fn every_letter_is_listed_and_stays_visible() {
    let world = World::fresh().await;
    world.bury(Queue::Cleared, 0..25).await;
    let first = world.queues.given_up(Queue::Cleared, None).await.unwrap();
    assert_eq!((first.items.len(), first.next), (25, None));
    assert_eq!(ids(&first.items).len(), 25);
    let traces: BTreeSet<_> = first.items.iter().filter_map(|letter| letter.trace_id).collect();
    assert_eq!(traces, (0..25).map(trace).collect());
    assert!(first.items.is_sorted_by_key(|letter| letter.at), "not oldest first");
    assert_eq!(world.counts(DEAD).await, (25, 0));
    let again = world.queues.given_up(Queue::Cleared, None).await.unwrap();
    assert_eq!(again.items, first.items);
    assert!(world.queues.given_up(Queue::Events, None).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn two_looks_of_one_process_each_see_every_letter() {
    let world = World::fresh().await;
    world.bury(Queue::Cleared, 0..15).await;
    let queues = &world.queues;
    let (one, other) =
        tokio::join!(queues.given_up(Queue::Cleared, None), queues.given_up(Queue::Cleared, None));
    assert_eq!(one.unwrap().items.len(), 15);
    assert_eq!(other.unwrap().items.len(), 15);
}

/// SQS moves a message as it is: no step has given it a reason.
#[tokio::test]
async fn a_message_that_was_received_too_often_is_listed_with_that_reason() {
    let world = World::fresh().await;
    assert_eq!(world.queues.send(Queue::Cleared, vec![message(3)]).await, []);
    let [letter] = world.use_receives_up(Queue::Cleared, 1).await.try_into().unwrap();
    assert_eq!((letter.code.as_str(), letter.redrives), (DeadLetter::RECEIVES_USED_UP, 0));
    assert_eq!((letter.trace_id, letter.queue.as_str()), (Some(trace(3)), "cleared"));
    assert!(letter.may_be_put_back());
    assert_eq!(world.queues.unfinished(Queue::Cleared).await, Ok(0));
}

/// A message made by hand.
#[tokio::test]
async fn a_letter_without_attributes_is_listed_too() {
    let world = World::fresh().await;
    world.sqs.send_message().queue_url(world.url(DEAD)).message_body("by hand").send().await.unwrap();
    let [letter] = world.queues.given_up(Queue::Cleared, None).await.unwrap().items.try_into().unwrap();
    assert_eq!((letter.trace_id, letter.redrives), (None, 0));
}

#[tokio::test]
async fn a_look_that_fails_half_way_hides_nothing() {
    let (world, proxy) = World::behind_proxy().await;
    world.bury(Queue::Cleared, 0..15).await;
    proxy.inject(Rule::new(Fault::Status(500)).operation("ReceiveMessage").times(2, 100));
    let error = world.queues.given_up(Queue::Cleared, None).await.unwrap_err();
    assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
    assert_eq!(world.counts(DEAD).await, (15, 0));
    proxy.heal();
    assert_eq!(world.queues.given_up(Queue::Cleared, None).await.unwrap().items.len(), 15);
}

/// What a lost answer held is hidden, and another receive would not see it: a list without it would look complete.
#[tokio::test]
async fn a_receive_whose_answer_was_lost_is_told_and_gives_no_shorter_list() {
    let (world, proxy) = World::behind_proxy().await;
    world.bury(Queue::Cleared, 0..15).await;
    proxy.inject(Rule::new(Fault::LostAnswer).operation("ReceiveMessage").once(2));
    let error = world.queues.given_up(Queue::Cleared, None).await.unwrap_err();
    assert!(
        matches!(&error, PortError::Unavailable { cause, .. } if cause.contains("after 60 s")),
        "{error}"
    );
    assert_eq!(world.counts(DEAD).await, (10, 5));
    proxy.inject(Rule::new(Fault::LostAnswer).operation("ReceiveMessage").once(1));
    let error = world.queues.put_back(Queue::Cleared, &["id".to_owned()]).await.unwrap_err();
    assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn a_receive_that_was_refused_is_repeated() {
    let (world, proxy) = World::behind_proxy().await;
    world.bury(Queue::Cleared, 0..15).await;
    proxy.inject(Rule::new(Fault::Throttle).operation("ReceiveMessage").once(1));
    proxy.inject(Rule::new(Fault::Status(500)).operation("ReceiveMessage").once(3));
    assert_eq!(world.queues.given_up(Queue::Cleared, None).await.unwrap().items.len(), 15);
    assert_eq!(proxy.recording().faults(), 2);
}

/// A large letter of a large queue.
#[tokio::test]
async fn large_letters_are_listed() {
    let world = World::fresh().await;
    let large = BuriedMessage { body: "x".repeat(200 * 1_024), ..buried(0) };
    for _ in 0..12 {
        world.queues.bury(Queue::Cleared, large.clone()).await.unwrap();
    }
    assert_eq!(world.queues.given_up(Queue::Cleared, None).await.unwrap().items.len(), 12);
}
