//! What another run of the program finds.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use sluice_domain::time::UnixMillis;
use sluice_embedded::{Depth, OpenError, Options, Store};
use sluice_ports::conformance::samples::{brand, day, event};
use sluice_ports::{Inbox as _, Intake as _, OutboundMessage, Outbox as _, Queue};

use crate::support::{START, clock, message, options};

#[tokio::test]
async fn a_second_opening_says_who_has_the_directory_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Store::open(dir.path(), Options::default()).unwrap();
    let second = Store::open(dir.path(), Options::default()).unwrap_err();
    assert!(matches!(second, OpenError::InUse(_)));
    assert!(second.to_string().contains("in use by another process: stop that"), "{second}");
}

#[tokio::test]
async fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sluice.redb");
    std::fs::write(&file, "not a store".repeat(1_000)).unwrap();
    let refused = Store::open(dir.path(), Options::default()).unwrap_err();
    assert!(matches!(refused, OpenError::Damaged(_)), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "not a store".repeat(1_000));
}

#[tokio::test]
async fn the_data_directory_is_its_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let _store = Store::open(&data, Options::default()).unwrap();
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn everything_accepted_is_there_again_and_unfinished_messages_are_visible() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = Store::open(dir.path(), options(&clock)).unwrap();
    store.accept(vec![event(brand(), 1), event(brand(), 2), event(brand(), 3)]).await.unwrap();
    let received = store.receive(Queue::Events, 2, 60_000).await.unwrap();
    store.delete(Queue::Events, vec![received[0].receipt_handle.clone()]).await.unwrap();
    store.postpone(Queue::Events, &received[1].receipt_handle, 600).await.unwrap();
    store.set_last_run("nightly", START).await.unwrap();
    let old_handle = received[1].receipt_handle.clone();
    drop(store);

    let store = Store::open(dir.path(), options(&clock)).unwrap();
    assert_eq!(store.receipts(&brand(), day(), None).await.unwrap().items.len(), 3);
    assert_eq!(store.accepted(), Ok(3));
    assert_eq!(store.depth(Queue::Events), Ok(Depth { visible: 2, ..Depth::default() }));
    let again = store.receive(Queue::Events, 10, 60_000).await.unwrap();
    assert_eq!(again.iter().map(|message| &message.message_id).collect::<Vec<_>>().len(), 2);
    assert!(again.iter().all(|message| message.message_id != received[0].message_id));
    assert_eq!(store.last_run("nightly"), Ok(Some(START)));
    assert_eq!(store.last_run("other"), Ok(None));
    // A handle of the earlier run names nothing now.
    assert!(store.delete(Queue::Events, vec![old_handle]).await.is_err());
    assert_eq!(store.depth(Queue::Events).unwrap().in_flight, 2);
}

#[tokio::test]
async fn a_delay_outlives_the_program() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = Store::open(dir.path(), options(&clock)).unwrap();
    let late = OutboundMessage { delay_seconds: 60, ..message("late") };
    assert!(store.send(Queue::Cleared, vec![late]).await.is_empty());
    drop(store);
    let store = Store::open(dir.path(), options(&clock)).unwrap();
    assert!(store.receive(Queue::Cleared, 1, 1_000).await.unwrap().is_empty());
    assert_eq!(store.next_visible_at(Queue::Cleared), Ok(Some(START.plus_ms(60_000))));
    clock.advance_ms(60_000);
    assert_eq!(store.receive(Queue::Cleared, 1, 1_000).await.unwrap()[0].body, "late");
}

/// A message that ends the program each time it is received must not do so for ever.
#[tokio::test]
async fn receives_of_what_an_earlier_run_left_behind_are_counted_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = Store::open(dir.path(), options(&clock)).unwrap();
    assert!(store.send(Queue::Events, vec![message("poison")]).await.is_empty());
    drop(store);
    let mut runs = 0;
    loop {
        let store = Store::open(dir.path(), options(&clock)).unwrap();
        if store.receive(Queue::Events, 1, 60_000).await.unwrap().is_empty() {
            assert_eq!(store.depth(Queue::Events).unwrap().dead, 1);
            break;
        }
        runs += 1;
    }
    assert_eq!(runs, 5);
}

#[tokio::test]
async fn ids_keep_rising_when_the_clock_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let mut ids = Vec::new();
    for now in [START, UnixMillis(5), START.plus_ms(1)] {
        clock.set(now);
        let store = Store::open(dir.path(), Options { clock: Arc::clone(&clock) as _, ..Options::default() })
            .unwrap();
        assert!(store.send(Queue::Events, vec![message("m")]).await.is_empty());
        clock.set(START.plus_ms(10));
        let batch = store.receive(Queue::Events, 10, 0).await.unwrap();
        ids.push(batch.last().unwrap().message_id.clone());
    }
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
}
