//! What is decided on events that may lead to a message.

use sluice_domain::audit::Disposition;
use sluice_domain::consent::{ConsentRecord, ConsentText, Evidence, Standing};
use sluice_domain::decision::Verdict;
use sluice_domain::event::{EventKind, PersonalField, Subject};
use sluice_domain::id::FormId;
use sluice_domain::time::{DAY_MS, UnixMillis};
use sluice_ports::ConsentStore as _;

use crate::gate::{Gate, consent_key};
use crate::sample::{Made, RECEIVED, conversation, lead, message, order, unauthorize};

/// A consent given an hour before the samples.
async fn agree(gate: &Gate, recipient: &str) {
    let (text, evidence) = (ConsentText::shown("1", "我同意"), Evidence::Operator { note: "test".into() });
    let key = consent_key("sales_contact", recipient);
    let record = ConsentRecord {
        valid_until: Some(RECEIVED.plus_ms(DAY_MS)),
        ..ConsentRecord::new(key, text, RECEIVED.plus_ms(-3_600_000), evidence)
    };
    assert!(gate.store.grant(record).await.unwrap());
}

#[tokio::test]
async fn a_lead_is_cleared_masked_on_the_consent_that_its_own_form_proves() {
    let gate = Gate::open();
    let decision = gate.decide(lead("lead-1")).await;
    assert_eq!((decision.verdict, decision.main_code()), (Verdict::AllowMasked, "consented_lead"));
    let check = decision.consent.unwrap();
    assert_eq!(check.standing, Standing::Granted);
    assert_eq!(check.text.unwrap().version, "2026-09");

    let consent = gate.consent("sales_contact", "wecom_sales").await.unwrap();
    assert_eq!(consent.granted_at, RECEIVED.plus_ms(-2_000));
    assert_eq!(consent.valid_until, Some(RECEIVED.plus_ms(-2_000 + 180 * DAY_MS)));
    let shown = &gate.handler.settings.tenants.values().next().unwrap().forms;
    let form = shown.get(&FormId::new(crate::sample::CARD).unwrap()).unwrap();
    assert_eq!(consent.text, ConsentText::shown("2026-09", &form.text));
    assert!(matches!(consent.evidence, Evidence::Event { kind: EventKind::FormSubmit, .. }));

    let cleared = gate.cleared().await;
    assert_eq!(cleared.len(), 1);
    assert_eq!(cleared[0].verdict(), Verdict::AllowMasked);
    assert_eq!(gate.counters.total("Decided"), 1);
}

#[tokio::test]
async fn without_a_standing_consent_nothing_goes_on() {
    let gate = Gate::open();
    let decision = gate.decide(message("m-1", "你好")).await;
    assert_eq!((decision.verdict, decision.main_code()), (Verdict::Block, "consent_missing"));
    agree(&gate, "feishu_leads").await;
    assert_eq!(gate.decide(message("m-2", "你好")).await.main_code(), "consented_behaviour");
    gate.clock.advance_ms(2 * DAY_MS);
    assert_eq!(gate.decide(message("m-3", "你好")).await.main_code(), "consent_expired");
    assert_eq!(gate.cleared().await.len(), 1);
}

#[tokio::test]
async fn a_consent_for_another_recipient_is_none() {
    let gate = Gate::open();
    agree(&gate, "wecom_sales").await;
    assert_eq!(gate.decide(message("m-1", "你好")).await.main_code(), "consent_missing");
}

#[tokio::test]
async fn a_withdrawn_consent_blocks() {
    let gate = Gate::open();
    agree(&gate, "feishu_leads").await;
    gate.take(unauthorize("u-1")).await;
    let decision = gate.decide(message("m-1", "你好")).await;
    assert_eq!((decision.verdict, decision.main_code()), (Verdict::Block, "consent_withdrawn"));
}

#[tokio::test]
async fn what_a_person_writes_is_scanned_after_it_is_opened() {
    for (text, verdict, code) in [
        ("加我微信 vx_12345", Verdict::Block, "contact_diversion"),
        ("➕我 1 3 8 0 0 0 0 1 2 3 4", Verdict::Block, "contact_diversion"),
        ("号码 13800138000", Verdict::Review, "phone_number"),
        ("看 https://evil.example.net/x", Verdict::Review, "foreign_link"),
        ("看 https://a.example.com/x", Verdict::AllowMasked, "consented_behaviour"),
        ("微信支付很方便", Verdict::AllowMasked, "consented_behaviour"),
    ] {
        let gate = Gate::open();
        agree(&gate, "feishu_leads").await;
        let decision = gate.decide(message("m-1", text)).await;
        assert_eq!((decision.verdict, decision.main_code()), (verdict, code), "{text}");
        let explanation = serde_json::to_string(&decision).unwrap();
        assert!(!explanation.contains("vx_12345") && !explanation.contains("13800138000"), "{explanation}");
    }
}

#[tokio::test]
async fn a_form_is_decided_for_the_recipient_that_its_own_text_names() {
    let gate = Gate::open();
    let subject = Subject::Form { form_id: FormId::new("life_member").unwrap(), labels: vec![] };
    let decision = gate.decide(Made { subject, ..lead("join-1") }).await;
    assert_eq!(decision.main_code(), "consented_lead");
    assert_eq!(decision.consent.unwrap().key.recipient.as_str(), "feishu_leads");
    assert_eq!(gate.consent("sales_contact", "wecom_sales").await, None);
}

#[tokio::test]
async fn a_form_that_nobody_configured_proves_nothing() {
    let gate = Gate::open();
    let subject =
        Subject::Form { form_id: FormId::new("@unknown").unwrap(), labels: vec!["手机号".into()] };
    let decision = gate.decide(Made { subject, ..lead("lead-1") }).await;
    assert_eq!((decision.verdict, decision.main_code()), (Verdict::Block, "form_unknown"));
    assert_eq!(gate.consent("sales_contact", "wecom_sales").await, None);
}

#[tokio::test]
async fn a_form_with_nothing_filled_in_proves_nothing() {
    let gate = Gate::open();
    let subject = Subject::Form { form_id: FormId::new(crate::sample::CARD).unwrap(), labels: vec![] };
    let decision = gate.decide(Made { subject, personal: vec![], ..lead("lead-1") }).await;
    assert_eq!(decision.main_code(), "consent_missing");
}

#[tokio::test]
async fn a_consent_begins_no_later_than_its_event_arrived() {
    let gate = Gate::open();
    let decision =
        gate.decide(Made { occurred_at: Some(UnixMillis(RECEIVED.0 + 60_000)), ..lead("lead-1") }).await;
    assert_eq!(decision.main_code(), "consented_lead");
    assert_eq!(gate.consent("sales_contact", "wecom_sales").await.unwrap().granted_at, RECEIVED);
}

#[tokio::test]
async fn a_person_whom_nobody_names_is_not_contacted() {
    let gate = Gate::open();
    let decision = gate.decide(Made { open_id: None, ..message("m-1", "你好") }).await;
    assert_eq!((decision.verdict, decision.main_code()), (Verdict::Block, "person_unknown"));
}

#[tokio::test]
async fn own_messages_and_kinds_without_a_route_are_recorded_and_go_nowhere() {
    let gate = Gate::open();
    agree(&gate, "feishu_leads").await;
    for (id, outgoing, by_application) in [("m-1", true, false), ("m-2", true, true), ("m-3", false, true)] {
        let subject = conversation(outgoing, by_application);
        let record = gate.take(Made { subject, ..message(id, "您好") }).await;
        assert_eq!(record.disposition, Disposition::recorded("own_message"));
    }
    let unrouted = gate.take(Made::new("l-1", EventKind::LiveComment, "live_comment")).await;
    assert_eq!(unrouted.disposition, Disposition::Unhandled);
    let unknown = gate.take(Made::new("x-1", EventKind::Unhandled, "new_video_digg")).await;
    assert_eq!(unknown.disposition, Disposition::Unhandled);
    assert!(gate.cleared().await.is_empty());
    assert_eq!(gate.counters.total("Unhandled"), 2);
}

#[tokio::test]
async fn a_record_holds_no_personal_value() {
    let gate = Gate::open();
    let made =
        Made { personal: vec![(PersonalField::Text, "我叫王小明 13912345678")], ..message("m-1", "") };
    let record = serde_json::to_string(&gate.take(made).await).unwrap();
    for value in ["王小明", "13912345678", "open-1"] {
        assert!(!record.contains(value), "{record}");
    }
}

#[tokio::test]
async fn a_paid_order_needs_its_own_consent() {
    let gate = Gate::open();
    agree(&gate, "wecom_sales").await;
    let decision = gate.decide(order("o-1", EventKind::OrderPaid, "pay_success")).await;
    assert_eq!(decision.main_code(), "consent_missing", "`sales_contact` is no `after_sale`");
}
