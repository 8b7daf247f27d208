use sluice_embedded::{Depth, ReceiveLimits, Redrive, Store};
use sluice_ports::{Inbox as _, OutboundMessage, Outbox as _, Queue};

use crate::support::{clock, in_memory, message, options};

async fn sent(store: &Store, body: &str) {
    assert_eq!(store.send(Queue::Events, vec![message(body)]).await, vec![]);
}

async fn bodies(store: &Store, visibility_ms: i64) -> Vec<String> {
    let received = store.receive(Queue::Events, 10, visibility_ms).await.unwrap();
    received.into_iter().map(|message| message.body).collect()
}

#[tokio::test]
async fn a_message_is_hidden_while_in_flight_and_comes_back_when_not_deleted() {
    let (store, clock) = in_memory();
    sent(&store, "one").await;
    let first = store.receive(Queue::Events, 10, 1_000).await.unwrap();
    assert_eq!((first[0].receive_count, first[0].body.as_str()), (1, "one"));
    assert!(bodies(&store, 1_000).await.is_empty());
    assert_eq!(store.next_visible_at(Queue::Events), Ok(Some(crate::support::START.plus_ms(1_000))));
    clock.advance_ms(1_000);
    let second = store.receive(Queue::Events, 10, 1_000).await.unwrap();
    assert_eq!((second[0].receive_count, &second[0].message_id), (2, &first[0].message_id));
    store.delete(Queue::Events, vec![second[0].receipt_handle.clone()]).await.unwrap();
    clock.advance_ms(10_000);
    assert!(bodies(&store, 1_000).await.is_empty());
    assert_eq!(store.next_visible_at(Queue::Events), Ok(None));
    assert_eq!(store.depth(Queue::Events), Ok(Depth::default()));
}

#[tokio::test]
async fn a_stale_handle_neither_deletes_nor_moves_the_message_received_anew() {
    let (store, clock) = in_memory();
    sent(&store, "one").await;
    let stale = store.receive(Queue::Events, 1, 1_000).await.unwrap().remove(0).receipt_handle;
    clock.advance_ms(1_000);
    let _anew = store.receive(Queue::Events, 1, 1_000).await.unwrap();
    store.delete(Queue::Events, vec![stale.clone()]).await.unwrap();
    store.postpone(Queue::Events, &stale, 40_000).await.unwrap();
    store.fail(Queue::Events, &stale, 0).await.unwrap();
    assert!(bodies(&store, 1_000).await.is_empty());
    clock.advance_ms(1_000);
    assert_eq!(bodies(&store, 1_000).await, ["one"]);
}

#[tokio::test]
async fn delayed_messages_wait_and_count_as_delayed() {
    let (store, clock) = in_memory();
    let late = OutboundMessage { delay_seconds: 10, ..message("late") };
    assert_eq!(store.send(Queue::Events, vec![late, message("now")]).await, vec![]);
    assert_eq!(bodies(&store, 60_000).await, ["now"]);
    let depth = Depth { visible: 0, in_flight: 1, delayed: 1, dead: 0 };
    assert_eq!(store.depth(Queue::Events), Ok(depth));
    clock.advance_ms(10_000);
    assert_eq!(bodies(&store, 60_000).await, ["late"]);
}

#[tokio::test]
async fn a_message_that_is_never_finished_ends_in_the_dead_letters_and_can_be_put_back() {
    let (store, clock) = in_memory();
    sent(&store, "poison").await;
    for count in 1..=5 {
        let received = store.receive(Queue::Events, 10, 1_000).await.unwrap();
        assert_eq!(received[0].receive_count, count);
        store.fail(Queue::Events, &received[0].receipt_handle, 500).await.unwrap();
        clock.advance_ms(500);
    }
    assert!(bodies(&store, 1_000).await.is_empty());
    let letters = store.dead_letters(Queue::Events, None).unwrap().items;
    assert_eq!((letters[0].code.as_str(), letters[0].body.as_str()), ("max_receives", "poison"));
    assert_eq!(store.depth(Queue::Events), Ok(Depth { dead: 1, ..Depth::default() }));
    assert_eq!(store.redrive(Queue::Events, Redrive::One(letters[0].id.clone())).await, Ok(1));
    let again = store.receive(Queue::Events, 10, 1_000).await.unwrap();
    assert_eq!((again[0].receive_count, again[0].body.as_str()), (1, "poison"));
    assert_eq!(store.redrive(Queue::Events, Redrive::All).await, Ok(0));
}

#[tokio::test]
async fn each_queue_has_its_own_limit_of_receives() {
    let clock = clock();
    let receive_limits = ReceiveLimits { events: 1, cleared: 1, assigned: 2, checks: 5 };
    let store = Store::in_memory(sluice_embedded::Options { receive_limits, ..options(&clock) }).unwrap();
    for (queue, limit) in [(Queue::Cleared, 1), (Queue::Assigned, 2)] {
        assert_eq!(store.send(queue, vec![message("m")]).await, vec![]);
        for _ in 0..limit {
            assert_eq!(store.receive(queue, 1, 0).await.unwrap().len(), 1);
        }
        assert!(store.receive(queue, 1, 0).await.unwrap().is_empty());
        assert_eq!(store.depth(queue).unwrap().dead, 1);
    }
}

#[tokio::test]
async fn an_arrival_that_was_asked_for_before_the_look_is_not_missed() {
    let (store, _clock) = in_memory();
    let arrival = store.arrival(Queue::Events);
    assert!(bodies(&store, 1_000).await.is_empty());
    sent(&store, "one").await;
    arrival.await;
    assert_eq!(bodies(&store, 1_000).await, ["one"]);
}
