//! [`Intake`](crate::Intake).

use sluice_domain::event::Event;

use super::Harness;
use super::samples::{brand, brand2, day, event, every_page, trace};
use crate::{Intake as _, PortError, Queue};

/// Both the queue and the receipts hold what was accepted.
pub async fn accepted_events_are_queued_and_receipted<H: Harness>(harness: H) {
    let events = vec![event(brand(), 1), event(brand(), 2)];
    harness.store().accept(events.clone()).await.unwrap();
    let mut queued: Vec<Event> =
        harness.drain(Queue::Events).await.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    queued.sort_by_key(|event| event.received_at);
    assert_eq!(queued, events);
    harness.store().arrived(&queued).await.unwrap();
    let receipts = harness.store().receipts(&brand(), day(), None).await.unwrap();
    assert_eq!(receipts.next, None);
    let found: Vec<_> = receipts.items.into_iter().map(|receipt| (receipt.key, receipt.trace_id)).collect();
    assert_eq!(found, events.into_iter().map(|event| (event.key, event.trace_id)).collect::<Vec<_>>());
}

/// All or none.
pub async fn a_batch_with_an_oversized_event_leaves_nothing<H: Harness>(harness: H) {
    let mut large = event(brand(), 2);
    large.account = Some("x".repeat(256 * 1024));
    let refused = harness.store().accept(vec![event(brand(), 1), large]).await.unwrap_err();
    assert!(matches!(refused, PortError::TooLarge { .. }), "{refused}");
    assert!(harness.drain(Queue::Events).await.is_empty());
    assert!(harness.store().receipts(&brand(), day(), None).await.unwrap().items.is_empty());
}

/// A platform that repeats a callback is seen twice.
pub async fn a_replay_has_a_receipt_of_its_own<H: Harness>(harness: H) {
    let first = event(brand(), 1);
    let replay = Event { trace_id: trace(9), ..first.clone() };
    harness.store().accept(vec![first.clone()]).await.unwrap();
    harness.store().accept(vec![replay.clone()]).await.unwrap();
    harness.store().arrived(&[first.clone(), replay]).await.unwrap();
    let receipts = harness.store().receipts(&brand(), day(), None).await.unwrap().items;
    assert_eq!(receipts.len(), 2);
    assert!(receipts.iter().all(|receipt| receipt.key == first.key));
}

/// The queue delivers at least once; a batch that failed comes back with its neighbours changed.
pub async fn an_event_that_arrives_again_has_one_receipt<H: Harness>(harness: H) {
    let events = [1, 2, 3].map(|number| event(brand(), number));
    harness.store().accept(events.to_vec()).await.unwrap();
    let [one, two, three] = events.clone();
    for batch in [vec![one.clone(), two.clone(), two.clone()], vec![two, three, one], vec![]] {
        assert_eq!(harness.store().arrived(&batch).await, Ok(()));
    }
    let receipts = harness.store().receipts(&brand(), day(), None).await.unwrap().items;
    let found: Vec<_> = receipts.into_iter().map(|receipt| receipt.key).collect();
    assert_eq!(found, events.map(|event| event.key));
}

/// Every receipt is on one page, in the order of arrival.
pub async fn receipts_page_through_a_day_without_gap_or_repeat<H: Harness>(harness: H) {
    let numbers: Vec<u32> = (0..1_203).collect();
    for chunk in numbers.chunks(10) {
        let events: Vec<_> = chunk.iter().map(|number| event(brand(), *number)).collect();
        harness.store().accept(events.clone()).await.unwrap();
        harness.store().arrived(&events).await.unwrap();
    }
    let day = day();
    let tenant = brand();
    let receipts = every_page(|cursor| harness.store().receipts(&tenant, day, cursor)).await;
    let found: Vec<_> = receipts.into_iter().map(|receipt| receipt.key).collect();
    let expected: Vec<_> = numbers.into_iter().map(|number| event(brand(), number).key).collect();
    assert_eq!(found, expected);
    let before = every_page(|cursor| harness.store().receipts(&tenant, day.previous(), cursor)).await;
    assert!(before.is_empty());
}

/// Not even one whose name begins alike, nor by another's cursor.
pub async fn tenants_see_only_their_own_receipts<H: Harness>(harness: H) {
    for number in 0..60 {
        let events: Vec<_> = (0..10).map(|at| event(brand2(), number * 10 + at)).collect();
        harness.store().accept(events.clone()).await.unwrap();
        harness.store().arrived(&events).await.unwrap();
    }
    assert!(harness.store().receipts(&brand(), day(), None).await.unwrap().items.is_empty());
    let theirs = harness.store().receipts(&brand2(), day(), None).await.unwrap();
    if let Some(cursor) = theirs.next {
        // It may be refused, but it never opens another tenant's page.
        if let Ok(page) = harness.store().receipts(&brand(), day(), Some(cursor)).await {
            assert!(page.items.is_empty());
        }
    }
}
