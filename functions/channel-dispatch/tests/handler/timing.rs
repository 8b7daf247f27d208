//! Quiet hours and caps.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sluice_domain::contact::ContactPolicy;
use sluice_domain::decision::Verdict;
use sluice_domain::delivery::{DeliveryState, Outcome};
use sluice_domain::failure::FailureKind;

use crate::support::*;

const HOUR: i64 = 60 * MINUTE;

/// The shipped configuration with a policy for every route.
fn desk_of(policy: &str) -> Desk {
    let policy: ContactPolicy = serde_json::from_str(policy).unwrap();
    let mut settings = settings();
    for tenant in settings.tenants.values_mut() {
        let tenant = Arc::get_mut(tenant).unwrap();
        tenant.contact = policy.clone();
        tenant.routes.iter_mut().for_each(|route| route.contact = None);
    }
    desk_with(settings)
}

#[tokio::test(flavor = "current_thread")]
async fn a_message_caught_by_quiet_hours_waits_and_is_sent_when_they_end() {
    let desk = desk_of(r#"{ "quiet": [{ "from": "15:00", "to": "09:00" }] }"#);
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    let error = desk.deliver(&assigned).await.unwrap_err();
    let FailureKind::ThrottledUntil(until) = error.kind else { panic!("{error:?}") };
    let morning = NOON.plus_ms(17 * HOUR);
    assert!((MINUTE..11 * MINUTE).contains(&until.since(morning)), "spread over ten minutes: {until}");
    let delivery = desk.delivery(&assigned).await;
    assert_eq!(delivery.state, DeliveryState::Waiting { until });
    let quiet = Outcome::Withheld { code: "quiet_hours".into() };
    assert_eq!(delivery.attempts[0].outcome, Some(quiet));
    assert!(desk.platform.taken().is_empty());
    desk.clock.set(until);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!(desk.delivery(&assigned).await.state, DeliveryState::Delivered);
}

#[tokio::test(flavor = "current_thread")]
async fn hours_of_another_channel_hold_nothing_up() {
    let desk = desk_of(r#"{ "quiet": [{ "from": "15:00", "to": "09:00", "channels": ["wechat_custom"] }] }"#);
    assert_eq!(desk.deliver(&assigned(1, BOT, Verdict::AllowMasked)).await, Ok(()));
    assert!(desk.deliver(&assigned(2, PERSON, Verdict::AllowMasked)).await.is_err());
}

/// Another event of the person of the first.
fn again(number: u8) -> sluice_domain::progress::Assigned {
    of_person(number, 1, BOT)
}

#[tokio::test(flavor = "current_thread")]
async fn a_message_above_the_cap_is_refused_and_the_next_day_has_room() {
    let desk = desk_of(r#"{ "caps": [{ "most": 2 }] }"#);
    for number in 1..=2 {
        assert_eq!(desk.deliver(&again(number)).await, Ok(()));
    }
    assert_eq!(desk.deliver(&again(3)).await, Ok(()));
    let delivery = desk.delivery(&again(3)).await;
    let refused = Outcome::Withheld { code: "frequency_cap".into() };
    assert_eq!((delivery.state, &delivery.attempts[0].outcome), (DeliveryState::Refused, &Some(refused)));
    assert_eq!(desk.platform.taken().len(), 2);
    assert_eq!(desk.deliver(&assigned(4, BOT, Verdict::AllowMasked)).await, Ok(()), "another person");
    desk.clock.advance_ms(8 * HOUR);
    assert_eq!(desk.deliver(&again(5)).await, Ok(()));
    assert_eq!(desk.platform.taken().len(), 4);
}

#[tokio::test(flavor = "current_thread")]
async fn a_message_above_the_cap_waits_for_the_next_day_where_configured() {
    let desk = desk_of(
        r#"{ "caps": [{ "most": 1 }], "when_full": "next_day", "quiet": [{ "from": "00:00", "to": "08:00" }] }"#,
    );
    assert_eq!(desk.deliver(&again(1)).await, Ok(()));
    let error = desk.deliver(&again(2)).await.unwrap_err();
    let FailureKind::ThrottledUntil(until) = error.kind else { panic!("{error:?}") };
    assert!((MINUTE..11 * MINUTE).contains(&until.since(NOON.plus_ms(16 * HOUR))), "{until}");
    desk.clock.set(until);
    assert_eq!(desk.deliver(&again(2)).await, Ok(()));
    assert_eq!(desk.platform.taken().len(), 2);
}

/// A try that is repeated is the same message.
#[tokio::test(flavor = "current_thread")]
async fn a_message_that_is_tried_again_takes_no_second_place() {
    let desk = desk_of(r#"{ "caps": [{ "most": 1 }] }"#);
    desk.platform.answers(Outcome::Transient);
    let error = desk.deliver(&again(1)).await.unwrap_err();
    let FailureKind::ThrottledUntil(until) = error.kind else { panic!("{error:?}") };
    desk.clock.set(until);
    assert_eq!(desk.deliver(&again(1)).await, Ok(()));
    assert_eq!(desk.delivery(&again(1)).await.state, DeliveryState::Delivered);
}

#[tokio::test(flavor = "current_thread")]
async fn a_cap_costs_one_write_and_no_cap_none() {
    for (policy, writes) in
        [("{}", 2), (r#"{ "caps": [{ "most": 5 }, { "most": 5, "channel": "wecom_bot" }] }"#, 3)]
    {
        let desk = desk_of(policy);
        assert_eq!(desk.deliver(&again(1)).await, Ok(()));
        assert_eq!(desk.store.writes.load(Ordering::SeqCst), writes, "{policy}");
    }
}
