//! [`Reviews`](crate::Reviews).

use sluice_domain::audit::{AuditRecord, Disposition};
use sluice_domain::decision::{Decision, PackStamp, Verdict};
use sluice_domain::event::Event;
use sluice_domain::id::{RulePackId, TenantId};
use sluice_domain::review::{
    Ballot, Moved, Opening, Panel, Point, Review, ReviewerName, Says, StateName, Voter, Why,
};
use sluice_domain::safety::CheckRequest;
use sluice_domain::sealed::DataKey;
use sluice_domain::tenant::TenantKeys;

use super::Harness;
use super::samples::{NOON, audit, brand, brand2, event, every_page, trace};
use crate::{Advanced, AuditLog as _, ForReview, PortError, Queue, Reviews as _, Wake, Written};

fn keys(tenant: TenantId) -> TenantKeys {
    TenantKeys::new(tenant, zeroize::Zeroizing::new([7; 32]), vec![DataKey::new(1, &[9; 32])])
}

fn decision() -> Decision {
    let pack =
        PackStamp { id: RulePackId::new("baseline").unwrap(), version: "1".into(), sha256: "ab".repeat(32) };
    Decision::of(Verdict::Review, vec![], pack)
}

fn review_of(event: Event, people: u8) -> Review {
    let keys = keys(event.key.tenant.clone());
    let opened = event.received_at;
    let opening = Opening {
        decision: decision(),
        panel: Panel { people, machine: None, advises: false },
        opened_at: opened,
        deadline: opened.plus_ms(1_000_000),
    };
    Review::of_event(event, opening, &keys)
}

/// The review of [`event`].
pub fn review(number: u32) -> Review {
    review_of(event(brand(), number), 1)
}

fn record(number: u32) -> AuditRecord {
    AuditRecord { disposition: Disposition::Decided { decision: decision() }, ..audit(brand(), number) }
}

/// Its record with it.
pub fn waiting(number: u32) -> ForReview {
    ForReview { record: record(number), review: review(number) }
}

/// A person's voice, counted.
pub fn vote(review: &Review, name: &str, says: Says) -> Moved {
    let by = Voter::Person { name: ReviewerName::new(name).unwrap() };
    let ballot = Ballot { by, says, why: Why::new("looked at it").unwrap() };
    review.vote(ballot, NOON.plus_ms(2_000), &keys(review.key.tenant.clone())).unwrap()
}

async fn advance<H: Harness>(harness: &H, moved: &Moved) -> Result<Advanced, PortError> {
    harness.store().advance_review(moved.review.clone(), Wake::of(moved)).await
}

async fn open<H: Harness>(harness: &H, review: Review) -> Review {
    assert_eq!(harness.store().open_review(review.clone()).await, Ok(Written::New));
    review
}

/// A replay finds the record, and opens no review of its own.
pub async fn a_record_and_its_review_are_written_once<H: Harness>(harness: H) {
    let store = harness.store();
    assert_eq!(store.record_for_review(vec![waiting(1)]).await, [Ok(Written::New)]);
    assert_eq!(store.audit(&record(1).key).await, Ok(Some(record(1))));
    assert_eq!(store.review(&review(1).id()).await, Ok(Some(review(1))));
    let replay = Event { trace_id: trace(9), ..event(brand(), 1) };
    let again = ForReview {
        record: AuditRecord { trace_id: trace(9), ..record(1) },
        review: review_of(replay.clone(), 1),
    };
    assert_eq!(store.record_for_review(vec![again]).await, [Ok(Written::Existing(record(1)))]);
    assert_eq!(store.review(&review_of(replay, 1).id()).await, Ok(None));
    assert_eq!(store.reviews(&brand(), StateName::Open, None).await.unwrap().items, [review(1)]);
    assert!(harness.drain(Queue::Cleared).await.is_empty(), "nothing goes on");
}

/// A batch may hold a callback and its repeat.
pub async fn an_event_twice_in_a_batch_opens_one_review<H: Harness>(harness: H) {
    let written = harness.store().record_for_review(vec![waiting(1), waiting(2), waiting(1)]).await;
    assert_eq!(written, [Ok(Written::New), Ok(Written::New), Ok(Written::Existing(record(1)))]);
    let open = harness.store().reviews(&brand(), StateName::Open, None).await.unwrap().items;
    assert_eq!(open, [review(1), review(2)]);
}

/// A record without its review would be an event that nobody can approve.
pub async fn an_oversized_review_leaves_no_record<H: Harness>(harness: H) {
    let mut large = waiting(1);
    large.review = review_of(Event { account: Some("x".repeat(256 * 1024)), ..event(brand(), 1) }, 1);
    let written = harness.store().record_for_review(vec![large, waiting(2)]).await;
    assert!(matches!(written[0], Err(PortError::TooLarge { .. })), "{:?}", written[0]);
    assert_eq!(written[1], Ok(Written::New));
    assert_eq!(harness.store().audit(&record(1).key).await, Ok(None));
    assert_eq!(harness.store().review(&review(1).id()).await, Ok(None));
}

/// Whatever became of it since.
pub async fn a_review_is_opened_once<H: Harness>(harness: H) {
    let first = open(&harness, review(1)).await;
    let rejected = vote(&first, "wang", Says::Reject);
    assert_eq!(advance(&harness, &rejected).await, Ok(Advanced::Done));
    let again = harness.store().open_review(first).await;
    assert_eq!(again, Ok(Written::Existing(rejected.review)));
}

/// Two people who decide at the same moment: exactly one transition.
pub async fn of_parallel_voices_on_one_version_one_counts<H: Harness>(harness: H) {
    let first = open(&harness, review(1)).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20 {
        let store = harness.store().clone();
        let says = if number % 2 == 0 { Says::Approve } else { Says::Reject };
        let moved = vote(&first, &format!("person-{number}"), says);
        tasks.spawn(
            async move { store.advance_review(moved.review.clone(), Wake::of(&moved)).await.unwrap() },
        );
    }
    let advanced = tasks.join_all().await;
    assert_eq!(advanced.iter().filter(|one| **one == Advanced::Done).count(), 1);
    let stored = harness.store().review(&first.id()).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.voices.len()), (1, 1));
    let woken = usize::from(stored.state.name() == StateName::Approved);
    assert_eq!(harness.drain(Queue::Events).await.len(), woken);
}

/// Whoever was overtaken reads again: no voice is lost, and the event is woken once.
pub async fn of_many_approvers_each_counts_until_it_is_approved<H: Harness>(harness: H) {
    let first = open(&harness, review_of(event(brand(), 1), 5)).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..5 {
        let (store, mut seen) = (harness.store().clone(), first.clone());
        tasks.spawn(async move {
            loop {
                let moved = vote(&seen, &format!("person-{number}"), Says::Approve);
                match store.advance_review(moved.review.clone(), Wake::of(&moved)).await.unwrap() {
                    Advanced::Done => return,
                    Advanced::Overtaken(newer) => seen = *newer,
                    Advanced::Unknown => panic!("the review is gone"),
                }
            }
        });
    }
    tasks.join_all().await;
    let stored = harness.store().review(&first.id()).await.unwrap().unwrap();
    assert_eq!((stored.state.name(), stored.approvers().count()), (StateName::Approved, 5));
    assert!(stored.approval(&event(brand(), 1), &keys(brand())).is_ok());
    assert_eq!(harness.drain(Queue::Events).await.len(), 1);
}

/// Also when the newer version looks alike.
pub async fn an_overtaken_change_writes_and_sends_nothing<H: Harness>(harness: H) {
    let first = open(&harness, review(1)).await;
    let rejected = vote(&first, "wang", Says::Reject);
    assert_eq!(advance(&harness, &rejected).await, Ok(Advanced::Done));
    let approved = vote(&first, "li", Says::Approve);
    let overtaken = Ok(Advanced::Overtaken(Box::new(rejected.review.clone())));
    assert_eq!(advance(&harness, &approved).await, overtaken);
    assert!(harness.drain(Queue::Events).await.is_empty());
    assert!(harness.store().reviews(&brand(), StateName::Approved, None).await.unwrap().items.is_empty());
    assert_eq!(harness.store().review(&first.id()).await, Ok(Some(rejected.review)));
}

/// Nor is another tenant's.
pub async fn what_never_was_opened_is_not_changed<H: Harness>(harness: H) {
    let theirs = review_of(event(brand2(), 1), 1);
    open(&harness, theirs.clone()).await;
    let moved = vote(&review(1), "wang", Says::Approve);
    assert_eq!(advance(&harness, &moved).await, Ok(Advanced::Unknown));
    assert_eq!(harness.store().review(&review(1).id()).await, Ok(None));
    assert!(harness.drain(Queue::Events).await.is_empty());
    assert_eq!(harness.store().review(&theirs.id()).await, Ok(Some(theirs)));
}

/// It is listed where it is, and nowhere else.
pub async fn a_change_sends_its_message_once_and_moves_the_review<H: Harness>(harness: H) {
    let store = harness.store();
    let first = open(&harness, review(1)).await;
    let approved = vote(&first, "wang", Says::Approve);
    assert_eq!(advance(&harness, &approved).await, Ok(Advanced::Done));
    let sent: Vec<Event> =
        harness.drain(Queue::Events).await.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    assert_eq!(sent, [event(brand(), 1)]);
    assert!(store.reviews(&brand(), StateName::Open, None).await.unwrap().items.is_empty());
    let listed = store.reviews(&brand(), StateName::Approved, None).await.unwrap().items;
    assert_eq!(listed, std::slice::from_ref(&approved.review));
    let cleared = approved.review.clear(Verdict::AllowMasked, decision(), NOON.plus_ms(3_000)).unwrap();
    assert_eq!(advance(&harness, &cleared).await, Ok(Advanced::Done));
    assert!(harness.drain(Queue::Events).await.is_empty());
    assert!(store.reviews(&brand(), StateName::Approved, None).await.unwrap().items.is_empty());
    assert_eq!(store.reviews(&brand(), StateName::Cleared, None).await.unwrap().items, [cleared.review]);
}

/// In the order in which they were opened.
pub async fn a_state_pages_without_gap_or_repeat<H: Harness>(harness: H) {
    let numbers: Vec<u32> = (0..1_100).collect();
    for chunk in numbers.chunks(50) {
        let batch = chunk.iter().map(|number| waiting(*number)).collect();
        assert!(harness.store().record_for_review(batch).await.iter().all(|one| *one == Ok(Written::New)));
    }
    for number in [3, 700] {
        assert_eq!(advance(&harness, &vote(&review(number), "wang", Says::Reject)).await, Ok(Advanced::Done));
    }
    let tenant = brand();
    let found = every_page(|cursor| harness.store().reviews(&tenant, StateName::Open, cursor)).await;
    let found: Vec<_> = found.into_iter().map(|review| review.key).collect();
    let expected: Vec<_> = numbers
        .iter()
        .filter(|number| ![3, 700].contains(*number))
        .map(|number| event(brand(), *number).key)
        .collect();
    assert_eq!(found, expected);
}

/// By no cursor, either.
pub async fn points_and_tenants_are_apart<H: Harness>(harness: H) {
    let store = harness.store();
    open(&harness, review(1)).await;
    let mut message = review(1);
    message.point = Point::Message;
    assert_eq!(store.review(&message.id()).await, Ok(None));
    open(&harness, message.clone()).await;
    assert_eq!(store.review(&message.id()).await, Ok(Some(message)));
    assert_eq!(store.review(&review(1).id()).await, Ok(Some(review(1))));
    assert_eq!(store.reviews(&brand(), StateName::Open, None).await.unwrap().items.len(), 2);
    assert!(store.reviews(&brand2(), StateName::Open, None).await.unwrap().items.is_empty());
    assert_eq!(store.review(&review_of(event(brand2(), 1), 1).id()).await, Ok(None));
}

/// With its record, in one step; a repeat sends nothing, and nobody else hears of it.
pub async fn one_that_asks_a_machine_is_sent_to_it_once<H: Harness>(harness: H) {
    let keys = keys(brand());
    let opening = Opening {
        decision: decision(),
        panel: Panel { people: 1, machine: None, advises: false }.or_machine("censor"),
        opened_at: NOON,
        deadline: NOON.plus_ms(1_000_000),
    };
    let asking = ForReview { record: record(1), review: Review::of_event(event(brand(), 1), opening, &keys) };
    let batch = vec![asking.clone(), waiting(2), asking.clone()];
    let written = harness.store().record_for_review(batch).await;
    assert_eq!(written, [Ok(Written::New), Ok(Written::New), Ok(Written::Existing(record(1)))]);
    let sent = harness.drain(Queue::Checks).await;
    let request = CheckRequest { tenant: brand(), trace: trace(1), point: Point::Event };
    assert_eq!(sent, [serde_json::to_string(&request).unwrap()]);
    assert!(harness.drain(Queue::Events).await.is_empty());
}
