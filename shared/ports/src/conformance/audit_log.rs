//! [`AuditLog`](crate::AuditLog).

use sluice_domain::audit::AuditRecord;

use super::Harness;
use super::samples::{NOON, audit, body, brand, brand2, day, every_page, message, oversized, trace};
use crate::{AuditLog as _, OutboundMessage, PortError, Queue, Step, Written};

fn step(record: AuditRecord, next: Option<OutboundMessage>) -> Step<AuditRecord> {
    Step { record, next }
}

/// An existing record is handed back, and nothing is sent.
pub async fn a_record_is_written_once_and_sends_once<H: Harness>(harness: H) {
    let first = audit(brand(), 1);
    let written = harness.store().record(vec![step(first.clone(), Some(message(1)))]).await;
    assert_eq!(written, [Ok(Written::New)]);
    assert_eq!(harness.drain(Queue::Cleared).await, [body(1)]);
    let replay = AuditRecord { trace_id: trace(2), ..first.clone() };
    let written = harness.store().record(vec![step(replay, Some(message(2)))]).await;
    assert_eq!(written, [Ok(Written::Existing(first))]);
    assert!(harness.drain(Queue::Cleared).await.is_empty());
}

/// New and existing mixed.
pub async fn answers_keep_the_order_of_the_batch<H: Harness>(harness: H) {
    let old = audit(brand(), 2);
    let _new = harness.store().record(vec![step(old.clone(), None)]).await;
    let batch = [1, 2, 3].map(|number| step(audit(brand(), number), Some(message(number)))).to_vec();
    let written = harness.store().record(batch).await;
    assert_eq!(written, [Ok(Written::New), Ok(Written::Existing(old)), Ok(Written::New)]);
    let mut sent = harness.drain(Queue::Cleared).await;
    sent.sort();
    assert_eq!(sent, [body(1), body(3)]);
}

/// A batch may hold a callback and its replay.
pub async fn an_event_twice_in_a_batch_is_recorded_once<H: Harness>(harness: H) {
    let first = audit(brand(), 1);
    let replay = AuditRecord { trace_id: trace(2), ..first.clone() };
    let batch = vec![step(first.clone(), Some(message(1))), step(replay, Some(message(2)))];
    let written = harness.store().record(batch).await;
    assert_eq!(written, [Ok(Written::New), Ok(Written::Existing(first))]);
    assert_eq!(harness.drain(Queue::Cleared).await, [body(1)]);
}

/// A record without its message would be a lost event.
pub async fn an_oversized_message_leaves_no_record<H: Harness>(harness: H) {
    let batch = vec![step(audit(brand(), 1), Some(oversized(1))), step(audit(brand(), 2), Some(message(2)))];
    let written = harness.store().record(batch).await;
    assert!(matches!(written[0], Err(PortError::TooLarge { .. })), "{:?}", written[0]);
    assert_eq!(written[1], Ok(Written::New));
    assert_eq!(harness.store().audit(&audit(brand(), 1).key).await, Ok(None));
    assert_eq!(harness.drain(Queue::Cleared).await, [body(2)]);
}

/// One new record, one message, whoever asks.
pub async fn of_parallel_writers_one_wins<H: Harness>(harness: H) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50 {
        let store = harness.store().clone();
        let record = AuditRecord { trace_id: trace(number), ..audit(brand(), 1) };
        tasks.spawn(async move {
            store.record(vec![step(record, Some(message(number)))]).await.remove(0).unwrap()
        });
    }
    let written = tasks.join_all().await;
    assert_eq!(written.iter().filter(|written| **written == Written::New).count(), 1);
    assert_eq!(harness.drain(Queue::Cleared).await.len(), 1);
}

/// Three ways to one record.
pub async fn records_are_found_by_event_by_trace_and_by_day<H: Harness>(harness: H) {
    let record = audit(brand(), 7);
    let _new = harness.store().record(vec![step(record.clone(), None)]).await;
    assert_eq!(harness.store().audit(&record.key).await, Ok(Some(record.clone())));
    assert_eq!(harness.store().audit_of_trace(&brand(), trace(7)).await, Ok(Some(record.clone())));
    assert_eq!(harness.store().audit_of_trace(&brand(), trace(8)).await, Ok(None));
    assert_eq!(harness.store().audits(&brand(), day(), None).await.unwrap().items, [record]);
    assert!(harness.store().audits(&brand(), day().previous(), None).await.unwrap().items.is_empty());
}

/// By the time of arrival; midnight in China divides days.
pub async fn a_day_pages_without_gap_or_repeat<H: Harness>(harness: H) {
    let at = |number, received_at| AuditRecord { received_at, ..audit(brand(), number) };
    let mut records = vec![
        at(9_001, day().start()),
        at(9_002, day().end().plus_ms(-1)),
        at(9_003, day().end()),
        at(9_004, day().start().plus_ms(-1)),
    ];
    records.extend((0..1_100).map(|number| at(number, NOON.plus_ms(i64::from(number / 3)))));
    for chunk in records.chunks(100) {
        let steps = chunk.iter().map(|record| step(record.clone(), None)).collect();
        assert!(harness.store().record(steps).await.into_iter().all(|written| written == Ok(Written::New)));
    }
    let tenant = brand();
    let listed = every_page(|cursor| harness.store().audits(&tenant, day(), cursor)).await;
    assert!(listed.is_sorted_by_key(|record| record.received_at));
    let mut found: Vec<_> = listed.into_iter().map(|record| record.key).collect();
    let mut expected: Vec<_> = records
        .iter()
        .filter(|record| day().contains(record.received_at))
        .map(|record| record.key.clone())
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

/// By no way.
pub async fn another_tenant_finds_nothing<H: Harness>(harness: H) {
    let _new = harness.store().record(vec![step(audit(brand2(), 1), None)]).await;
    assert_eq!(harness.store().audit(&audit(brand(), 1).key).await, Ok(None));
    assert_eq!(harness.store().audit_of_trace(&brand(), trace(1)).await, Ok(None));
    assert!(harness.store().audits(&brand(), day(), None).await.unwrap().items.is_empty());
}
