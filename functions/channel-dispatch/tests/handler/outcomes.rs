//! Every class of outcome, down to the stored record and the queue.

use std::sync::atomic::Ordering;

use sluice_domain::consent::*;
use sluice_domain::decision::Verdict;
use sluice_domain::delivery::{DeliveryState, Outcome};
use sluice_domain::failure::FailureKind;
use sluice_domain::id::{DestinationId, TenantId};
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
        (Outcome::UnknownCode, refused.clone(), "Refused"),
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

/// WeCom asks to come back at most three times after -1 (WW90455).
#[tokio::test(flavor = "current_thread")]
async fn a_platform_that_limits_repeats_is_not_asked_more_often() {
    let desk = desk();
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    for _ in 0..3 {
        desk.platform.answers_code(Outcome::Transient, "-1");
        let error = desk.deliver(&assigned).await.unwrap_err();
        let FailureKind::ThrottledUntil(until) = error.kind else { panic!("{error:?}") };
        desk.clock.set(until);
    }
    desk.platform.answers_code(Outcome::Transient, "-1");
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    let delivery = desk.delivery(&assigned).await;
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Refused, 4));
}

#[tokio::test(flavor = "current_thread")]
async fn a_code_that_no_table_has_is_counted() {
    for (outcome, code, counted) in
        [(Outcome::UnknownCode, "7654321", 1), (Outcome::EndpointRefused, "93000", 0)]
    {
        let desk = desk();
        desk.platform.answers_code(outcome, code);
        let assigned = assigned(1, BOT, Verdict::AllowMasked);
        assert_eq!(desk.deliver(&assigned).await, Ok(()));
        assert_eq!(desk.counters.total("UnknownCode"), counted, "{code}");
        assert_eq!(desk.delivery(&assigned).await.attempts[0].code.as_deref(), Some(code));
    }
}

pub(crate) fn consent(assigned: &Assigned, recipient: &str) -> ConsentRecord {
    let event = assigned.cleared.event();
    let key = ConsentKey {
        tenant: event.key.tenant.clone(),
        person: assigned.cleared.person().clone(),
        purpose: Purpose::new("sales_contact").unwrap(),
        recipient: Recipient::new(recipient).unwrap(),
    };
    let text = ConsentText { version: "1".into(), sha256: "00".repeat(32) };
    let evidence = Evidence::Operator { note: "test".into() };
    let record = ConsentRecord::new(key, text, NOON.plus_ms(-MINUTE), evidence);
    // What the shipped recipients do with the data.
    let tenant = &settings().tenants[&event.key.tenant];
    let notice = tenant.forms.values().find(|form| form.recipient.as_str() == recipient);
    ConsentRecord { notice: notice.and_then(|form| form.notice.clone()), ..record }
}

#[tokio::test(flavor = "current_thread")]
async fn an_opt_out_of_the_person_withdraws_their_consent_with_the_answer_as_evidence() {
    let desk = desk();
    let assigned = assigned(1, PERSON, Verdict::AllowMasked);
    let (granted, other) = (consent(&assigned, "mcn_service"), consent(&assigned, "mcn_leads"));
    desk.store.grant(granted.clone()).await.unwrap();
    desk.store.grant(other.clone()).await.unwrap();
    desk.platform.answers(Outcome::RecipientRefused { opt_out: true });
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    let stored = desk.store.consents(&[granted.key, other.key]).await.unwrap();
    let event = assigned.cleared.event();
    let evidence = Evidence::Channel {
        channel: "wechat_custom".into(),
        code: "0".into(),
        key: event.key.clone(),
        trace_id: event.trace_id,
    };
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

/// Feishu 230053, where the message goes to the person; the same answer of a member of staff says nothing (above).
#[tokio::test(flavor = "current_thread")]
async fn whoever_stops_the_feishu_bot_withdraws() {
    let mut settings = settings();
    let tenant = settings.tenants.get_mut(&TenantId::new("demo-mcn").unwrap()).unwrap();
    let tenant = std::sync::Arc::get_mut(tenant).unwrap();
    let channel = &mut tenant.destinations.get_mut(&DestinationId::new(PERSON).unwrap()).unwrap().channel;
    *channel = sluice_domain::destination::Channel::FeishuApp {
        app_id: "cli_1".into(),
        secret: "demo-mcn/feishu-app".into(),
        receive_id_type: "open_id".into(),
        receive_id: "form.wechat_openid".into(),
    };
    let desk = desk_with(settings);
    let assigned = assigned(1, PERSON, Verdict::AllowMasked);
    let granted = consent(&assigned, "mcn_service");
    desk.store.grant(granted.clone()).await.unwrap();
    desk.platform.answers(Outcome::RecipientRefused { opt_out: true });
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    let (_, message) = &desk.platform.taken()[0];
    assert_eq!(message.recipient.as_deref(), Some("oPerson00000000000000000000001"));
    let stored = desk.store.consents(&[granted.key]).await.unwrap();
    assert!(stored[0].as_ref().unwrap().withdrawn.is_some());
}

#[tokio::test(flavor = "current_thread")]
async fn a_person_out_of_reach_is_noted_once_with_the_platforms_code() {
    let desk = desk();
    let first = assigned(1, PERSON, Verdict::AllowMasked);
    let granted = consent(&first, "mcn_service");
    desk.store.grant(granted.clone()).await.unwrap();
    desk.platform.answers(Outcome::RecipientRefused { opt_out: false });
    assert_eq!(desk.deliver(&first).await, Ok(()));
    let stored = desk.store.consents(std::slice::from_ref(&granted.key)).await.unwrap().remove(0).unwrap();
    let mark = &stored.marks.unreachable["wechat_custom"];
    assert!(matches!(&mark.evidence, Evidence::Channel { code, .. } if code == "0"));
    assert_eq!(stored.withdrawn, None);
    // Staff that can not be reached says nothing of the person.
    let staff = assigned(2, APP, Verdict::AllowMasked);
    let granted = consent(&staff, "wecom_sales");
    desk.store.grant(granted.clone()).await.unwrap();
    desk.platform.answers(Outcome::RecipientRefused { opt_out: false });
    assert_eq!(desk.deliver(&staff).await, Ok(()));
    let stored = desk.store.consents(&[granted.key]).await.unwrap().remove(0).unwrap();
    assert!(stored.marks.is_empty());
}
