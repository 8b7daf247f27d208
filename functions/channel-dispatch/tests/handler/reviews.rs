//! Rendered messages that wait for people, or for the platform's text censor.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sluice_domain::consent::{ConsentRecord, ConsentText, Evidence, Withdrawal};
use sluice_domain::decision::Verdict;
use sluice_domain::delivery::{DeliveryState, Outcome, WAITS_FOR_REVIEW};
use sluice_domain::progress::{Assigned, UncheckedAssigned};
use sluice_domain::review::{
    Ballot, Panel, Point, Review, ReviewId, ReviewerName, Says, State, StateName, Voter, Why,
};
use sluice_domain::safety::{Answer, CHECK, CheckRequest, DecidedBy, Finding, ModelName, Unanswered};
use sluice_domain::sealed::exposed;
use sluice_domain::settings::Settings;
use sluice_domain::time::DAY_MS;
use sluice_ports::{Advanced, ConsentStore as _, Queue, Reviews as _, Wake};
use sluice_settings::Bundle;
use sluice_steps::{Stage as _, StageError};
use sluice_telemetry::Signal;

use crate::support::*;

/// Words of a company's culture, which the exemptions of 广告绝对化用语执法指南 leave to a person.
pub(crate) const CULTURE: &str = "我们追求最佳服务,这是我们的经营理念。";
const ABSOLUTE: &str = "absolute_word_exempt";

/// The shipped configuration with words in the script that want a review, and more rules.
pub(crate) fn with(words: &str, rules: &str) -> Settings {
    let bundle = Bundle::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config"));
    let files: BTreeMap<String, String> = bundle
        .files()
        .map(|(name, bytes)| {
            let text = std::str::from_utf8(bytes).unwrap();
            let text = match name {
                "sluice.yaml" => text
                    .replacen(
                        "提交时间：{{ received_at }}",
                        &format!("提交时间：{{{{ received_at }}}}\n          {words}"),
                        1,
                    )
                    .replacen("title: 新线索\n", "title: 新线索\n        waits: true\n", 1),
                "rules/baseline.yaml" => format!("{text}{rules}"),
                _ => text.to_owned(),
            };
            (name.to_owned(), text)
        })
        .collect();
    sluice_settings::load_bundle(&files.into_iter().collect()).unwrap()
}

fn waiting_desk() -> Desk {
    desk_with(with(CULTURE, ""))
}

pub(crate) fn lead() -> Assigned {
    assigned(1, BOT, Verdict::AllowMasked)
}

pub(crate) async fn review(desk: &Desk) -> Review {
    let event = lead().cleared.event().clone();
    let id = ReviewId { tenant: event.key.tenant, trace: event.trace_id, point: Point::Message };
    desk.store.review(&id).await.unwrap().unwrap()
}

pub(crate) async fn vote(desk: &Desk, name: &str, says: Says) -> Review {
    let review = review(desk).await;
    let by = Voter::Person { name: ReviewerName::new(name).unwrap() };
    let ballot = Ballot { by, says, why: Why::new("看过").unwrap() };
    let moved = review.vote(ballot, desk.now(), &keys(&review.key.tenant)).unwrap();
    let advanced = desk.store.advance_review(moved.review.clone(), Wake::of(&moved)).await;
    assert_eq!(advanced, Ok(Advanced::Done));
    moved.review
}

/// What lies on the assigned queue; it is taken off.
async fn woken(desk: &Desk) -> Vec<UncheckedAssigned> {
    let received = desk.store.inner.receive(Queue::Assigned, 10, 60_000).await.unwrap();
    let handles = received.iter().map(|message| message.receipt_handle.clone()).collect();
    desk.store.inner.delete(Queue::Assigned, handles).await.unwrap();
    received.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
}

/// Handles what was woken, which is one message.
pub(crate) async fn resume(desk: &Desk) -> Result<(), StageError> {
    let messages = woken(desk).await;
    assert_eq!(messages.len(), 1);
    desk.dispatch.handle(messages).await.remove(0)
}

fn refused_by(code: &str) -> (DeliveryState, Option<Outcome>) {
    (DeliveryState::Refused, Some(Outcome::Withheld { code: code.to_owned() }))
}

/// How the delivery stands, and why its last attempt ended.
async fn ended(desk: &Desk) -> (DeliveryState, Option<Outcome>) {
    let delivery = desk.delivery(&lead()).await;
    (delivery.state.clone(), delivery.attempts.last().unwrap().outcome.clone())
}

#[tokio::test(flavor = "current_thread")]
async fn a_text_that_a_rule_wants_reviewed_waits_and_nothing_leaves() {
    let desk = waiting_desk();
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    assert!(desk.platform.taken().is_empty());
    let review = review(&desk).await;
    assert_eq!((review.state.name(), review.decision.main_code()), (StateName::Open, ABSOLUTE));
    assert_eq!((review.opened_at, review.deadline), (NOON, NOON.plus_ms(3 * DAY_MS)));
    assert_eq!(review.panel, Panel { people: 1, machine: None, advises: false });
    let stored = serde_json::to_string(&review).unwrap();
    assert!(!stored.contains("最佳") && !stored.contains("138****8000"), "its texts are sealed: {stored}");
    let texts = review.texts(&keys(&review.key.tenant)).unwrap();
    let (_, text) = texts.iter().find(|(field, _)| field == "message").unwrap();
    assert!(exposed(text).contains(CULTURE) && exposed(text).contains("138****8000"));
    let delivery = desk.delivery(&lead()).await;
    assert!(delivery.waits_for_review());
    assert_eq!(delivery.attempts[0].code.as_deref(), Some(WAITS_FOR_REVIEW));
    assert_eq!((desk.counters.total("ReviewOpened"), desk.counters.total("Refused")), (1, 0));
}

#[tokio::test(flavor = "current_thread")]
async fn the_reviewed_text_is_sent_whatever_the_script_says_by_then() {
    let desk = waiting_desk();
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    desk.clock.advance_ms(2 * DAY_MS);
    vote(&desk, "王芳", Says::Approve).await;
    let desk = reconfigured(&desk, with(&format!("{CULTURE}另有好礼。"), ""));
    assert_eq!(resume(&desk).await, Ok(()));
    let (destination, message) = desk.platform.taken().remove(0);
    assert_eq!(destination, BOT);
    assert!(message.text.contains(CULTURE) && !message.text.contains("另有好礼"), "{}", message.text);
    assert_eq!(message.title.as_deref(), Some("新线索"));
    let (_, link) = message.link.unwrap();
    let event = lead().cleared.event().clone();
    let token = sluice_domain::link::token_of(&link);
    let verified = sluice_domain::link::verify_link(&keys(&event.key.tenant), token, 0, desk.now()).unwrap();
    assert_eq!(verified.expires_at, desk.now().plus_ms(3 * DAY_MS), "it holds from the approval on");
    let delivery = desk.delivery(&lead()).await;
    assert_eq!(delivery.state, DeliveryState::Delivered);
    assert_eq!(delivery.attempts[1].script_hash, delivery.attempts[0].script_hash, "of what was rendered");
    let review = review(&desk).await;
    let State::Cleared { verdict, decision, .. } = &review.state else { panic!("{:?}", review.state) };
    assert_eq!((*verdict, decision.main_code()), (Verdict::Allow, ABSOLUTE));
    assert_eq!(review.work, None);
    assert_eq!(desk.counters.total("ReviewEnded"), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn the_same_message_again_neither_sends_nor_opens_another() {
    let desk = waiting_desk();
    for _ in 0..3 {
        assert_eq!(desk.deliver(&lead()).await, Ok(()));
        desk.clock.advance_ms(MINUTE);
    }
    assert_eq!(review(&desk).await.opened_at, NOON);
    assert!(desk.platform.taken().is_empty() && woken(&desk).await.is_empty());
    assert_eq!(desk.counters.total("ReviewOpened"), 1);
    vote(&desk, "王芳", Says::Approve).await;
    assert_eq!(resume(&desk).await, Ok(()));
    assert_eq!(desk.deliver(&lead()).await, Ok(()), "and once more, late");
    assert_eq!(desk.platform.taken().len(), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_rejected_message_is_settled_and_not_sent() {
    let desk = waiting_desk();
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    vote(&desk, "王芳", Says::Reject).await;
    assert_eq!(resume(&desk).await, Ok(()));
    assert_eq!(ended(&desk).await, refused_by("review_rejected"));
    assert!(desk.platform.taken().is_empty());
}

#[tokio::test(flavor = "current_thread")]
async fn silence_is_a_no() {
    let desk = waiting_desk();
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    desk.clock.advance_ms(3 * DAY_MS);
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    assert_eq!(ended(&desk).await, refused_by("review_expired"));
    assert_eq!(review(&desk).await.state.name(), StateName::Expired);
    assert!(desk.platform.taken().is_empty());
}

/// The review keeps its texts until the platform has taken the message.
#[tokio::test(flavor = "current_thread")]
async fn a_message_that_is_not_taken_at_once_keeps_its_reviewed_text() {
    let desk = waiting_desk();
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    vote(&desk, "王芳", Says::Approve).await;
    desk.platform.answers_code(Outcome::Transient, "-1");
    let messages = woken(&desk).await;
    assert_eq!(desk.dispatch.handle(messages.clone()).await.remove(0).unwrap_err().code, "waiting");
    assert_eq!(review(&desk).await.state.name(), StateName::Approved);
    desk.clock.advance_ms(MINUTE);
    assert_eq!(desk.dispatch.handle(messages).await, [Ok(())]);
    let taken = desk.platform.taken();
    assert_eq!((taken.len(), &taken[0].1.text), (2, &taken[1].1.text));
    assert_eq!(review(&desk).await.state.name(), StateName::Cleared);
}

#[tokio::test(flavor = "current_thread")]
async fn a_death_before_the_review_was_opened_opens_it_later_and_leaves_no_doubt() {
    let desk = waiting_desk();
    desk.store.failing_reviews.store(1, Ordering::SeqCst);
    assert!(desk.deliver(&lead()).await.is_err());
    assert!(desk.delivery(&lead()).await.waits_for_review());
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    assert_eq!(review(&desk).await.state.name(), StateName::Open);
    assert!(desk.platform.taken().is_empty());
}

#[tokio::test(flavor = "current_thread")]
async fn a_death_after_the_send_closes_the_review_later_and_sends_nothing_again() {
    let desk = waiting_desk();
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    vote(&desk, "王芳", Says::Approve).await;
    desk.store.failing_reviews.store(1, Ordering::SeqCst);
    let messages = woken(&desk).await;
    assert!(desk.dispatch.handle(messages.clone()).await.remove(0).is_err());
    assert_eq!(review(&desk).await.state.name(), StateName::Approved);
    assert_eq!(desk.dispatch.handle(messages).await, [Ok(())]);
    assert_eq!(review(&desk).await.state.name(), StateName::Cleared);
    assert_eq!(desk.platform.taken().len(), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_consent_withdrawn_meanwhile_withholds_what_was_approved() {
    let desk = waiting_desk();
    let lead = lead();
    let tenant = &desk.dispatch.settings.tenants[&lead.cleared.event().key.tenant];
    let route = tenant.route_of(lead.cleared.event()).unwrap();
    let key = sluice_domain::consent::ConsentKey {
        tenant: tenant.id.clone(),
        person: lead.cleared.person().clone(),
        purpose: route.purpose.clone(),
        recipient: route.recipient.clone(),
    };
    let evidence = || Evidence::Operator { note: "test".into() };
    let record = ConsentRecord::new(key.clone(), ConsentText::shown("1", "我同意"), NOON, evidence());
    assert_eq!(desk.store.grant(record).await, Ok(true));
    assert_eq!(desk.deliver(&lead).await, Ok(()));
    desk.clock.advance_ms(5 * MINUTE);
    let withdrawal = Withdrawal { at: desk.now(), evidence: evidence() };
    desk.store.withdraw(&key.tenant, &key.person, Some(&key), withdrawal).await.unwrap();
    vote(&desk, "王芳", Says::Approve).await;
    assert_eq!(resume(&desk).await, Ok(()));
    assert_eq!(ended(&desk).await, refused_by("consent_withdrawn"));
    let State::Blocked { code, .. } = review(&desk).await.state else { panic!("it must end") };
    assert_eq!(code, "consent_withdrawn");
    assert!(desk.platform.taken().is_empty());
}

/// A pack whose own rule holds in the afternoon: configurations are judged as of noon, messages at 16:00.
fn in_the_afternoon(when: &str, then: &str) -> Settings {
    let rule = format!(
        "
rules:
  - id: in-the-afternoon
    title: 下午的话术
    code: in_the_afternoon
    stages: [outbound]
    when: time.hour > 13 and ({when})
    then: {then}
    basis: [{{ document: 广告法, article: 第四条 }}]
"
    );
    with(CULTURE, &rule)
}

/// The approval answers the reasons that were reviewed, and no others.
#[tokio::test(flavor = "current_thread")]
async fn rules_that_want_more_by_then_are_not_answered() {
    for (then, code) in [("review", "review_outdated"), ("block", "in_the_afternoon")] {
        let desk = waiting_desk();
        assert_eq!(desk.deliver(&lead()).await, Ok(()));
        vote(&desk, "王芳", Says::Approve).await;
        let desk = reconfigured(&desk, in_the_afternoon("script.id != 'none'", then));
        assert_eq!(resume(&desk).await, Ok(()));
        assert_eq!(ended(&desk).await, refused_by(code));
        let State::Blocked { code: noted, decision, .. } = review(&desk).await.state else {
            panic!("{then}")
        };
        assert_eq!((noted.as_str(), decision.is_some()), (code, true), "it is explained");
        assert!(desk.platform.taken().is_empty());
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_rule_that_can_not_be_asked_withholds_the_message_and_is_counted() {
    let desk =
        desk_with(in_the_afternoon("event.kind in consent.purpose or consent.purpose == 'never'", "review"));
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    assert_eq!(ended(&desk).await, refused_by("rule_failed"));
    assert_eq!(desk.counters.count(Signal::RuleFailed { rule: "in-the-afternoon" }), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn what_somebody_wrote_into_the_store_sends_nothing() {
    let desk = waiting_desk();
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    let mut forged = review(&desk).await;
    forged.state = State::Approved { at: desk.now() };
    forged.version += 1;
    assert_eq!(desk.store.advance_review(forged, None).await, Ok(Advanced::Done));
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    assert_eq!(ended(&desk).await, refused_by("review_forged"));
    assert!(desk.platform.taken().is_empty());
}

/// The texts of another review, however genuine, are not what these people approved.
#[tokio::test(flavor = "current_thread")]
async fn texts_that_were_put_in_place_of_the_reviewed_ones_are_not_sent() {
    let desk = waiting_desk();
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    let approved = vote(&desk, "王芳", Says::Approve).await;
    let messages = woken(&desk).await;
    let other = desk_with(with(&format!("{CULTURE}另有好礼。"), ""));
    assert_eq!(other.deliver(&lead()).await, Ok(()));
    let mut exchanged = approved;
    exchanged.work = review(&other).await.work;
    exchanged.version += 1;
    assert_eq!(desk.store.advance_review(exchanged, None).await, Ok(Advanced::Done));
    assert_eq!(desk.dispatch.handle(messages).await, [Ok(())]);
    assert_eq!(ended(&desk).await, refused_by("review_forged"));
    assert!(desk.platform.taken().is_empty());
}

#[tokio::test(flavor = "current_thread")]
async fn two_people_must_approve_where_four_eyes_are_asked_for() {
    let mut settings = with(CULTURE, "");
    for tenant in settings.tenants.values_mut() {
        Arc::make_mut(tenant).review.four_eyes = true;
    }
    let desk = desk_with(settings);
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    vote(&desk, "王芳", Says::Approve).await;
    assert!(woken(&desk).await.is_empty());
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    assert!(desk.platform.taken().is_empty());
    vote(&desk, "李雷", Says::Approve).await;
    assert_eq!(resume(&desk).await, Ok(()));
    assert_eq!(desk.platform.taken().len(), 1);
}

const CHECKED: &str = "
rules:
  - id: leads-checked
    title: 话术发送前由平台内容安全检测
    code: text_to_check
    stages: [outbound]
    when: censor.available and script.id == 'lead-card-plain'
    then: review
    remote_check: true
    basis: [{ document: 网络信息内容生态治理规定, article: 第六条 }]
";

async fn requests(desk: &Desk) -> Vec<CheckRequest> {
    let received = desk.store.inner.receive(Queue::Checks, 10, 60_000).await.unwrap();
    received.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
}

#[tokio::test(flavor = "current_thread")]
async fn a_text_that_a_rule_wants_checked_goes_to_the_censor_and_comes_back() {
    for (hits, sent) in [(vec![], true), (vec!["short_content_antidirt"], false)] {
        let desk = desk_with(with("", CHECKED));
        assert_eq!(desk.deliver(&lead()).await, Ok(()));
        assert!(desk.platform.taken().is_empty());
        let asked = requests(&desk).await;
        assert_eq!(asked.iter().map(CheckRequest::review).collect::<Vec<_>>(), [review(&desk).await.id()]);
        assert_eq!(review(&desk).await.panel.machine.as_deref(), Some(CHECK));
        let hits = hits.into_iter().map(ModelName::new).collect();
        let answer = Answer { hits, log_id: None, at: desk.now() };
        let finding = Finding::answered(answer, DecidedBy::Remote, 1);
        let review_then = review(&desk).await;
        let keys = keys(&review_then.key.tenant);
        let moved = review_then.found(finding, Unanswered::Review, desk.now(), &keys).unwrap();
        let advanced = desk.store.advance_review(moved.review.clone(), Wake::of(&moved)).await;
        assert_eq!(advanced, Ok(Advanced::Done));
        assert_eq!(resume(&desk).await, Ok(()));
        assert_eq!(desk.platform.taken().len(), usize::from(sent));
        if !sent {
            assert_eq!(ended(&desk).await, refused_by("content_unsafe"));
        }
    }
}

/// The process died between the review and its request.
#[tokio::test(flavor = "current_thread")]
async fn a_request_that_was_lost_is_sent_again() {
    let desk = desk_with(with("", CHECKED));
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    assert_eq!(requests(&desk).await.len(), 1);
    assert_eq!(desk.deliver(&lead()).await, Ok(()));
    assert_eq!(requests(&desk).await.len(), 1);
}
