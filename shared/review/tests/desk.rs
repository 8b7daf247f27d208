//! The desk over the embedded store.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on has failed")]

use std::sync::Arc;

use sluice_domain::id::TenantId;
use sluice_domain::review::{
    Ballot, Opening, Point, RenderedText, Review, ReviewerName, Says, StateName, VoteError, Voter, Why, Work,
};
use sluice_domain::sealed::DataKey;
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;
use sluice_embedded::{Options, Store};
use sluice_ports::conformance::reviews::review;
use sluice_ports::conformance::samples::{NOON, brand, person};
use sluice_ports::{KeyRing, PortError, Queue, Reviews as _, Written};
use sluice_review::{Desk, DeskError, Swept, Which, erase, sweep};

/// The keys of the samples.
struct Keys;

impl KeyRing for Keys {
    async fn keys(&self, tenant: &TenantId) -> Result<Arc<TenantKeys>, PortError> {
        let data = vec![DataKey::new(1, &[9; 32])];
        Ok(Arc::new(TenantKeys::new(tenant.clone(), zeroize::Zeroizing::new([7; 32]), data)))
    }
}

async fn waiting(numbers: &[u32]) -> Store {
    let store = Store::in_memory(Options::default()).unwrap();
    for number in numbers {
        assert_eq!(store.open_review(review(*number)).await, Ok(Written::New));
    }
    store
}

fn desk(store: &Store, now: UnixMillis) -> Desk<'_, Store, Keys> {
    Desk { store, keys: &Keys, now }
}

fn which(review: &Review) -> Which {
    Which { tenant: review.key.tenant.clone(), trace: review.trace_id, point: None }
}

fn ballot(name: &str, says: Says) -> Ballot {
    let by = Voter::Person { name: ReviewerName::new(name).unwrap() };
    Ballot { by, says, why: Why::new("looked at it").unwrap() }
}

async fn woken(store: &Store) -> usize {
    store.receive(Queue::Events, 10, 60_000).await.unwrap().len()
}

#[tokio::test]
async fn an_approval_again_sends_the_event_again_and_another_voice_does_not_count() {
    let store = waiting(&[1]).await;
    let desk = desk(&store, NOON.plus_ms(5_000));
    let (which, approve) = (which(&review(1)), ballot("wang", Says::Approve));
    let first = desk.vote(&which, approve.clone()).await.unwrap();
    assert_eq!((first.view.state, first.again, woken(&store).await), (StateName::Approved, false, 1));
    let again = desk.vote(&which, approve).await.unwrap();
    assert_eq!((again.view.state, again.again, woken(&store).await), (StateName::Approved, true, 1));
    let late = desk.vote(&which, ballot("li", Says::Reject)).await;
    assert!(matches!(late, Err(DeskError::Vote(VoteError::NotOpen(StateName::Approved)))), "{late:?}");
}

#[tokio::test]
async fn whoever_comes_too_late_ends_the_review() {
    let store = waiting(&[1]).await;
    let desk = desk(&store, review(1).deadline);
    assert!(desk.list(&brand(), StateName::Open).await.unwrap().is_empty());
    assert_eq!(
        desk.list(&brand(), StateName::Expired).await.unwrap().len(),
        1,
        "before anybody wrote it down"
    );
    let late = desk.vote(&which(&review(1)), ballot("wang", Says::Approve)).await;
    assert!(matches!(late, Err(DeskError::Vote(VoteError::Overdue(_)))), "{late:?}");
    let stored = store.review(&review(1).id()).await.unwrap().unwrap();
    assert_eq!((stored.state.name(), stored.work, woken(&store).await), (StateName::Expired, None, 0));
}

#[tokio::test]
async fn a_sweep_ends_what_is_overdue_counts_the_rest_and_wakes_what_was_lost() {
    let store = waiting(&[1, 2, 900_000]).await;
    let deadline = review(2).deadline;
    desk(&store, NOON.plus_ms(5_000)).vote(&which(&review(1)), ballot("wang", Says::Approve)).await.unwrap();
    assert_eq!(woken(&store).await, 1);
    let swept = sweep(&store, &brand(), deadline).await.unwrap();
    let oldest = Some(review(900_000).opened_at);
    assert_eq!(swept, Swept { expired: 1, woken: 1, open: 1, oldest });
    assert_eq!(woken(&store).await, 1);
    let again = sweep(&store, &brand(), deadline).await.unwrap();
    assert_eq!((again.expired, again.open), (0, 1));
}

#[tokio::test]
async fn erasing_a_person_ends_what_waits_of_them_alone() {
    let store = waiting(&[1, 2]).await;
    desk(&store, NOON.plus_ms(5_000)).vote(&which(&review(1)), ballot("wang", Says::Approve)).await.unwrap();
    assert_eq!(erase(&store, &brand(), &person(1), NOON.plus_ms(6_000)).await, Ok(1));
    let erased = store.review(&review(1).id()).await.unwrap().unwrap();
    assert_eq!((erased.state.name(), erased.work), (StateName::Blocked, None));
    assert_eq!(store.review(&review(2).id()).await.unwrap().unwrap().state.name(), StateName::Open);
    assert_eq!(erase(&store, &brand(), &person(1), NOON.plus_ms(7_000)).await, Ok(0));
    let Err(DeskError::Vote(VoteError::NotOpen(_))) =
        desk(&store, NOON).vote(&which(&review(1)), ballot("li", Says::Approve)).await
    else {
        panic!("it has ended")
    };
}

/// The rendered message of an event.
fn message(number: u32) -> Review {
    let of_event = review(number);
    let Some(Work::Event { event }) = &of_event.work else { panic!("it waits") };
    let (decision, panel) = (of_event.decision.clone(), of_event.panel.clone());
    let opening = Opening { decision, panel, opened_at: of_event.opened_at, deadline: of_event.deadline };
    let keys = TenantKeys::new(brand(), zeroize::Zeroizing::new([7; 32]), vec![DataKey::new(1, &[9; 32])]);
    let texts = [RenderedText { field: "message", text: "全网最好,13800138000" }];
    Review::of_message(event, "{}".into(), &texts, opening, &keys, || [3; 12]).unwrap()
}

async fn deliveries_woken(store: &Store) -> usize {
    store.receive(Queue::Assigned, 10, 60_000).await.unwrap().len()
}

#[tokio::test]
async fn a_message_is_shown_masked_and_every_answer_wakes_its_delivery() {
    for (says, state) in [(Says::Approve, StateName::Approved), (Says::Reject, StateName::Rejected)] {
        let store = waiting(&[]).await;
        assert_eq!(store.open_review(message(1)).await, Ok(Written::New));
        let desk = desk(&store, NOON.plus_ms(5_000));
        let shown = desk.list(&brand(), StateName::Open).await.unwrap();
        let texts: Vec<_> =
            shown[0].texts.iter().map(|text| (text.field.as_str(), text.text.as_str())).collect();
        assert_eq!((shown[0].point, texts), (Point::Message, vec![("message", "全网最好,138****8000")]));
        let voted = desk.vote(&which(&message(1)), ballot("wang", says)).await.unwrap();
        assert_eq!((voted.view.state, deliveries_woken(&store).await), (state, 1));
        assert_eq!(woken(&store).await, 0, "nothing for the engine");
    }
    let store = waiting(&[]).await;
    assert_eq!(store.open_review(message(1)).await, Ok(Written::New));
    let swept = sweep(&store, &brand(), message(1).deadline).await.unwrap();
    assert_eq!((swept.expired, deliveries_woken(&store).await), (1, 1));
}

/// What would go back to its queue is the person's own data.
#[tokio::test]
async fn erasing_a_person_puts_nothing_of_theirs_on_a_queue() {
    let store = waiting(&[]).await;
    assert_eq!(store.open_review(message(1)).await, Ok(Written::New));
    assert_eq!(erase(&store, &brand(), &person(1), NOON.plus_ms(6_000)).await, Ok(1));
    let erased = store.review(&message(1).id()).await.unwrap().unwrap();
    assert_eq!((erased.state.name(), erased.work), (StateName::Blocked, None));
    assert_eq!(deliveries_woken(&store).await, 0);
}
