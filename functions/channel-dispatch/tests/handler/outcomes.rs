//! Every class of outcome, down to the stored record and the queue.

use std::sync::atomic::Ordering;

use sluice_domain::consent::*;
use sluice_domain::decision::Verdict;
use sluice_domain::delivery::{DeliveryState, Outcome};
use sluice_domain::failure::FailureKind;
use sluice_domain::progress::Assigned;
use sluice_ports::ConsentStore as _;

use crate::support::*;

#[tokio::test(flavor = "current_thread")]
async fn every_outcome_ends_in_its_state() {
    let until = NOON.plus_ms(5 * MINUTE);
    let (waiting, refused) = (DeliveryState::Waiting { until }, DeliveryState::Refused);
    let rows = [
        (Outcome::Delivered { provider_id: None }, DeliveryState::Delivered, "Delivered"),
        (Outcome::Throttled { until }, waiting.clone(), "Throttled"),
        (Outcome::QuotaExhausted { until }, waiting, "Throttled"),
        (Outcome::RecipientRefused { opt_out: false }, refused.clone(), "Refused"),
        (Outcome::RecipientRefused { opt_out: true }, refused.clone(), "Refused"),
        (Outcome::ContentRefused { compliance: false }, refused.clone(), "Refused"),
        (Outcome::ContentRefused { compliance: true }, refused.clone(), "Refused"),
        (Outcome::EndpointRefused, refused.clone(), "Refused"),
        (Outcome::Withheld { code: "x".into() }, refused, "Refused"),
        (Outcome::Unclear, DeliveryState::InDoubt, "InDoubt"),
    ];
    for (outcome, state, metric) in rows {
        let desk = desk();
        desk.platform.answers(outcome.clone());
        let assigned = assigned(1, BOT, Verdict::AllowMasked);
        let answer = desk.deliver(&assigned).await;
        let delivery = desk.delivery(&assigned).await;
        assert_eq!(delivery.state, state, "{outcome:?}");
        assert_eq!(delivery.attempts[0].outcome, Some(outcome.clone()));
        assert_eq!(desk.counters.total(metric), 1, "{outcome:?}");
        match answer {
            Ok(()) => assert!(state.is_settled(), "{outcome:?}"),
            Err(error) => assert_eq!(error.kind, FailureKind::ThrottledUntil(until), "{outcome:?}"),
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_passing_fault_is_tried_again_later_and_later() {
    let desk = desk();
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    for (round, pause) in (1..).zip([2_000, 4_000, 8_000]) {
        desk.platform.answers(Outcome::Transient);
        let error = desk.deliver(&assigned).await.unwrap_err();
        let FailureKind::ThrottledUntil(until) = error.kind else { panic!("{error:?}") };
        let waits = until.since(desk.now());
        assert!((pause..=pause + pause / 4).contains(&waits), "round {round}: {waits} ms");
        let early = desk.deliver(&assigned).await.unwrap_err();
        assert_eq!((early.code, early.kind), ("held", FailureKind::ThrottledUntil(until)));
        assert_eq!(desk.platform.taken().len(), round);
        desk.clock.set(until);
    }
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    let delivery = desk.delivery(&assigned).await;
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Delivered, 4));
}

fn consent(assigned: &Assigned, recipient: &str) -> ConsentRecord {
    let event = assigned.cleared.event();
    ConsentRecord {
        key: ConsentKey {
            tenant: event.key.tenant.clone(),
            person: assigned.cleared.person().clone(),
            purpose: Purpose::new("sales_contact").unwrap(),
            recipient: Recipient::new(recipient).unwrap(),
        },
        text: ConsentText { version: "1".into(), sha256: "00".repeat(32) },
        granted_at: NOON.plus_ms(-MINUTE),
        evidence: Evidence::Operator { note: "test".into() },
        valid_until: None,
        withdrawn: None,
    }
}

#[tokio::test(flavor = "current_thread")]
async fn an_opt_out_of_the_person_withdraws_their_consent_with_the_event_as_evidence() {
    let desk = desk();
    let assigned = assigned(1, PERSON, Verdict::AllowMasked);
    let (granted, other) = (consent(&assigned, "mcn_service"), consent(&assigned, "mcn_leads"));
    desk.store.grant(granted.clone()).await.unwrap();
    desk.store.grant(other.clone()).await.unwrap();
    desk.platform.answers(Outcome::RecipientRefused { opt_out: true });
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    let stored = desk.store.consents(&[granted.key, other.key]).await.unwrap();
    let event = assigned.cleared.event();
    let evidence = Evidence::of(event);
    assert_eq!(stored[0].as_ref().unwrap().withdrawn, Some(Withdrawal { at: NOON, evidence }));
    assert_eq!(stored[1].as_ref().unwrap().withdrawn, None);
}

#[tokio::test(flavor = "current_thread")]
async fn an_opt_out_of_staff_says_nothing_of_the_person() {
    let desk = desk();
    let assigned = assigned(1, APP, Verdict::AllowMasked);
    let granted = consent(&assigned, "wecom_sales");
    desk.store.grant(granted.clone()).await.unwrap();
    desk.platform.answers(Outcome::RecipientRefused { opt_out: true });
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    let stored = desk.store.consents(&[granted.key]).await.unwrap();
    assert_eq!(stored[0].as_ref().unwrap().withdrawn, None);
}

#[tokio::test(flavor = "current_thread")]
async fn an_opt_out_that_could_not_be_written_is_written_later_and_nothing_more_is_sent() {
    let desk = desk();
    let assigned = assigned(1, PERSON, Verdict::AllowMasked);
    let granted = consent(&assigned, "mcn_service");
    desk.store.grant(granted.clone()).await.unwrap();
    desk.platform.answers(Outcome::RecipientRefused { opt_out: true });
    desk.store.failing_withdrawals.store(1, Ordering::SeqCst);
    let error = desk.deliver(&assigned).await.unwrap_err();
    let FailureKind::ThrottledUntil(until) = error.kind else { panic!("{error:?}") };
    desk.clock.set(until);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!(desk.platform.taken().len(), 1);
    assert_eq!(desk.delivery(&assigned).await.state, DeliveryState::Refused);
    let stored = desk.store.consents(&[granted.key]).await.unwrap();
    assert!(stored[0].as_ref().unwrap().withdrawn.is_some());
}

/// A message may wait for hours on a throttled channel; the person may change their mind meanwhile.
#[tokio::test(flavor = "current_thread")]
async fn consent_withdrawn_while_a_message_waits_stops_it() {
    let desk = desk();
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    let granted = consent(&assigned, "wecom_sales");
    desk.store.grant(granted.clone()).await.unwrap();
    desk.platform.answers(Outcome::Throttled { until: NOON.plus_ms(10 * MINUTE) });
    desk.deliver(&assigned).await.unwrap_err();
    desk.clock.advance_ms(10 * MINUTE);
    let withdrawal = Withdrawal { at: desk.now(), evidence: Evidence::Operator { note: "退订".into() } };
    let key = &granted.key;
    desk.store.withdraw(&key.tenant, &key.person, Some(key), withdrawal).await.unwrap();
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!(desk.platform.taken().len(), 1);
    let delivery = desk.delivery(&assigned).await;
    let withheld = Outcome::Withheld { code: "consent_withdrawn".into() };
    assert_eq!((delivery.state, &delivery.attempts[1].outcome), (DeliveryState::Refused, &Some(withheld)));
}
