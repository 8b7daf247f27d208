//! What AWS does wrong at times, at the wire: throttling, lost answers, batches carried out by half.

use sluice_aws::Table;
use sluice_domain::consent::{Standing, standing};
use sluice_domain::delivery::Outcome;
use sluice_domain::failure::FailureKind;
use sluice_domain::review::{Says, StateName};
use sluice_emulators::proxy::{Fault, Proxy, Rule};
use sluice_ports::conformance::reviews::{review, vote, waiting};
use sluice_ports::conformance::samples::{
    NOON, attempt, audit, brand, claim, consent_key, day, event, every_page, exposure, grant, key, message,
    order, owner, person, withdrawal,
};
use sluice_ports::{
    Advanced, AuditLog as _, Claim, ConsentStore as _, Deliveries as _, Exposures as _, Intake as _,
    OrderBook as _, Outbox as _, PortError, Queue, Reviews as _, Settlement, Step, Wake, Written,
};

use crate::support::{World, fresh_on_dynoxide};

fn step<R>(record: R, number: u32) -> Step<R> {
    Step { record, next: Some(message(number)) }
}

async fn behind_proxy() -> (World, Proxy) {
    fresh_on_dynoxide().await.behind_proxy().await
}

fn lost(operation: &str) -> Rule {
    Rule::new(Fault::LostAnswer).operation(operation).once(1)
}

/// The SDK sends the put again, which then fails on its own item.
#[tokio::test]
async fn a_record_whose_answer_was_lost_is_new_and_sends() {
    let (world, proxy) = behind_proxy().await;
    proxy.inject(lost("PutItem"));
    let written = world.store.record(vec![step(audit(brand(), 1), 1)]).await;
    assert_eq!(written, [Ok(Written::New)]);
    assert_eq!(world.store.queues.drain(Queue::Cleared).len(), 1);
    assert_eq!((proxy.recording().faults(), proxy.recording().calls().len()), (1, 2));
    // Somebody else's record is still somebody else's.
    let again = world.store.record(vec![step(audit(brand(), 1), 1)]).await;
    assert_eq!(again, [Ok(Written::Existing(audit(brand(), 1)))]);
}

#[tokio::test]
async fn exposures_and_orders_know_their_own_write_too() {
    let (world, proxy) = behind_proxy().await;
    proxy.inject(lost("PutItem").resource("test-exposures"));
    proxy.inject(lost("PutItem").resource("test-orders"));
    let written = world.store.expose(vec![step(exposure(brand(), "greeting", 1), 1)]).await;
    assert_eq!(written, [Ok(Written::New)]);
    assert_eq!(world.store.enter(order(brand(), 1)).await, Ok(Written::New));
    assert_eq!(proxy.recording().faults(), 2);
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_won_once() {
    let (world, proxy) = behind_proxy().await;
    proxy.inject(lost("PutItem"));
    let Claim::Won(delivery) = world.store.claim(claim(1, owner(1), 0)).await.unwrap() else {
        panic!("its own claim is taken for another's")
    };
    assert_eq!(delivery.attempts.len(), 1);
    assert_eq!(proxy.recording().faults(), 1);
    let held = Claim::Held { until: NOON.plus_ms(1_000) };
    assert_eq!(world.store.claim(claim(1, owner(2), 1)).await, Ok(held));
}

#[tokio::test]
async fn a_takeover_whose_answer_was_lost_is_won_once() {
    let (world, proxy) = behind_proxy().await;
    assert!(matches!(world.store.claim(claim(1, owner(1), 0)).await, Ok(Claim::Won(_))));
    // The first put finds the old claim, the second takes it over.
    proxy.inject(Rule::new(Fault::LostAnswer).operation("PutItem").once(2));
    let Claim::Won(delivery) = world.store.claim(claim(1, owner(2), 1_000)).await.unwrap() else {
        panic!("its own claim is taken for another's")
    };
    assert_eq!((delivery.attempts.len(), proxy.recording().faults()), (2, 1));
    let stored = world.store.delivery(&key(brand(), 1)).await.unwrap();
    assert_eq!(stored, Some(delivery));
}

#[tokio::test]
async fn a_settlement_whose_answer_was_lost_is_not_fenced() {
    let (world, proxy) = behind_proxy().await;
    assert!(matches!(world.store.claim(claim(1, owner(1), 0)).await, Ok(Claim::Won(_))));
    proxy.inject(lost("UpdateItem"));
    let end = attempt(0, Outcome::Delivered { provider_id: None });
    let key = key(brand(), 1);
    let settled = world.store.settle(&key, owner(1), end.clone(), Settlement::Delivered).await;
    assert_eq!((settled, proxy.recording().faults()), (Ok(()), 1));
    assert_eq!(world.store.delivery(&key).await.unwrap().unwrap().attempts.last(), Some(&end));
    let again = world.store.settle(&key, owner(1), end, Settlement::Delivered).await;
    assert_eq!(again, Err(PortError::Fenced), "another call is not the same call");
}

#[tokio::test]
async fn grants_and_withdrawals_whose_answers_were_lost_count_once() {
    let (world, proxy) = behind_proxy().await;
    let consent = consent_key(brand(), person(1), "wecom_sales");
    proxy.inject(lost("UpdateItem"));
    assert_eq!(world.store.grant(grant(&consent, 0)).await, Ok(true));
    proxy.inject(lost("UpdateItem"));
    assert_eq!(world.store.withdraw(&brand(), &person(1), Some(&consent), withdrawal(5)).await, Ok(1));
    assert_eq!(world.store.grant(grant(&consent, 10)).await, Ok(true));
    proxy.inject(lost("UpdateItem"));
    assert_eq!(world.store.withdraw(&brand(), &person(1), None, withdrawal(15)).await, Ok(1));
    assert_eq!(proxy.recording().faults(), 3);
    let found = world.store.consents(&[consent]).await.unwrap().remove(0);
    assert_eq!(standing(found.as_ref(), NOON.plus_ms(20)), Standing::Withdrawn);
}

#[tokio::test]
async fn a_call_that_is_throttled_once_is_repeated() {
    let (world, proxy) = behind_proxy().await;
    proxy.inject(Rule::new(Fault::Throttle).operation("PutItem").once(1));
    proxy.inject(Rule::new(Fault::Status(500)).operation("GetItem").once(1));
    assert_eq!(world.store.record(vec![step(audit(brand(), 1), 1)]).await, [Ok(Written::New)]);
    assert_eq!(world.store.audit(&key(brand(), 1)).await, Ok(Some(audit(brand(), 1))));
    assert_eq!(proxy.recording().faults(), 2);
}

#[tokio::test]
async fn what_stays_throttled_tells_when_to_come_back_and_sends_nothing() {
    let (world, proxy) = behind_proxy().await;
    proxy.inject(Rule::new(Fault::Throttle));
    let written = world.store.record(vec![step(audit(brand(), 1), 1)]).await.remove(0);
    let Err(PortError::Throttled { what: "audit", until }) = written else { panic!("{written:?}") };
    assert!(until > NOON);
    assert!(world.store.queues.drain(Queue::Cleared).is_empty());
    let claimed = world.store.claim(claim(1, owner(1), 0)).await;
    assert!(matches!(claimed, Err(PortError::Throttled { what: "deliveries", .. })), "{claimed:?}");
}

#[tokio::test]
async fn a_server_that_keeps_failing_is_unavailable() {
    let (world, proxy) = behind_proxy().await;
    proxy.inject(Rule::new(Fault::Status(503)));
    let error = world.store.audit(&key(brand(), 1)).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Retry, "{error}");
}

#[tokio::test]
async fn a_table_that_is_not_there_is_a_matter_of_the_set_up() {
    let world = fresh_on_dynoxide().await;
    world.client.delete_table().table_name("test-audit").send().await.unwrap();
    let error = world.store.audit(&key(brand(), 1)).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Configuration, "{error}");
    assert!(!error.to_string().contains("message-1"), "{error}");
}

#[tokio::test]
async fn consents_left_out_of_a_batch_are_asked_for_again() {
    let (world, proxy) = behind_proxy().await;
    let keys: Vec<_> = (0..20).map(|number| consent_key(brand(), person(number), "wecom_sales")).collect();
    for key in &keys {
        world.store.grant(grant(key, 0)).await.unwrap();
    }
    let before = proxy.recording().calls().len();
    proxy.inject(Rule::new(Fault::Unprocessed).operation("BatchGetItem").times(1, 2));
    let found = world.store.consents(&keys).await.unwrap();
    assert!(found.iter().zip(&keys).all(|(found, key)| found.as_ref() == Some(&grant(key, 0))));
    assert_eq!(proxy.recording().calls().len() - before, 3);
}

/// Half of what was asked comes each time: it ends, and there is no answer with holes.
#[tokio::test]
async fn receipts_left_out_of_a_batch_are_written_again() {
    let (world, proxy) = behind_proxy().await;
    let events: Vec<_> = (0..10).map(|number| event(brand(), number)).collect();
    proxy.inject(Rule::new(Fault::Unprocessed).operation("BatchWriteItem").times(1, 2));
    assert_eq!(world.store.arrived(&events).await, Ok(()));
    assert_eq!(proxy.recording().calls().len(), 3);
    let tenant = brand();
    let receipts = every_page(|cursor| world.store.receipts(&tenant, day(), cursor)).await;
    assert_eq!(receipts.len(), 10);
}

#[tokio::test]
async fn a_message_that_is_not_taken_brings_its_event_back() {
    let world = fresh_on_dynoxide().await;
    world.store.queues.fail_next();
    let failed = world.store.record(vec![step(audit(brand(), 1), 1)]).await.remove(0);
    assert_eq!(failed.unwrap_err().kind(), FailureKind::Retry);
    // The event comes again and finds its own record, by which its step sends the message.
    let again = world.store.record(vec![step(audit(brand(), 1), 1)]).await.remove(0);
    assert_eq!(again, Ok(Written::Existing(audit(brand(), 1))));
}

/// A function that was frozen between claim and settlement.
#[tokio::test]
async fn a_crash_between_claim_and_settlement_leaves_an_open_attempt() {
    let world = fresh_on_dynoxide().await;
    assert!(matches!(world.store.claim(claim(1, owner(1), 0)).await, Ok(Claim::Won(_))));
    let reborn = world.another_store();
    let Claim::Won(delivery) = reborn.claim(claim(1, owner(2), 1_000)).await.unwrap() else {
        panic!("held for ever")
    };
    assert_eq!(delivery.attempts.iter().map(|attempt| attempt.ended_at).collect::<Vec<_>>(), [None, None]);
    let (key, end) = (key(brand(), 1), attempt(0, Outcome::Transient));
    let late = world.store.settle(&key, owner(1), end, Settlement::Refused);
    assert_eq!(late.await, Err(PortError::Fenced));
    assert_eq!(Table::Deliveries.schema().expires, None, "a delivery is known for ever");
}

/// The SDK sends both puts again, which then fail on their own items.
#[tokio::test]
async fn a_review_whose_answers_were_lost_is_opened_once() {
    let (world, proxy) = behind_proxy().await;
    proxy.inject(lost("PutItem").resource("test-audit"));
    proxy.inject(lost("PutItem").resource("test-reviews"));
    assert_eq!(world.store.record_for_review(vec![waiting(1)]).await, [Ok(Written::New)]);
    assert_eq!(world.store.review(&review(1).id()).await, Ok(Some(review(1))));
    assert_eq!(proxy.recording().faults(), 2);
}

/// The event comes back, finds its record, and opens the review.
#[tokio::test]
async fn a_record_whose_review_was_not_written_is_no_answer() {
    let (world, proxy) = behind_proxy().await;
    proxy.inject(Rule::new(Fault::Throttle).operation("PutItem").resource("test-reviews"));
    let written = world.store.record_for_review(vec![waiting(1)]).await;
    assert!(matches!(written.as_slice(), [Err(PortError::Throttled { .. })]), "{written:?}");
    proxy.heal();
    let again = world.store.record_for_review(vec![waiting(1)]).await;
    assert_eq!(again, [Ok(Written::Existing(waiting(1).record))]);
    assert_eq!(world.store.review(&review(1).id()).await, Ok(None));
    assert_eq!(world.store.open_review(review(1)).await, Ok(Written::New));
    assert_eq!(world.store.reviews(&brand(), StateName::Open, None).await.unwrap().items, [review(1)]);
}

#[tokio::test]
async fn a_voice_whose_answer_was_lost_counts_once_and_wakes_once() {
    let (world, proxy) = behind_proxy().await;
    assert_eq!(world.store.open_review(review(1)).await, Ok(Written::New));
    proxy.inject(lost("PutItem"));
    let approved = vote(&review(1), "wang", Says::Approve);
    let advanced = world.store.advance_review(approved.review.clone(), Wake::of(&approved)).await;
    assert_eq!((advanced, proxy.recording().faults()), (Ok(Advanced::Done), 1));
    assert_eq!(world.store.queues.drain(Queue::Events).len(), 1);
    // Somebody else's voice on the same version is still overtaken.
    let other = vote(&review(1), "li", Says::Reject);
    let overtaken = Ok(Advanced::Overtaken(Box::new(approved.review.clone())));
    assert_eq!(world.store.advance_review(other.review, None).await, overtaken);
    assert_eq!(world.store.review(&review(1).id()).await, Ok(Some(approved.review)));
}

/// The approval stands; it is sent again by whoever finds it.
#[tokio::test]
async fn an_approval_whose_message_was_not_taken_is_told_and_can_be_sent_again() {
    let world = fresh_on_dynoxide().await;
    assert_eq!(world.store.open_review(review(1)).await, Ok(Written::New));
    world.store.queues.fail_next();
    let approved = vote(&review(1), "wang", Says::Approve);
    let advanced =
        world.store.advance_review(approved.review, Wake::of(&vote(&review(1), "wang", Says::Approve))).await;
    assert!(matches!(advanced, Err(PortError::Unavailable { .. })), "{advanced:?}");
    let stored = world.store.review(&review(1).id()).await.unwrap().unwrap();
    let Wake { queue, message } = Wake::again(&stored).unwrap();
    assert!(world.store.send(queue, vec![message]).await.is_empty());
    assert_eq!(world.store.queues.drain(Queue::Events).len(), 1);
}
