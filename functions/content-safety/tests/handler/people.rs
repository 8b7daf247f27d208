//! Reviewers, repeats, and those who should not.

use std::sync::Arc;

use sluice_domain::failure::FailureKind;
use sluice_domain::id::TraceId;
use sluice_domain::review::{Ballot, Review, ReviewerName, Says, StateName, Voter, Why};
use sluice_domain::safety::CheckRequest;
use sluice_ports::{Advanced, Clock as _, Queue, Reviews as _, Wake, Written};
use sluice_simulators::{FaultEffect, Place};

use crate::stage::{HIT, Stage, brand, keys, review};

async fn vote(stage: &Stage, request: &CheckRequest, says: Says) -> Review {
    let by = Voter::Person { name: ReviewerName::new("王芳").unwrap() };
    let ballot = Ballot { by, says, why: Why::new("看过").unwrap() };
    let moved = stage.review(request).await.vote(ballot, stage.clock.now(), &keys()).unwrap();
    let advanced = stage.store.advance_review(moved.review.clone(), Wake::of(&moved)).await;
    assert_eq!(advanced, Ok(Advanced::Done));
    moved.review
}

#[tokio::test]
async fn whoever_decides_first_counts() {
    let stage = Stage::usual().await;
    let rejected = stage.waits(1, &["你好"]).await;
    vote(&stage, &rejected, Says::Reject).await;
    assert_eq!(stage.answered(&rejected).await.state.name(), StateName::Rejected);
    let approved = stage.waits(2, &[HIT]).await;
    vote(&stage, &approved, Says::Approve).await;
    assert_eq!(stage.answered(&approved).await.state.name(), StateName::Approved);
    assert_eq!(stage.checked(), 0, "what is decided is shown to nobody");
}

#[tokio::test]
async fn a_person_decides_while_the_platform_thinks() {
    let stage = Arc::new(Stage::usual().await);
    stage.trouble(Place::Send, FaultEffect::Delay { ms: 500 }, 1);
    let request = stage.waits(1, &[HIT]).await;
    let asking = tokio::spawn({
        let (stage, request) = (Arc::clone(&stage), request.clone());
        async move { stage.handle(&request).await }
    });
    // The text is at the platform, its answer on the way.
    while stage.checked() == 0 {
        tokio::task::yield_now().await;
    }
    vote(&stage, &request, Says::Reject).await;
    assert_eq!(asking.await.unwrap(), Ok(()));
    let review = stage.review(&request).await;
    assert_eq!((review.state.name(), review.voices.len()), (StateName::Rejected, 1));
}

#[tokio::test]
async fn a_message_that_comes_again_asks_nobody() {
    let stage = Stage::usual().await;
    let request = stage.waits(1, &["你好"]).await;
    let first = stage.answered(&request).await;
    assert_eq!(stage.woken().await, 1);
    // The event's message may have been lost: it is sent once more, the engine knows its own record.
    assert_eq!(stage.answered(&request).await, first);
    assert_eq!((stage.woken().await, stage.checked()), (1, 1));
    let both = stage.waits(2, &["二"]).await;
    let results = sluice_steps::Stage::handle(&stage.handler, vec![both.clone(), both.clone()]).await;
    assert_eq!(results, [Ok(()), Ok(())]);
    assert_eq!(stage.review(&both).await.voices.len(), 1, "one voice, however often it is delivered");
}

#[tokio::test]
async fn an_advising_platform_leaves_the_yes_to_people() {
    let stage = Stage::usual().await;
    let request = stage.waits_with(1, &["你好"], true).await;
    let review = stage.answered(&request).await;
    assert_eq!((review.state.name(), stage.woken().await), (StateName::Open, 0));
    vote(&stage, &request, Says::Approve).await;
    assert_eq!(stage.woken().await, 1);
    let hit = stage.waits_with(2, &[HIT], true).await;
    assert_eq!(stage.answered(&hit).await.state.name(), StateName::Blocked);
}

#[tokio::test]
async fn a_review_that_somebody_wrote_into_the_store_is_buried() {
    let stage = Stage::usual().await;
    let mut forged = review(1, &["你好"], true);
    forged.panel.advises = false;
    let request = CheckRequest::of(&forged).unwrap();
    assert_eq!(stage.store.open_review(forged).await, Ok(Written::New));
    let error = stage.handle(&request).await.unwrap_err();
    assert_eq!((error.code, error.kind), ("review_forged", FailureKind::Permanent));
    assert_eq!((stage.woken().await, stage.checked()), (0, 0), "its text is shown to nobody");
}

#[tokio::test]
async fn what_is_not_there_stays_on_the_queue_and_nonsense_is_buried() {
    let stage = Stage::usual().await;
    let trace = TraceId::from_parts(stage.clock.now(), [9; 10]);
    let request = CheckRequest { tenant: brand(), trace, point: sluice_domain::review::Point::Event };
    let error = stage.handle(&request).await.unwrap_err();
    assert_eq!((error.code, error.kind), ("review_missing", FailureKind::Retry));
    let other = CheckRequest { tenant: sluice_domain::id::TenantId::new("nobody").unwrap(), ..request };
    assert_eq!(stage.handle(&other).await.unwrap_err().code, "unknown_tenant");
    assert_eq!(stage.store.depth(Queue::Events).unwrap().visible, 0);
}

/// What `cargo lambda invoke --data-file events/content-safety/malformed.json content-safety` shows.
#[tokio::test]
async fn what_can_not_be_read_is_buried_without_quoting_it() {
    let stage = Stage::usual().await;
    let metrics = sluice_telemetry::Metrics::default();
    for sample in [
        include_str!("../../../../events/content-safety/malformed.json"),
        include_str!("../../../../events/content-safety/not-json.json"),
    ] {
        let event = serde_json::from_str(sample).unwrap();
        let answer = sluice_steps::run(&stage.handler, &stage.store, &stage.clock, &metrics, event).await;
        assert!(answer.batch_item_failures.is_empty());
    }
    let letters = stage.store.dead_letters(Queue::Checks, None).unwrap().items;
    assert_eq!(letters.len(), 2);
    assert!(
        letters.iter().all(|letter| letter.code == "malformed_message" && !letter.detail.contains("trace "))
    );
}
