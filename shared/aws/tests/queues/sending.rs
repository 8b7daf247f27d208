//! Batches onto a queue.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::BehaviorVersion;
use sluice_aws::{Names, Resource, Store, SystemEntropy, Tables};
use sluice_domain::event::Event;
use sluice_domain::failure::FailureKind;
use sluice_emulators::until_async;
use sluice_ports::conformance::samples::{body, brand, event, message, oversized};
use sluice_ports::{Backlog as _, Inbox as _, Intake as _, OutboundMessage, Outbox as _, PortError, Queue};

use crate::support::{DEADLINE, Noon, World, buried};

#[tokio::test]
async fn one_oversized_message_is_named_and_the_others_arrive() {
    let world = World::fresh().await;
    let failures = world.queues.send(Queue::Cleared, vec![message(0), oversized(1), message(2)]).await;
    let [failure] = failures.as_slice() else { panic!("{failures:?}") };
    assert_eq!(failure.index, 1);
    let (limit, got) = (256 * 1_024, 256 * 1_024 + 1);
    assert_eq!(failure.error, PortError::TooLarge { what: "queue message", limit, got });
    assert_eq!(world.bodies(Queue::Cleared).await, [body(0), body(2)]);
}

#[tokio::test]
async fn the_largest_message_of_the_port_arrives() {
    let world = World::fresh().await;
    let largest = format!("\"{}\"", "x".repeat(256 * 1_024 - 2));
    let sent = OutboundMessage { body: largest.clone(), ..message(0) };
    assert_eq!(world.queues.send(Queue::Cleared, vec![sent, message(1)]).await, []);
    assert!(world.bodies(Queue::Cleared).await == [largest, body(1)], "not what was sent");
}

#[tokio::test]
async fn more_than_ten_messages_go_in_several_calls_each_once() {
    let (world, proxy) = World::behind_proxy().await;
    assert_eq!(world.queues.send(Queue::Cleared, (0..25).map(message).collect()).await, []);
    let mut sizes: Vec<usize> = proxy.recording().calls().iter().map(|call| call.call.items).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [5, 10, 10]);
    let mut expected: Vec<String> = (0..25).map(body).collect();
    expected.sort();
    assert_eq!(world.bodies(Queue::Cleared).await, expected);
}

/// The emulator takes a mebibyte as newer queues do, so the calls' own sizes tell.
#[tokio::test]
async fn a_batch_of_more_than_256_kib_goes_in_several_calls_each_once() {
    let (world, proxy) = World::behind_proxy().await;
    let of_100_kib = |number: u32| format!("\"{number}{}\"", "x".repeat(100 * 1_024));
    let messages = (0..7).map(|number| OutboundMessage { body: of_100_kib(number), ..message(number) });
    assert_eq!(world.queues.send(Queue::Cleared, messages.collect()).await, []);
    let recording = proxy.recording();
    let mut sizes: Vec<usize> = recording.calls().iter().map(|call| call.call.items).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 2, 2, 2]);
    assert!(recording.calls().iter().all(|call| call.bytes_in < 256 * 1_024), "{recording}");
    let expected: Vec<String> = (0..7).map(of_100_kib).collect();
    assert!(world.bodies(Queue::Cleared).await == expected, "not what was sent");
}

#[tokio::test]
async fn nothing_to_send_is_no_call() {
    let (world, proxy) = World::behind_proxy().await;
    assert_eq!(world.queues.send(Queue::Cleared, Vec::new()).await, []);
    assert!(proxy.recording().calls().is_empty());
}

/// They come from outside, and SQS refuses a whole message for one of them.
#[tokio::test]
async fn characters_that_sqs_refuses_arrive_as_their_escapes() {
    let world = World::fresh().await;
    let strange = "\u{ffff}\u{fffe}闸🙂".to_owned();
    let json = serde_json::to_string(&strange).unwrap();
    assert_eq!(
        world.queues.send(Queue::Events, vec![OutboundMessage { body: json, ..message(0) }]).await,
        []
    );
    let arrived = world.bodies(Queue::Events).await.remove(0);
    assert_eq!(serde_json::from_str::<String>(&arrived).unwrap(), strange);
}

#[tokio::test]
async fn a_delay_is_kept_and_ends() {
    let world = World::fresh().await;
    let after = |number: u32, seconds: u32| OutboundMessage { delay_seconds: seconds, ..message(number) };
    let began = Instant::now();
    // SQS knows none of more than 900 s, and refuses such a message.
    let sent = vec![message(0), after(1, 1), after(2, 900), after(3, 43_200)];
    assert_eq!(world.queues.send(Queue::Assigned, sent).await, []);
    let mut arrived = Vec::new();
    let both = until_async(DEADLINE, async || {
        for message in world.receive(Resource::Queue(Queue::Assigned), 60).await {
            world.delete(Resource::Queue(Queue::Assigned), &message).await;
            arrived.push((message.body.unwrap(), began.elapsed()));
        }
        (arrived.len() >= 2).then_some(())
    });
    assert!(both.await.is_some(), "{arrived:?}");
    assert_eq!(arrived.iter().map(|(body, _)| body.as_str()).collect::<Vec<_>>(), [body(0), body(1)]);
    // Less a little, for the two processes' clocks.
    assert!(arrived[1].1 >= Duration::from_millis(950), "{:?}", arrived[1].1);
    assert_eq!(world.queues.unfinished(Queue::Assigned).await, Ok(2));
}

/// Its tables have no address: the door must not need them.
fn store(world: &World) -> Store {
    let dynamo = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::latest()).build();
    let dynamo = aws_sdk_dynamodb::Client::from_conf(dynamo);
    let tables = Tables::new(dynamo, Names::default(), Arc::new(Noon), Arc::new(SystemEntropy));
    Store { tables, queues: world.queues.clone() }
}

/// One callback may bring many events.
#[tokio::test]
async fn accepted_events_are_all_on_their_queue() {
    let world = World::fresh().await;
    let events: Vec<Event> = (0..12).map(|number| event(brand(), number)).collect();
    assert_eq!(store(&world).accept(events.clone()).await, Ok(()));
    let bodies = world.bodies(Queue::Events).await;
    let mut arrived: Vec<Event> = bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    arrived.sort_by_key(|event| event.received_at);
    assert_eq!(arrived, events);
}

/// It is refused by the size that it has on the way, before any of its batch is sent.
#[tokio::test]
async fn an_event_that_its_escapes_make_too_large_leaves_nothing() {
    let world = World::fresh().await;
    let large = Event { account: Some("\u{ffff}".repeat(60_000)), ..event(brand(), 1) };
    assert!(serde_json::to_string(&large).unwrap().len() < 256 * 1_024);
    let refused = store(&world).accept(vec![event(brand(), 0), large]).await.unwrap_err();
    assert!(matches!(refused, PortError::TooLarge { .. }), "{refused}");
    assert!(world.bodies(Queue::Events).await.is_empty());
}

#[tokio::test]
async fn what_is_unfinished_counts_visible_received_and_delayed_messages_and_no_dead_letters() {
    let world = World::fresh().await;
    let delayed = OutboundMessage { delay_seconds: 900, ..message(0) };
    assert_eq!(world.queues.send(Queue::Events, vec![message(1), delayed]).await, []);
    let received = world.receive(Resource::Queue(Queue::Events), 600).await;
    assert_eq!(received.len(), 1);
    assert_eq!(world.queues.send(Queue::Events, vec![message(2)]).await, []);
    world.bury(Queue::Events, 3..5).await;
    assert_eq!(world.queues.unfinished(Queue::Events).await, Ok(3));
    world.delete(Resource::Queue(Queue::Events), &received[0]).await;
    assert_eq!(world.queues.unfinished(Queue::Events).await, Ok(2));
    assert_eq!(world.queues.unfinished(Queue::Cleared).await, Ok(0));
}

#[tokio::test]
async fn a_queue_that_does_not_exist_is_named() {
    let world = World::fresh().await;
    world.delete_queue(Resource::Queue(Queue::Cleared)).await;
    world.delete_queue(Resource::DeadLetters(Queue::Assigned)).await;
    let failures = world.queues.send(Queue::Cleared, vec![message(0), message(1)]).await;
    assert_eq!(failures.iter().map(|failure| failure.index).collect::<Vec<_>>(), [0, 1]);
    let live = failures.into_iter().map(|failure| failure.error).chain([
        world.queues.unfinished(Queue::Cleared).await.unwrap_err(),
        world.queues.postpone(Queue::Cleared, "handle", 1).await.unwrap_err(),
        world.queues.warm(Queue::Cleared).await.unwrap_err(),
    ]);
    let dead = [
        world.queues.bury(Queue::Assigned, buried(0)).await.unwrap_err(),
        world.queues.given_up(Queue::Assigned, None).await.unwrap_err(),
        world.queues.put_back(Queue::Assigned, &["id".to_owned()]).await.unwrap_err(),
    ];
    let named = live.map(|error| ("queue `cleared`", error));
    let dead = dead.into_iter().map(|error| ("dead letters of queue `assigned`", error));
    for (expected, error) in named.chain(dead) {
        assert_eq!(error.kind(), FailureKind::Configuration, "{error}");
        assert!(matches!(&error, PortError::Missing { what, .. } if *what == expected), "{error}");
        assert!(error.to_string().contains("does not exist"), "{error}");
    }
}

#[tokio::test]
async fn a_queue_without_a_name_says_which_variable_to_set() {
    let world = World::fresh().await;
    let queues = sluice_aws::Queues::new(world.sqs.clone(), Names::default(), Arc::new(Noon));
    let failures = queues.send(Queue::Events, vec![message(0)]).await;
    assert!(failures[0].error.to_string().contains("`SLUICE_QUEUE_EVENTS`"), "{}", failures[0].error);
    let buried = queues.bury(Queue::Events, buried(0)).await.unwrap_err();
    assert!(buried.to_string().contains("`SLUICE_DLQ_EVENTS`"), "{buried}");
}
