//! What leaves, and what it costs.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sluice_domain::decision::Verdict;
use sluice_domain::delivery::{DeliveryState, Outcome};
use sluice_domain::destination::{ACKNOWLEDGEMENT, Channel};
use sluice_domain::id::DestinationId;
use sluice_domain::link::{token_of, verify_link};
use sluice_domain::settings::Settings;

use crate::support::*;

#[tokio::test(flavor = "current_thread")]
async fn a_delivery_costs_two_writes_and_one_send() {
    let desk = desk();
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!(desk.store.writes.load(Ordering::SeqCst), 2);
    assert_eq!(desk.platform.taken().len(), 1);
    let delivery = desk.delivery(&assigned).await;
    assert_eq!(delivery.state, DeliveryState::Delivered);
    let outcome = Outcome::Delivered { provider_id: Some("om_1".into()) };
    assert_eq!((delivery.attempts.len(), &delivery.attempts[0].outcome), (1, &Some(outcome)));
    assert_eq!(desk.counters.total("Delivered"), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn what_was_delivered_is_not_sent_again() {
    let desk = desk();
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    for _ in 0..3 {
        assert_eq!(desk.deliver(&assigned).await, Ok(()));
        desk.clock.advance_ms(MINUTE);
    }
    assert_eq!(desk.platform.taken().len(), 1);
    assert_eq!(desk.counters.total("Duplicate"), 2);
}

#[tokio::test(flavor = "current_thread")]
async fn a_masked_decision_shows_masked_values_and_a_link_that_verifies() {
    let desk = desk();
    let assigned = assigned(1, APP, Verdict::AllowMasked);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    let (destination, message) = desk.platform.taken().remove(0);
    assert_eq!(destination, APP);
    assert_eq!(message.title.as_deref(), Some("新线索"));
    for shown in ["【示例品牌】", "姓名：张*", "手机：138****8000", "提交时间：2026-11-21 16:00"]
    {
        assert!(message.text.contains(shown), "{shown} is not in {}", message.text);
    }
    assert_eq!(message.recipient, None);
    let (_, link) = message.link.unwrap();
    let event = assigned.cleared.event();
    let verified = verify_link(&keys(&event.key.tenant), token_of(&link), 0, desk.now()).unwrap();
    assert_eq!(verified.reference.unwrap().as_str(), event.trace_id.to_string());
    assert_eq!(
        (verified.campaign.as_str(), verified.destination.as_str()),
        (APP, "https://crm.example.com/leads")
    );
    assert_eq!(verified.expires_at, NOON.plus_ms(72 * 60 * MINUTE));
}

/// The decision would allow it; the shipped rules don't.
#[tokio::test(flavor = "current_thread")]
async fn a_plain_phone_number_is_caught_by_the_last_scan() {
    let desk = desk();
    let assigned = assigned(1, BOT, Verdict::Allow);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert!(desk.platform.taken().is_empty());
    let delivery = desk.delivery(&assigned).await;
    assert_eq!(delivery.state, DeliveryState::Refused);
    let withheld = Outcome::Withheld { code: "phone_unmasked".into() };
    assert_eq!(delivery.attempts[0].outcome, Some(withheld));
}

#[tokio::test(flavor = "current_thread")]
async fn a_message_to_the_person_carries_their_address_and_no_lead_link() {
    let desk = desk();
    assert_eq!(desk.deliver(&assigned(1, PERSON, Verdict::AllowMasked)).await, Ok(()));
    let (_, message) = desk.platform.taken().remove(0);
    assert_eq!(message.recipient.as_deref(), Some("oPerson00000000000000000000001"));
    assert_eq!(message.link, None);
}

/// The destination was given to another recipient after the assignment: consent names the former one.
#[tokio::test(flavor = "current_thread")]
async fn a_destination_of_another_recipient_gets_nothing() {
    let desk = desk();
    let assigned = reassigned(assigned(1, BOT, Verdict::AllowMasked), |choice| {
        choice.destination = DestinationId::new("feishu-leads-group").unwrap();
    });
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert!(desk.platform.taken().is_empty());
    let delivery = desk.delivery(&assigned).await;
    let withheld = Outcome::Withheld { code: "recipient_changed".into() };
    assert_eq!((delivery.state, &delivery.attempts[0].outcome), (DeliveryState::Refused, &Some(withheld)));
}

#[tokio::test(flavor = "current_thread")]
async fn a_missing_set_up_gives_the_claim_back_until_it_is_mended() {
    let without = |name: &str| {
        let mut settings = settings();
        let tenant = settings.tenants.values_mut().next().unwrap();
        let tenant = Arc::make_mut(tenant);
        tenant.destinations.remove(&DestinationId::new(name).unwrap());
        tenant.scripts.retain(|script, _| script.as_str() != name);
        settings
    };
    let rows =
        [("nobody", None), (BOT, Some("no_destination")), ("lead-card-plain", Some("message_unusable"))];
    for (missing, code) in rows {
        let desk = desk_with(without(missing));
        let assigned = assigned(1, BOT, Verdict::AllowMasked);
        let answer = desk.deliver(&assigned).await;
        assert_eq!(answer.as_ref().err().map(|error| error.code), code);
        assert_eq!(desk.platform.taken().is_empty(), code.is_some());
        if let Err(error) = answer {
            assert_eq!(error.kind, sluice_domain::failure::FailureKind::Configuration);
            let state = desk.delivery(&assigned).await.state;
            assert_eq!(state, DeliveryState::Waiting { until: desk.now() });
        }
    }
}

/// The shipped settings with another channel and text behind [`BOT`].
fn with_channel(channel: Channel, text: &str) -> Settings {
    let mut settings = settings();
    let tenant = Arc::make_mut(settings.tenants.values_mut().next().unwrap());
    tenant.destinations.get_mut(&DestinationId::new(BOT).unwrap()).unwrap().channel = channel;
    let script = tenant.scripts.values_mut().find(|script| script.id.as_str() == "lead-card-plain").unwrap();
    text.clone_into(&mut script.text);
    script.title = None;
    settings
}

/// Douyin's rules let nothing pass that leads away from it, not even the company's own link, whatever the tenant's rules allow.
#[tokio::test(flavor = "current_thread")]
async fn a_reply_on_douyin_leads_nowhere() {
    let channel = || Channel::DouyinMessage {
        client_key: "aw1".into(),
        refresh_token: "r".into(),
        acknowledge: ACKNOWLEDGEMENT.into(),
    };
    let notice = "【示例品牌】您好,已收到。不再接收请回复“退订”";
    for (text, code) in [
        (notice.to_owned(), None),
        (format!("{notice} https://www.example.com/x"), Some("contact_diversion")),
        (format!("{notice} 加我微信 abc12345"), Some("contact_diversion")),
        (format!("{notice} 电话13912345678"), Some("contact_diversion")),
    ] {
        let desk = desk_with(with_channel(channel(), &text));
        let assigned = assigned(1, BOT, Verdict::AllowMasked);
        assert_eq!(desk.deliver(&assigned).await, Ok(()));
        let delivery = desk.delivery(&assigned).await;
        assert_eq!(delivery.attempts[0].code.as_deref().filter(|code| *code != "0"), code, "{text}");
        assert_eq!(desk.platform.taken().is_empty(), code.is_some(), "{text}");
    }
}
