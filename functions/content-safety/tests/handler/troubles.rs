//! What goes wrong on the way to an answer.

use sluice_domain::review::{Review, State, StateName};
use sluice_domain::safety::{CensorApi, DecidedBy, Outcome, Unanswered};
use sluice_domain::time::{DAY_MS, UnixMillis};
use sluice_ports::{CheckedTexts as _, Clock as _, Place as Room};
use sluice_simulators::{FaultEffect, Place};
use sluice_telemetry::Signal;

use crate::stage::{Change, Set, Stage, brand};

fn cause(review: &Review) -> &str {
    let finding = review.finding().unwrap();
    assert_eq!((finding.outcome, finding.decided_by), (Outcome::Unanswered, DecidedBy::Local));
    finding.cause.as_deref().unwrap()
}

async fn used(stage: &Stage) -> u32 {
    let today = stage.clock.now().business_day();
    let mut room = 0;
    while stage.store.take_request(&brand(), today, 50).await == Ok(Room::Taken) {
        room += 1;
    }
    50 - room
}

#[tokio::test]
async fn trouble_that_passes_is_asked_again_twice() {
    let stage = Stage::usual().await;
    stage.trouble(Place::Send, FaultEffect::Status { status: 503 }, 1);
    stage.trouble(Place::Send, FaultEffect::Truncate, 1);
    let request = stage.waits(1, &["你好"]).await;
    let review = stage.answered(&request).await;
    assert_eq!((review.state.name(), review.finding().unwrap().requests), (StateName::Approved, 3));
    assert_eq!(used(&stage).await, 3, "each request is one of the budget");
    assert_eq!(stage.counters.count(Signal::ContentCheckFailed { cause: "busy" }), 1);
    assert_eq!(stage.counters.count(Signal::ContentCheckFailed { cause: "no_answer" }), 1);
}

#[tokio::test]
async fn what_does_not_pass_stays_with_people() {
    let stage = Stage::usual().await;
    stage.trouble(Place::Send, FaultEffect::ResetBeforeCommit, 3);
    let request = stage.waits(1, &["你好"]).await;
    let review = stage.answered(&request).await;
    assert_eq!((review.state.name(), cause(&review)), (StateName::Open, "no_answer"));
    assert_eq!(stage.woken().await, 0);
    assert_eq!(stage.handle(&request).await, Ok(()));
    assert_eq!(stage.review(&request).await, review, "it is not asked for ever");
    assert_eq!(stage.checked(), 0);
}

#[tokio::test]
async fn no_answer_falls_to_the_configured_side() {
    let sides: [(Unanswered, Change, StateName); 2] = [
        (Unanswered::Block, |policy| policy.unanswered = Unanswered::Block, StateName::Blocked),
        (Unanswered::Release, |policy| policy.unanswered = Unanswered::Release, StateName::Approved),
    ];
    for (side, policy, expected) in sides {
        let stage = Stage::new(Set { policy, ..Set::default() }).await;
        stage.trouble(Place::Send, FaultEffect::Code { code: 28_001_018, status: 200 }, 1);
        let request = stage.waits(1, &["你好"]).await;
        let review = stage.answered(&request).await;
        assert_eq!((review.state.name(), cause(&review)), (expected, "permission"), "{side:?}");
        if let State::Blocked { code, .. } = &review.state {
            assert_eq!(code, "content_unchecked");
        }
    }
}

/// What is not understood is never clean, and asking again would bring the same.
#[tokio::test]
async fn answers_that_are_none_are_not_asked_for_again() {
    for api in CensorApi::ALL {
        for (effect, expected) in [
            (FaultEffect::Html, "malformed"),
            (FaultEffect::Redirect, "malformed"),
            (FaultEffect::Status { status: 204 }, "malformed"),
            (FaultEffect::Code { code: 99_999, status: 200 }, "unknown_code"),
            (FaultEffect::Code { code: 28_003_017, status: 200 }, "platform_quota"),
            (FaultEffect::Code { code: 28_001_007, status: 200 }, "parameter"),
        ] {
            let stage = Stage::new(Set { api, ..Set::default() }).await;
            stage.trouble(Place::Send, effect.clone(), 1);
            let request = stage.waits(1, &["你好"]).await;
            let review = stage.answered(&request).await;
            assert_eq!(review.state.name(), StateName::Open, "{effect:?}");
            assert_eq!(cause(&review), expected, "{effect:?}");
            assert_eq!(review.finding().unwrap().requests, 1, "{effect:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_takes_more_than_three_seconds_is_none() {
    let stage = Stage::usual().await;
    stage.trouble(Place::Send, FaultEffect::Delay { ms: 3_500 }, 1);
    let request = stage.waits(1, &["你好"]).await;
    let began = std::time::Instant::now();
    let review = stage.answered(&request).await;
    assert_eq!((review.state.name(), review.finding().unwrap().requests), (StateName::Approved, 2));
    assert!(began.elapsed() >= sluice_censor::TIMEOUT);
    assert_eq!(stage.counters.count(Signal::ContentCheckFailed { cause: "timeout" }), 1);
}

#[tokio::test]
async fn a_dead_token_is_renewed_once() {
    for api in CensorApi::ALL {
        let stage = Stage::new(Set { api, ..Set::default() }).await;
        let first = stage.waits(1, &["一"]).await;
        stage.answered(&first).await;
        stage.trouble(Place::Send, FaultEffect::RevokeTokens, 1);
        let second = stage.waits(2, &["二"]).await;
        let review = stage.answered(&second).await;
        assert_eq!((review.state.name(), review.finding().unwrap().requests), (StateName::Approved, 1));
        assert_eq!(stage.platform.counters(stage.platform_of()).tokens_issued, 2);
        // Twice dead is a matter of credentials.
        stage.trouble(Place::Send, FaultEffect::RevokeTokens, 2);
        let third = stage.waits(3, &["三"]).await;
        assert_eq!(cause(&stage.answered(&third).await), "credentials");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_told_and_nothing_is_shown_to_anybody() {
    for api in CensorApi::ALL {
        let stage = Stage::new(Set { api, secret: "wrong", ..Set::default() }).await;
        let request = stage.waits(1, &["你好"]).await;
        assert_eq!(cause(&stage.answered(&request).await), "credentials");
        assert_eq!(stage.checked(), 0);
    }
}

/// Our own trouble is not the platform's silence: the message comes back.
#[tokio::test]
async fn a_secret_store_that_does_not_answer_leaves_the_message_on_its_queue() {
    let stage = Stage::new(Set { secret: "", ..Set::default() }).await;
    let request = stage.waits(1, &["你好"]).await;
    let error = stage.handle(&request).await.unwrap_err();
    assert_eq!((error.code, error.kind), ("store", sluice_domain::failure::FailureKind::Retry));
    assert_eq!(stage.review(&request).await.voices, []);
}

#[tokio::test]
async fn a_days_budget_is_kept_and_is_new_on_the_next_day() {
    let stage = Stage::new(Set {
        policy: |policy| {
            policy.per_day = 2;
            policy.minutes = 1_440;
        },
        ..Set::default()
    })
    .await;
    for (number, text) in [(1, "一"), (2, "二")] {
        let request = stage.waits(number, &[text]).await;
        assert_eq!(stage.answered(&request).await.state.name(), StateName::Approved);
    }
    let third = stage.waits(3, &["三"]).await;
    let review = stage.answered(&third).await;
    assert_eq!((review.state.name(), cause(&review)), (StateName::Open, "quota_exhausted"));
    assert_eq!(stage.checked(), 2);
    assert_eq!(stage.counters.count(Signal::ContentCheckFailed { cause: "quota_exhausted" }), 1);
    let again = stage.waits(4, &["一"]).await;
    assert_eq!(
        stage.answered(&again).await.state.name(),
        StateName::Approved,
        "what is remembered costs nothing"
    );
    stage.clock.advance_ms(DAY_MS - 3_600_000);
    let tomorrow = stage.waits(5, &["五"]).await;
    assert_eq!(stage.answered(&tomorrow).await.state.name(), StateName::Approved);
}

#[tokio::test]
async fn the_platforms_own_quota_is_no_answer_either() {
    let stage = Stage::new(Set { platform_per_day: Some(1), ..Set::default() }).await;
    for (number, text) in [(1, "一"), (2, "二")] {
        let request = stage.waits(number, &[text]).await;
        let review = stage.answered(&request).await;
        let expected = if number == 1 { StateName::Approved } else { StateName::Open };
        assert_eq!(review.state.name(), expected);
    }
}

#[tokio::test]
async fn an_event_that_comes_too_late_is_not_checked_any_more() {
    let stage = Stage::usual().await;
    let request = stage.waits(1, &["你好"]).await;
    stage.clock.advance_ms(60 * 60_000);
    let review = stage.answered(&request).await;
    assert_eq!((review.state.name(), cause(&review), stage.checked()), (StateName::Open, "too_late", 0));
    let overdue = stage.waits(2, &["你好"]).await;
    stage.clock.advance_ms(4 * DAY_MS);
    assert_eq!(stage.answered(&overdue).await.state.name(), StateName::Expired);
    assert!(stage.clock.now() > UnixMillis(0) && stage.checked() == 0);
}
