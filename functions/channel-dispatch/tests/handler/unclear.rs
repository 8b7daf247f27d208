//! Crashes, races and lost answers: nothing is sent blindly twice.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sluice_domain::decision::Verdict;
use sluice_domain::delivery::{DeliveryState, Outcome};
use sluice_domain::failure::FailureKind;
use sluice_domain::progress::Assigned;
use sluice_steps::Stage as _;

use crate::support::*;

/// The process dies after the platform took the message and before the claim's end is written.
async fn crash_while_sending(desk: &Desk, assigned: &Assigned) {
    desk.platform.swallows.store(1, Ordering::SeqCst);
    let (worker, message) = (Arc::clone(&desk.dispatch), unchecked(assigned));
    let task = tokio::spawn(async move { worker.handle(vec![message]).await });
    desk.platform.swallowed.notified().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    let open = &desk.delivery(assigned).await.attempts[0];
    assert_eq!((open.ended_at, &open.outcome), (None, &None));
}

#[tokio::test(flavor = "current_thread")]
async fn after_a_crash_while_sending_a_channel_without_memory_is_left_in_doubt() {
    let desk = desk();
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    crash_while_sending(&desk, &assigned).await;
    let held = desk.deliver(&assigned).await.unwrap_err();
    assert_eq!(held.kind, FailureKind::ThrottledUntil(NOON.plus_ms(30_000)));
    desk.clock.advance_ms(30_000);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!(desk.platform.taken().len(), 1);
    assert_eq!(desk.delivery(&assigned).await.state, DeliveryState::InDoubt);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!((desk.platform.taken().len(), desk.counters.total("InDoubt")), (1, 1));
}

#[tokio::test(flavor = "current_thread")]
async fn after_a_crash_while_sending_a_channel_with_memory_gets_the_very_same_message_again() {
    let desk = desk();
    let assigned = assigned(1, APP, Verdict::AllowMasked);
    crash_while_sending(&desk, &assigned).await;
    desk.clock.advance_ms(30_000);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    let taken = desk.platform.taken();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0], taken[1]);
    assert_eq!(taken[0].1.dispatch_id.len(), 36);
    assert_eq!(desk.delivery(&assigned).await.state, DeliveryState::Delivered);
}

#[tokio::test(flavor = "current_thread")]
async fn a_channel_that_has_forgotten_the_message_by_now_gets_nothing() {
    let desk = desk();
    let assigned = assigned(1, APP, Verdict::AllowMasked);
    crash_while_sending(&desk, &assigned).await;
    desk.clock.advance_ms(4 * 60 * MINUTE);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!(desk.platform.taken().len(), 1);
    assert_eq!(desk.delivery(&assigned).await.state, DeliveryState::InDoubt);
}

/// Platforms that compare contents take a changed text for a new message.
#[tokio::test(flavor = "current_thread")]
async fn a_script_that_changed_since_an_unclear_attempt_is_not_sent() {
    let desk = desk();
    let assigned = reassigned(assigned(1, APP, Verdict::AllowMasked), |choice| choice.script_version = 0);
    crash_while_sending(&desk, &assigned).await;
    desk.clock.advance_ms(30_000);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!(desk.platform.taken().len(), 1);
    assert_eq!(desk.delivery(&assigned).await.state, DeliveryState::InDoubt);
}

#[tokio::test(flavor = "current_thread")]
async fn unclear_answers_are_repeated_until_the_channel_begins_to_forget() {
    let desk = desk();
    let assigned = assigned(1, APP, Verdict::AllowMasked);
    let mut rounds = 0;
    let answer = loop {
        desk.platform.answers(Outcome::Unclear);
        match desk.deliver(&assigned).await {
            Ok(()) => break Ok::<_, ()>(()),
            Err(error) => {
                let FailureKind::ThrottledUntil(until) = error.kind else { panic!("{error:?}") };
                desk.clock.set(until);
                rounds += 1;
            }
        }
    };
    assert_eq!(answer, Ok(()));
    assert!(rounds > 10, "{rounds} rounds");
    let delivery = desk.delivery(&assigned).await;
    assert_eq!(delivery.state, DeliveryState::InDoubt);
    let last = delivery.attempts.last().unwrap().started_at;
    assert!(last.since(NOON) < 4 * 60 * MINUTE, "a request left {} ms after the first", last.since(NOON));
    let ids: std::collections::BTreeSet<_> =
        desk.platform.taken().into_iter().map(|(_, message)| message.dispatch_id).collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_workers_with_the_same_message_one_sends() {
    let desk = desk();
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (dispatch, message) = (Arc::clone(&desk.dispatch), unchecked(&assigned));
        workers.spawn(async move { dispatch.handle(vec![message]).await.remove(0) });
    }
    for answer in workers.join_all().await {
        if let Err(error) = answer {
            assert_eq!(error.kind, FailureKind::ThrottledUntil(NOON.plus_ms(30_000)));
        }
    }
    assert_eq!(desk.platform.taken().len(), 1);
    assert_eq!(desk.delivery(&assigned).await.state, DeliveryState::Delivered);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_store_that_fails_for_a_moment_after_the_send_is_written_again() {
    let desk = desk();
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    desk.store.failing_settles.store(3, Ordering::SeqCst);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!(desk.platform.taken().len(), 1);
    assert_eq!(desk.delivery(&assigned).await.state, DeliveryState::Delivered);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_store_that_keeps_failing_after_the_send_leaves_a_doubt_and_no_second_message() {
    let desk = desk();
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    desk.store.failing_settles.store(4, Ordering::SeqCst);
    assert_eq!(desk.deliver(&assigned).await.unwrap_err().kind, FailureKind::Retry);
    desk.clock.advance_ms(30_000);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!(desk.platform.taken().len(), 1);
    assert_eq!(desk.delivery(&assigned).await.state, DeliveryState::InDoubt);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_send_that_does_not_end_is_unclear() {
    let desk = desk();
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    desk.platform.swallows.store(1, Ordering::SeqCst);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    let delivery = desk.delivery(&assigned).await;
    assert_eq!(delivery.state, DeliveryState::InDoubt);
    assert_eq!(delivery.attempts[0].code.as_deref(), Some("send_timeout"));
}

/// Held back more often than attempts are kept, once within the platform's memory of the one unclear attempt and once beyond it.
async fn throttled_25_times(desk: &Desk, assigned: &Assigned, pause_ms: i64) {
    for _ in 0..25 {
        let until = desk.now().plus_ms(pause_ms);
        desk.platform.answers(Outcome::Throttled { until });
        let error = desk.deliver(assigned).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::ThrottledUntil(until));
        desk.clock.set(until);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_doubt_is_as_old_as_it_is_however_many_attempts_are_forgotten() {
    let desk = desk();
    let assigned = assigned(1, APP, Verdict::AllowMasked);
    // Four hours of waiting: a message whose result was unclear then would not be repeated any more.
    throttled_25_times(&desk, &assigned, 10 * MINUTE).await;
    desk.platform.answers(Outcome::Unclear);
    let FailureKind::ThrottledUntil(until) = desk.deliver(&assigned).await.unwrap_err().kind else {
        panic!("repeated within the platform's memory")
    };
    desk.clock.set(until);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!(desk.delivery(&assigned).await.state, DeliveryState::Delivered);
}

#[tokio::test(flavor = "current_thread")]
async fn a_doubt_is_not_forgotten_with_its_attempt() {
    let desk = desk();
    let assigned = assigned(1, APP, Verdict::AllowMasked);
    desk.platform.answers(Outcome::Unclear);
    let FailureKind::ThrottledUntil(until) = desk.deliver(&assigned).await.unwrap_err().kind else {
        panic!("repeated within the platform's memory")
    };
    desk.clock.set(until);
    throttled_25_times(&desk, &assigned, MINUTE).await;
    let calls = desk.platform.taken().len();
    desk.clock.advance_ms(4 * 60 * MINUTE);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!(desk.platform.taken().len(), calls, "the platform has forgotten the first one by now");
    assert_eq!(desk.delivery(&assigned).await.state, DeliveryState::InDoubt);
}
