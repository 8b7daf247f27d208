//! What the platform says, and what follows.

use sluice_domain::review::{State, StateName};
use sluice_domain::safety::{CensorApi, DecidedBy, ModelName, Outcome};

use crate::stage::{HIT, Set, Stage, event, keys};

#[tokio::test]
async fn a_clean_text_goes_back_to_the_engine_with_the_evidence() {
    for api in CensorApi::ALL {
        let stage = Stage::new(Set { api, ..Set::default() }).await;
        let request = stage.waits(1, &["请问保修期多长"]).await;
        let review = stage.answered(&request).await;
        assert_eq!((review.state.name(), stage.woken().await), (StateName::Approved, 1));
        assert!(review.approval(&event(1, &["请问保修期多长"]), &keys()).is_ok());
        let finding = review.finding().unwrap();
        assert_eq!((finding.outcome, finding.decided_by), (Outcome::Clean, DecidedBy::Remote));
        assert!(finding.log_id.is_some() && finding.hits.is_empty());
        assert_eq!(stage.platform.checked_texts(), ["请问保修期多长"]);
        assert_eq!(stage.platform.counters(stage.platform_of()).tokens_issued, 1);
    }
}

#[tokio::test]
async fn a_violation_is_blocked_with_the_models_that_hit() {
    for api in CensorApi::ALL {
        let stage = Stage::new(Set { api, ..Set::default() }).await;
        let request = stage.waits(1, &["你好", &format!("这里有{HIT}内容")]).await;
        let review = stage.answered(&request).await;
        let State::Blocked { code, decision, .. } = &review.state else { panic!("{:?}", review.state) };
        assert_eq!((code.as_str(), stage.woken().await), ("content_unsafe", 0));
        let finding = decision.as_ref().unwrap().finding.as_ref().unwrap();
        assert_eq!(
            finding.hits.iter().map(ModelName::as_str).collect::<Vec<_>>(),
            ["short_content_antidirt"]
        );
        assert_eq!(review.work, None);
        assert_eq!(stage.counters.total("ReviewEnded"), 1);
    }
}

#[tokio::test]
async fn the_same_text_is_not_asked_about_twice() {
    let stage = Stage::usual().await;
    for (number, text) in [(1, "请问 保修期多长"), (2, "请问\u{3000}保修期多长 ")] {
        let request = stage.waits(number, &[text]).await;
        assert_eq!(stage.answered(&request).await.state.name(), StateName::Approved);
    }
    let hit = format!("{HIT}的东西");
    for number in [3, 4] {
        let request = stage.waits(number, &[&hit]).await;
        let review = stage.answered(&request).await;
        assert_eq!(review.state.name(), StateName::Blocked);
        let expected = if number == 3 { DecidedBy::Remote } else { DecidedBy::Cached };
        assert_eq!(review.finding().unwrap().decided_by, expected);
        assert!(review.finding().unwrap().log_id.is_some(), "the log id of the request that decided");
    }
    assert_eq!(stage.checked(), 2);
    assert_eq!(stage.counters.count(sluice_telemetry::Signal::ContentCheckDecided { source: "cached" }), 2);
}

#[tokio::test]
async fn an_answer_is_forgotten_after_its_time_or_not_kept_at_all() {
    let stage = Stage::new(Set {
        policy: |policy| {
            policy.remember_hours = 1;
            policy.minutes = 1_000;
        },
        ..Set::default()
    })
    .await;
    let first = stage.waits(1, &["你好"]).await;
    stage.answered(&first).await;
    stage.clock.advance_ms(3_600_000);
    let second = stage.waits(2, &["你好"]).await;
    stage.answered(&second).await;
    assert_eq!(stage.checked(), 2);
    let forgetful = Stage::new(Set { policy: |policy| policy.remember_hours = 0, ..Set::default() }).await;
    for number in [1, 2] {
        let request = forgetful.waits(number, &["你好"]).await;
        forgetful.answered(&request).await;
    }
    assert_eq!(forgetful.checked(), 2);
}

/// Of several texts nobody knows which one was meant.
#[tokio::test]
async fn a_hit_among_several_texts_is_not_remembered_of_each() {
    let stage = Stage::usual().await;
    let both = stage.waits(1, &["你好", HIT]).await;
    assert_eq!(stage.answered(&both).await.state.name(), StateName::Blocked);
    let one = stage.waits(2, &["你好"]).await;
    let review = stage.answered(&one).await;
    assert_eq!(review.state.name(), StateName::Approved);
    assert_eq!(review.finding().unwrap().decided_by, DecidedBy::Remote);
}

#[tokio::test]
async fn many_texts_are_asked_about_in_tens() {
    let stage = Stage::usual().await;
    let texts: Vec<String> = (0..23).map(|number| format!("第{number}项")).collect();
    let request = stage.waits(1, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let review = stage.answered(&request).await;
    assert_eq!((review.state.name(), review.finding().unwrap().requests), (StateName::Approved, 3));
    assert_eq!(stage.checked(), 23);
}
