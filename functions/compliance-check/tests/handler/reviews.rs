//! Decisions that wait for people.

use std::sync::Arc;

use sluice_domain::consent::{ConsentRecord, ConsentText, Evidence, Withdrawal};
use sluice_domain::decision::Verdict;
use sluice_domain::event::Event;
use sluice_domain::id::TenantId;
use sluice_domain::review::{
    Ballot, Panel, Point, Review, ReviewId, ReviewerName, Says, State, StateName, Voter, Why,
};
use sluice_domain::settings::Settings;
use sluice_domain::time::DAY_MS;
use sluice_ports::{Advanced, AuditLog as _, Clock as _, ConsentStore as _, Queue, Reviews as _, Step, Wake};

use crate::gate::{Gate, consent_key};
use crate::sample::{Made, RECEIVED, keys, message, unauthorize};

pub(crate) async fn agreed() -> Gate {
    let gate = Gate::open();
    let (text, evidence) = (ConsentText::shown("1", "我同意"), Evidence::Operator { note: "test".into() });
    let key = consent_key("sales_contact", "feishu_leads");
    let record = ConsentRecord {
        valid_until: Some(RECEIVED.plus_ms(30 * DAY_MS)),
        ..ConsentRecord::new(key, text, RECEIVED.plus_ms(-3_600_000), evidence)
    };
    assert!(gate.store.grant(record).await.unwrap());
    gate
}

fn with_a_number() -> Made {
    message("m-1", "我是车主,13912345678")
}

async fn review(gate: &Gate) -> Review {
    let event = with_a_number().event();
    let id = ReviewId { tenant: event.key.tenant, trace: event.trace_id, point: Point::Event };
    gate.store.review(&id).await.unwrap().unwrap()
}

fn ballot(name: &str, says: Says) -> Ballot {
    let by = Voter::Person { name: ReviewerName::new(name).unwrap() };
    Ballot { by, says, why: Why::new("是本人意愿").unwrap() }
}

async fn vote(gate: &Gate, name: &str, says: Says) -> Review {
    let review = review(gate).await;
    let moved = review.vote(ballot(name, says), gate.clock.now(), &keys(&review.key.tenant)).unwrap();
    assert_eq!(gate.store.advance_review(moved.review.clone(), Wake::of(&moved)).await, Ok(Advanced::Done));
    moved.review
}

/// What lies on the events queue; it is taken off.
pub(crate) async fn woken(gate: &Gate) -> Vec<Event> {
    let received = gate.store.receive(Queue::Events, 100, 60_000).await.unwrap();
    let handles = received.iter().map(|message| message.receipt_handle.clone()).collect();
    gate.store.delete(Queue::Events, handles).await.unwrap();
    received.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
}

async fn approve_and_resume(gate: &Gate) -> Review {
    vote(gate, "王芳", Says::Approve).await;
    let events = woken(gate).await;
    assert_eq!(events, [with_a_number().event()]);
    assert_eq!(gate.handle(events).await, [Ok(())]);
    review(gate).await
}

#[tokio::test]
async fn a_decision_of_review_opens_one_with_its_record() {
    let gate = agreed().await;
    let record = gate.take(with_a_number()).await;
    let review = review(&gate).await;
    assert_eq!((review.state.name(), review.opened_at), (StateName::Open, record.decided_at));
    assert_eq!(review.deadline, record.decided_at.plus_ms(3 * DAY_MS));
    assert_eq!(review.decision.main_code(), "phone_number");
    assert_eq!(review.panel, Panel { people: 1, machine: None, advises: false });
    assert!(gate.cleared().await.is_empty() && woken(&gate).await.is_empty());
    assert_eq!(gate.counters.total("ReviewOpened"), 1);
}

#[tokio::test]
async fn an_approved_event_goes_on_by_what_the_rules_say_then() {
    let gate = agreed().await;
    gate.take(with_a_number()).await;
    gate.clock.advance_ms(DAY_MS);
    let ended = approve_and_resume(&gate).await;
    let State::Cleared { verdict, decision, .. } = &ended.state else { panic!("{:?}", ended.state) };
    assert_eq!(*verdict, Verdict::AllowMasked);
    assert!(decision.matched.iter().any(|rule| rule.as_str() == "consented-behaviour"));
    assert_eq!(ended.work, None);
    let cleared = gate.cleared().await;
    assert_eq!(
        (cleared.len(), cleared[0].verdict(), cleared[0].reason()),
        (1, Verdict::AllowMasked, "phone_number")
    );
    assert_eq!(cleared[0].event(), &with_a_number().event());
    assert_eq!(cleared[0].cleared_at(), gate.clock.now(), "its age is counted from the approval on");
    let audit = gate.store.audit(&with_a_number().event().key).await.unwrap().unwrap();
    assert_eq!(audit.decided_at, RECEIVED.plus_ms(1_000), "the record of the first decision stays");
}

#[tokio::test]
async fn the_same_message_again_before_and_after_does_no_harm() {
    let gate = agreed().await;
    gate.take(with_a_number()).await;
    assert_eq!(gate.handle(vec![with_a_number().event()]).await, [Ok(())]);
    assert!(gate.cleared().await.is_empty(), "it still waits");
    approve_and_resume(&gate).await;
    assert_eq!(gate.handle(vec![with_a_number().event()]).await, [Ok(())]);
    assert_eq!(
        gate.cleared().await.len(),
        2,
        "the message may have been lost: the next steps know their records"
    );
    assert_eq!(review(&gate).await.version, 2);
}

#[tokio::test]
async fn a_consent_withdrawn_meanwhile_blocks_what_was_approved() {
    let gate = agreed().await;
    gate.take(with_a_number()).await;
    gate.clock.advance_ms(1_000);
    assert_eq!(gate.handle(vec![Made { trace: 2, ..unauthorize("u-1") }.event()]).await, [Ok(())]);
    let ended = approve_and_resume(&gate).await;
    let State::Blocked { code, decision, .. } = &ended.state else { panic!("{:?}", ended.state) };
    assert_eq!(code, "consent_withdrawn");
    assert!(decision.as_ref().unwrap().consent.is_some(), "it is explained");
    assert!(gate.cleared().await.is_empty());
    assert_eq!(gate.handle(vec![with_a_number().event()]).await, [Ok(())]);
    assert!(gate.cleared().await.is_empty());
}

#[tokio::test]
async fn a_consent_that_ends_while_it_waits_blocks_too() {
    let gate = agreed().await;
    gate.take(with_a_number()).await;
    let key = consent_key("sales_contact", "feishu_leads");
    let withdrawal =
        Withdrawal { at: gate.clock.now(), evidence: Evidence::Operator { note: "asked".into() } };
    gate.store.withdraw(&key.tenant, &key.person, Some(&key), withdrawal).await.unwrap();
    assert_eq!(approve_and_resume(&gate).await.state.name(), StateName::Blocked);
    assert!(gate.cleared().await.is_empty());
}

#[tokio::test]
async fn a_rejected_event_goes_nowhere() {
    let gate = agreed().await;
    gate.take(with_a_number()).await;
    vote(&gate, "王芳", Says::Reject).await;
    assert!(woken(&gate).await.is_empty());
    assert_eq!(gate.handle(vec![with_a_number().event()]).await, [Ok(())]);
    assert!(gate.cleared().await.is_empty());
    assert_eq!(review(&gate).await.state.name(), StateName::Rejected);
}

#[tokio::test]
async fn an_overdue_review_is_ended_by_whoever_looks() {
    let gate = agreed().await;
    gate.take(with_a_number()).await;
    gate.clock.advance_ms(3 * DAY_MS);
    assert_eq!(gate.handle(vec![with_a_number().event()]).await, [Ok(())]);
    let ended = review(&gate).await;
    assert_eq!((ended.state.name(), ended.work), (StateName::Expired, None));
    assert!(gate.cleared().await.is_empty());
    assert_eq!(gate.counters.total("ReviewEnded"), 1);
}

/// The process died between the record and its review.
#[tokio::test]
async fn a_record_without_its_review_opens_it() {
    let gate = agreed().await;
    let other = agreed().await;
    let record = other.take(with_a_number()).await;
    assert!(gate.store.record(vec![Step { record, next: None }]).await[0].is_ok());
    gate.clock.advance_ms(60_000);
    assert_eq!(gate.handle(vec![with_a_number().event()]).await, [Ok(())]);
    assert_eq!(review(&gate).await, review(&other).await, "as if nothing had happened");
    assert_eq!(approve_and_resume(&gate).await.state.name(), StateName::Cleared);
}

#[tokio::test]
async fn a_review_that_somebody_wrote_into_the_store_clears_nothing() {
    let gate = agreed().await;
    gate.take(with_a_number()).await;
    let mut forged = review(&gate).await;
    forged.state = State::Approved { at: gate.clock.now() };
    forged.version += 1;
    assert_eq!(gate.store.advance_review(forged, None).await, Ok(Advanced::Done));
    assert_eq!(gate.handle(vec![with_a_number().event()]).await, [Ok(())]);
    assert!(gate.cleared().await.is_empty());
    let State::Blocked { code, .. } = review(&gate).await.state else { panic!("it must end") };
    assert_eq!(code, "review_forged");
}

#[tokio::test]
async fn a_tenant_may_ask_for_two_people() {
    let mut gate = agreed().await;
    let mut settings = Settings::clone(&gate.handler.settings);
    let tenant = TenantId::new("demo-brand").unwrap();
    let mut brand = settings.tenants[&tenant].as_ref().clone();
    brand.review.four_eyes = true;
    settings.tenants.insert(tenant, Arc::new(brand));
    gate.handler.settings = Arc::new(settings);
    gate.take(with_a_number()).await;
    vote(&gate, "王芳", Says::Approve).await;
    assert!(woken(&gate).await.is_empty());
    assert_eq!(vote(&gate, "李雷", Says::Approve).await.state.name(), StateName::Approved);
    assert_eq!(gate.handle(woken(&gate).await).await, [Ok(())]);
    assert_eq!(gate.cleared().await.len(), 1);
}
