//! Another destination for a message whose own one can not be used: once, on record, and never after a doubt.

use std::sync::Arc;

use channel_dispatch::ChannelDispatch;
use sluice_domain::consent::{Evidence, Withdrawal};
use sluice_domain::decision::Verdict;
use sluice_domain::delivery::{DeliveryState, Fallback, Outcome};
use sluice_domain::failure::FailureKind;
use sluice_domain::id::{DestinationId, TenantId};
use sluice_domain::review::{Says, StateName};
use sluice_embedded::SystemEntropy;
use sluice_ports::ConsentStore as _;
use sluice_steps::{Stage as _, StageError};
use sluice_telemetry::{Metrics, Signal};

use crate::outcomes::consent;
use crate::reviews::{CULTURE, lead, resume, review, vote, with};
use crate::support::*;

/// Where the messages went.
fn went(desk: &Desk) -> Vec<String> {
    desk.platform.taken().into_iter().map(|(destination, _)| destination).collect()
}

/// The message is back on its queue, to go to the fall-back.
fn fell_back(answer: Result<(), StageError>, desk: &Desk) {
    let error = answer.unwrap_err();
    assert_eq!((error.kind, error.code), (FailureKind::ThrottledUntil(desk.now()), "fell_back"));
}

fn fallback(to: &str, code: &str) -> Fallback {
    Fallback { destination: DestinationId::new(to).unwrap(), code: code.into(), at: NOON }
}

#[tokio::test(flavor = "current_thread")]
async fn a_message_whose_endpoint_refuses_everybody_goes_to_the_fall_back() {
    let desk = desk_with(falling_back(DUTY));
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    desk.platform.answers_code(Outcome::EndpointRefused, "93000");
    fell_back(desk.deliver(&assigned).await, &desk);
    let waiting = desk.delivery(&assigned).await;
    assert_eq!(waiting.state, DeliveryState::Waiting { until: NOON });
    assert_eq!(
        (waiting.fallback, waiting.assignment.destination.as_str()),
        (Some(fallback(DUTY, "93000")), BOT)
    );
    assert_eq!(desk.counters.count(Signal::FellBack { channel: "wecom_bot" }), 1);

    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    let delivered = desk.delivery(&assigned).await;
    assert_eq!(
        (delivered.state, delivered.fallback),
        (DeliveryState::Delivered, Some(fallback(DUTY, "93000")))
    );
    let outcomes: Vec<_> = delivered.attempts.into_iter().filter_map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes[0], Outcome::EndpointRefused);
    assert!(matches!(outcomes[1], Outcome::Delivered { .. }));
    assert_eq!(went(&desk), [BOT, DUTY]);
    let taken = desk.platform.taken();
    assert_ne!(taken[0].1.dispatch_id, taken[1].1.dispatch_id, "another destination, another dispatch");

    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!(desk.platform.taken().len(), 2);
}

#[tokio::test(flavor = "current_thread")]
async fn a_message_whose_endpoint_is_disabled_goes_to_the_fall_back_without_a_call() {
    let desk = desk_with(falling_back(APP));
    desk.platform.disable(BOT);
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    fell_back(desk.deliver(&assigned).await, &desk);
    assert_eq!(desk.counters.count(Signal::EndpointDisabled { code: "93000" }), 1);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!(went(&desk), [APP]);
    assert_eq!(desk.delivery(&assigned).await.fallback, Some(fallback(APP, "endpoint_disabled")));
}

#[tokio::test(flavor = "current_thread")]
async fn with_both_disabled_it_waits_for_whichever_is_enabled_first() {
    let desk = desk_with(falling_back(DUTY));
    desk.platform.disable(BOT);
    desk.platform.disable(DUTY);
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    let error = desk.deliver(&assigned).await.unwrap_err();
    assert_eq!((error.kind, error.code), (FailureKind::Configuration, "endpoint_disabled"));
    assert_eq!(desk.delivery(&assigned).await.fallback, None);
    desk.platform.enable(BOT);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!(went(&desk), [BOT]);
}

/// The first destination may have the message already.
#[tokio::test(flavor = "current_thread")]
async fn after_a_result_that_nobody_knows_nothing_falls_back() {
    let refused = desk_with(falling_back(DUTY));
    let assigned = assigned(1, APP, Verdict::AllowMasked);
    refused.platform.answers(Outcome::Unclear);
    let FailureKind::ThrottledUntil(until) = refused.deliver(&assigned).await.unwrap_err().kind else {
        panic!("repeated within the platform's memory")
    };
    refused.clock.set(until);
    refused.platform.answers_code(Outcome::EndpointRefused, "50003");
    assert_eq!(refused.deliver(&assigned).await, Ok(()));
    let delivery = refused.delivery(&assigned).await;
    assert_eq!((delivery.state, delivery.fallback), (DeliveryState::InDoubt, None));

    let disabled = desk_with(falling_back(DUTY));
    disabled.platform.answers(Outcome::Unclear);
    let FailureKind::ThrottledUntil(until) = disabled.deliver(&assigned).await.unwrap_err().kind else {
        panic!("repeated within the platform's memory")
    };
    disabled.clock.set(until);
    disabled.platform.disable(APP);
    let error = disabled.deliver(&assigned).await.unwrap_err();
    assert_eq!((error.kind, error.code), (FailureKind::Configuration, "endpoint_disabled"));
    assert_eq!(disabled.delivery(&assigned).await.fallback, None);
}

/// Of a code that nobody knows, nobody knows either that it means the endpoint; refusals of one person or text mean them.
#[tokio::test(flavor = "current_thread")]
async fn what_is_no_fault_of_the_endpoint_does_not_fall_back() {
    for outcome in [
        Outcome::UnknownCode,
        Outcome::RecipientRefused { opt_out: false },
        Outcome::ContentRefused { compliance: true },
    ] {
        let desk = desk_with(falling_back(DUTY));
        desk.platform.answers(outcome);
        let assigned = assigned(1, BOT, Verdict::AllowMasked);
        assert_eq!(desk.deliver(&assigned).await, Ok(()));
        let delivery = desk.delivery(&assigned).await;
        assert_eq!((delivery.state, delivery.fallback), (DeliveryState::Refused, None));
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_fall_back_has_no_fall_back() {
    let desk = desk_with(falling_back(DUTY));
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    for _ in 0..2 {
        desk.platform.answers_code(Outcome::EndpointRefused, "93000");
    }
    fell_back(desk.deliver(&assigned).await, &desk);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!(desk.delivery(&assigned).await.state, DeliveryState::Refused);
    assert_eq!((went(&desk).len(), desk.counters.total("FellBack")), (2, 1));
}

/// However fresh the clearance is: it was given for another endpoint.
#[tokio::test(flavor = "current_thread")]
async fn consent_is_looked_up_anew() {
    let desk = desk_with(falling_back(DUTY));
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    let granted = consent(&assigned, "wecom_sales");
    desk.store.grant(granted.clone()).await.unwrap();
    desk.platform.answers_code(Outcome::EndpointRefused, "93000");
    fell_back(desk.deliver(&assigned).await, &desk);
    let withdrawal = Withdrawal { at: NOON, evidence: Evidence::Operator { note: "test".into() } };
    let (tenant, person) = (&granted.key.tenant, &granted.key.person);
    desk.store.withdraw(tenant, person, Some(&granted.key), withdrawal).await.unwrap();
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    let delivery = desk.delivery(&assigned).await;
    let withheld = Outcome::Withheld { code: "consent_withdrawn".into() };
    assert_eq!((delivery.state, &delivery.attempts[1].outcome), (DeliveryState::Refused, &Some(withheld)));
    assert_eq!(went(&desk), [BOT]);
}

#[tokio::test(flavor = "current_thread")]
async fn the_caps_of_the_fall_backs_channel_hold() {
    let mut settings = falling_back(APP);
    let tenant = settings.tenants.get_mut(&TenantId::new("demo-brand").unwrap()).unwrap();
    let policy = r#"{ "caps": [{ "most": 1, "channel": "wecom_app" }] }"#;
    Arc::get_mut(tenant).unwrap().contact = serde_json::from_str(policy).unwrap();
    let desk = desk_with(settings);
    assert_eq!(desk.deliver(&of_person(1, 1, APP)).await, Ok(()));
    let second = of_person(2, 1, BOT);
    desk.platform.answers_code(Outcome::EndpointRefused, "93000");
    fell_back(desk.deliver(&second).await, &desk);
    assert_eq!(desk.deliver(&second).await, Ok(()));
    let delivery = desk.delivery(&second).await;
    let withheld = Outcome::Withheld { code: "frequency_cap".into() };
    assert_eq!((delivery.state, &delivery.attempts[1].outcome), (DeliveryState::Refused, &Some(withheld)));
    assert_eq!(went(&desk), [APP, BOT]);
}

#[tokio::test(flavor = "current_thread")]
async fn a_fall_back_that_the_route_took_back_gets_nothing() {
    let desk = desk_with(falling_back(DUTY));
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    desk.platform.answers_code(Outcome::EndpointRefused, "93000");
    fell_back(desk.deliver(&assigned).await, &desk);
    let later = ChannelDispatch {
        settings: Arc::new(falling_back(APP)),
        store: desk.store.clone(),
        keys: FixedKeys,
        sender: desk.platform.clone(),
        clock: desk.clock.clone(),
        entropy: SystemEntropy,
        metrics: Metrics::new(desk.counters.clone()),
    };
    assert_eq!(later.handle(vec![unchecked(&assigned)]).await, [Ok(())]);
    let delivery = desk.delivery(&assigned).await;
    let withheld = Outcome::Withheld { code: "fallback_gone".into() };
    assert_eq!((delivery.state, &delivery.attempts[1].outcome), (DeliveryState::Refused, &Some(withheld)));
    assert_eq!(went(&desk), [BOT]);
}

/// A desk where every message wants a review and may fall back, and a message that people have approved for its own destination.
async fn approved() -> Desk {
    let desk = desk_with(with_fallback(with(CULTURE, ""), DUTY));
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    vote(&desk, "王芳", Says::Approve).await;
    desk
}

/// Nobody has said that it may be read anywhere else.
#[tokio::test(flavor = "current_thread")]
async fn a_text_that_people_approved_waits_for_its_own_destination() {
    let desk = approved().await;
    desk.platform.disable(BOT);
    let error = resume(&desk).await.unwrap_err();
    assert_eq!((error.kind, error.code), (FailureKind::Configuration, "endpoint_disabled"));
    let delivery = desk.delivery(&lead()).await;
    assert!(matches!(delivery.state, DeliveryState::Waiting { .. }) && delivery.fallback.is_none());
    assert_eq!(review(&desk).await.state.name(), StateName::Approved, "still to be sent");
    desk.platform.enable(BOT);
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    assert_eq!(went(&desk), [BOT]);
    assert_eq!(review(&desk).await.state.name(), StateName::Cleared);
}

#[tokio::test(flavor = "current_thread")]
async fn a_text_that_people_approved_ends_where_its_endpoint_refuses_everybody() {
    let desk = approved().await;
    desk.platform.answers_code(Outcome::EndpointRefused, "93000");
    assert_eq!(resume(&desk).await, Ok(()));
    let delivery = desk.delivery(&lead()).await;
    assert_eq!((delivery.state, delivery.fallback), (DeliveryState::Refused, None));
    assert_eq!((went(&desk).as_slice(), desk.counters.total("FellBack")), (&[BOT.to_owned()][..], 0));
}

#[tokio::test(flavor = "current_thread")]
async fn a_text_that_falls_back_before_anybody_read_it_is_read_for_where_it_goes() {
    let desk = desk_with(with_fallback(with(CULTURE, ""), DUTY));
    desk.platform.disable(BOT);
    fell_back(desk.deliver(&lead()).await, &desk);
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    assert!(went(&desk).is_empty() && desk.delivery(&lead()).await.waits_for_review());
    vote(&desk, "王芳", Says::Approve).await;
    assert_eq!(resume(&desk).await, Ok(()));
    assert_eq!(went(&desk), [DUTY]);
}
