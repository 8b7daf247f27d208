//! What no order of voices, times and alterations may do.

use std::collections::BTreeMap;

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::decision::{PackStamp, Reason, Verdict};
use crate::event::Subject;
use crate::id::{MessageId, RuleId, RulePackId, SourceId};
use crate::lexicon::Lexicon;
use crate::link::LinkPolicy;
use crate::progress::{ClearanceError, Cleared};
use crate::rules::{Facts, Fingerprint, PackSource, RulePack};
use crate::sealed::DataKey;

const OPENED: UnixMillis = UnixMillis(1_000_000);
const DEADLINE: UnixMillis = UnixMillis(2_000_000);

fn keys() -> TenantKeys {
    TenantKeys::new(TenantId::new("brand").unwrap(), Zeroizing::new([7; 32]), vec![DataKey::new(1, &[9; 32])])
}

fn event() -> Event {
    let key = EventKey {
        tenant: TenantId::new("brand").unwrap(),
        source: SourceId::new("open-platform").unwrap(),
        message: MessageId::new("m1").unwrap(),
    };
    let record = key.to_string();
    let text = keys().seal("events", "text", &record, "我是车主,13912345678", [1; 12]).unwrap();
    Event {
        trace_id: TraceId::from_parts(OPENED, [1; 10]),
        key,
        kind: EventKind::DirectMessage,
        name: "im_receive_msg".into(),
        occurred_at: None,
        received_at: OPENED,
        payload_sha256: "00".repeat(32),
        person: Some(PersonId::new("p-1").unwrap()),
        account: None,
        subject: Subject::Nothing,
        personal: BTreeMap::from([(PersonalField::Text, text)]),
    }
}

fn decision(verdict: Verdict, codes: &[&str]) -> Decision {
    let reason = |code: &&str| Reason {
        code: (*code).to_owned(),
        title: "标题".into(),
        rule: RuleId::new((*code).replace('_', "-")).unwrap(),
        exception: None,
        basis: vec![],
        evidence: vec![],
    };
    let pack = PackStamp { id: RulePackId::new("p").unwrap(), version: "1".into(), sha256: "ab".into() };
    Decision::of(verdict, codes.iter().map(reason).collect(), pack)
}

fn rules() -> RulePack {
    let source: PackSource = serde_json::from_value(serde_json::json!({
        "id": "p", "version": "1", "mode": "strictest_wins",
        "default": { "then": "block", "code": "no_rule", "title": "无", "basis": [{ "document": "法", "article": "第一条" }] },
        "rules": [
            { "id": "phone-number", "title": "电话", "code": "phone_number", "when": "true", "then": "review", "four_eyes": true,
              "basis": [{ "document": "法", "article": "第一条" }] },
            { "id": "consented", "title": "同意", "code": "consented", "when": "true", "then": "allow", "basis": [{ "document": "法", "article": "第一条" }] },
        ],
    }))
    .unwrap();
    let fingerprint = Fingerprint { pack: "ab".into(), words: "cd".into() };
    RulePack::compile(source, Lexicon::compile(vec![]).unwrap(), fingerprint).unwrap()
}

fn review(people: u8) -> Review {
    let panel = Panel { people, machine: None, advises: false };
    Review::of_event(event(), opening(decision(Verdict::Review, &["phone_number"]), panel), &keys())
}

fn opening(decision: Decision, panel: Panel) -> Opening {
    Opening { decision, panel, opened_at: OPENED, deadline: DEADLINE }
}

fn ballot(name: &str, says: Says) -> Ballot {
    let by = Voter::Person { name: ReviewerName::new(name).unwrap() };
    Ballot { by, says, why: Why::new("看过").unwrap() }
}

fn approve(review: &Review, name: &str, at: i64) -> Result<Moved, VoteError> {
    review.vote(ballot(name, Says::Approve), OPENED.plus_ms(at), &keys())
}

#[test]
fn one_approval_lets_the_event_go_back_to_the_engine() {
    let Moved { review, wakes } = approve(&review(1), "王芳", 10).unwrap();
    assert_eq!((review.state.name(), review.version), (StateName::Approved, 1));
    assert_eq!(wakes, Some(Wakes::Event(serde_json::to_string(&event()).unwrap())));
    let approval = review.approval(&event(), &keys()).unwrap();
    let fresh =
        rules().evaluate(&Facts::inbound(EventKind::DirectMessage, &[], &LinkPolicy::default(), OPENED));
    let cleared = Cleared::reviewed(&approval, &fresh, &rules(), event(), OPENED, &keys()).unwrap();
    assert_eq!((cleared.verdict(), cleared.reason()), (Verdict::Allow, "phone_number"));
}

#[test]
fn four_eyes_are_two_people_however_the_name_is_typed() {
    let first = approve(&review(2), "Wang Fang", 10).unwrap();
    assert_eq!((first.review.state.name(), &first.wakes), (StateName::Open, &None));
    for same in ["wang fang", " WANG FANG ", "ＷａｎｇＦａｎｇ", "Wang\u{200b}Fang"] {
        assert_eq!(approve(&first.review, same, 20), Err(VoteError::SamePerson), "{same}");
    }
    let second = approve(&first.review, "李雷", 30).unwrap();
    assert_eq!(second.review.state.name(), StateName::Approved);
    assert!(rules().asks_four_eyes(&review(1).decision));
}

#[test]
fn one_rejection_ends_it_and_keeps_nothing_of_the_person() {
    let first = approve(&review(2), "王芳", 10).unwrap().review;
    let ended = first.vote(ballot("王芳", Says::Reject), OPENED.plus_ms(20), &keys()).unwrap();
    assert_eq!((ended.review.state.name(), &ended.wakes), (StateName::Rejected, &None));
    assert_eq!(ended.review.work, None);
    assert!(ended.review.texts(&keys()).unwrap().is_empty());
    assert_eq!(ended.review.voices.len(), 2, "what was said stays");
}

#[test]
fn nothing_is_approved_from_the_deadline_on() {
    let due = DEADLINE.since(OPENED);
    assert_eq!(approve(&review(1), "王芳", due), Err(VoteError::Overdue(DEADLINE)));
    assert_eq!(review(1).expire(DEADLINE.plus_ms(-1)), None);
    let expired = review(1).expire(DEADLINE).unwrap().review;
    assert_eq!((expired.state.name(), &expired.work), (StateName::Expired, &None));
    assert_eq!(review(1).standing(DEADLINE), StateName::Expired, "whether or not anybody wrote it down");
    assert_eq!(expired.approval(&event(), &keys()).unwrap_err(), NotApproved::State(StateName::Expired));
}

#[test]
fn a_machine_speaks_only_where_it_was_asked() {
    let machine = |check: &str, says| Ballot {
        by: Voter::Machine { check: check.into() },
        says,
        why: Why::new("suggestion=pass").unwrap(),
    };
    let panel = Panel { people: 2, machine: None, advises: false }.or_machine("text-censor");
    let waiting = Review::of_event(event(), opening(decision(Verdict::Review, &["censor"]), panel), &keys());
    let other = waiting.vote(machine("other", Says::Approve), OPENED, &keys());
    assert_eq!(other, Err(VoteError::NotAsked));
    assert_eq!(
        review(1).vote(machine("text-censor", Says::Approve), OPENED, &keys()),
        Err(VoteError::NotAsked)
    );
    let passed = waiting.vote(machine("text-censor", Says::Approve), OPENED, &keys()).unwrap().review;
    assert!(passed.approval(&event(), &keys()).is_ok());
    let refused = waiting.vote(machine("text-censor", Says::Reject), OPENED, &keys()).unwrap().review;
    assert_eq!(refused.state.name(), StateName::Rejected);
}

#[test]
fn an_approval_answers_its_own_reasons_and_no_others() {
    let approved = approve(&review(1), "王芳", 10).unwrap().review;
    let approval = approved.approval(&event(), &keys()).unwrap();
    let rows = [
        (decision(Verdict::Review, &["phone_number"]), Judgement::GoesOn(Verdict::AllowMasked)),
        (decision(Verdict::AllowMasked, &["consented"]), Judgement::GoesOn(Verdict::AllowMasked)),
        (
            decision(Verdict::Block, &["consent_withdrawn", "phone_number"]),
            Judgement::Blocked("consent_withdrawn".into()),
        ),
        (
            decision(Verdict::Review, &["phone_number", "foreign_link"]),
            Judgement::Blocked("review_outdated".into()),
        ),
    ];
    for (fresh, expected) in rows {
        assert_eq!(approval.judge(&fresh, &rules()), expected, "{:?}", fresh.main_code());
        let cleared = Cleared::reviewed(&approval, &fresh, &rules(), event(), OPENED, &keys());
        match expected {
            Judgement::GoesOn(verdict) => assert_eq!(cleared.unwrap().verdict(), verdict),
            Judgement::Blocked(code) => assert_eq!(cleared, Err(ClearanceError::Blocked(code))),
        }
    }
}

#[test]
fn an_altered_review_clears_nothing() {
    let approved = approve(&review(1), "王芳", 10).unwrap().review;
    let written = serde_json::to_value(&approved).unwrap();
    let altered = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = written.clone();
        change(&mut value);
        let review: Review = serde_json::from_value(value).unwrap();
        review.approval(&event(), &keys()).map(|_| ())
    };
    assert_eq!(altered(&|_| {}), Ok(()));
    let forged = Err(NotApproved::Forged);
    assert_eq!(altered(&|it| it["deadline"] = 3_000_000.into()), forged);
    assert_eq!(altered(&|it| it["panel"]["people"] = 0.into()), forged);
    assert_eq!(altered(&|it| it["decision"]["reasons"][0]["code"] = "anything".into()), forged);
    assert_eq!(altered(&|it| it["person"] = "p-2".into()), forged);
    assert_eq!(altered(&|it| it["voices"][0]["by"]["name"] = "李雷".into()), forged);
    assert_eq!(altered(&|it| it["voices"][0]["at"] = 1.into()), forged);
    assert_eq!(altered(&|it| it["subject_sha256"] = "00".into()), forged);
    assert_eq!(altered(&|it| it["voices"] = serde_json::json!([])), Err(NotApproved::TooFewVoices));
    let other = Event { name: "another".into(), ..event() };
    assert_eq!(approved.approval(&other, &keys()).unwrap_err(), NotApproved::OtherSubject);
    // A voice of another review, and the state alone.
    let mut open = serde_json::to_value(review(2)).unwrap();
    open["state"] = written["state"].clone();
    open["voices"] = written["voices"].clone();
    let spliced: Review = serde_json::from_value(open).unwrap();
    assert_eq!(spliced.approval(&event(), &keys()).unwrap_err(), NotApproved::Forged);
    let others = TenantKeys::new(TenantId::new("brand").unwrap(), Zeroizing::new([8; 32]), vec![]);
    assert_eq!(approved.approval(&event(), &others).unwrap_err(), NotApproved::Forged);
}

#[test]
fn an_approval_of_one_event_clears_no_other() {
    let approved = approve(&review(1), "王芳", 10).unwrap().review;
    let approval = approved.approval(&event(), &keys()).unwrap();
    let fresh = decision(Verdict::AllowMasked, &["consented"]);
    let other = Event { account: Some("another".into()), ..event() };
    let cleared = Cleared::reviewed(&approval, &fresh, &rules(), other, OPENED, &keys());
    assert_eq!(cleared, Err(ClearanceError::OtherEvent));
}

#[test]
fn a_message_is_approved_as_it_was_rendered_and_its_delivery_is_always_woken() {
    let texts = [
        RenderedText { field: "title", text: "新线索" },
        RenderedText { field: "message", text: "全网最好" },
    ];
    let panel = Panel { people: 1, machine: None, advises: false };
    let decision = decision(Verdict::Review, &["absolute_word"]);
    let mut nonce = 0;
    let nonces = || {
        nonce += 1;
        [nonce; 12]
    };
    let waiting =
        Review::of_message(&event(), "{}".into(), &texts, opening(decision, panel), &keys(), nonces).unwrap();
    assert_eq!(waiting.texts(&keys()).unwrap().len(), 2);
    assert!(!serde_json::to_string(&waiting).unwrap().contains("最好"));
    let rejected = waiting.vote(ballot("王芳", Says::Reject), OPENED, &keys()).unwrap();
    assert_eq!(rejected.wakes, Some(Wakes::Message("{}".into())));
    assert_eq!(waiting.expire(DEADLINE).unwrap().wakes, rejected.wakes);
    let approved = approve(&waiting, "王芳", 1).unwrap();
    assert_eq!(approved.wakes, rejected.wakes);
    assert!(approved.review.approval_of_texts(&event(), &texts, &keys()).is_ok());
    let other = [RenderedText { field: "message", text: "全网最好!" }];
    let refused = approved.review.approval_of_texts(&event(), &other, &keys());
    assert_eq!(refused.unwrap_err(), NotApproved::OtherSubject);
    assert_eq!(approved.review.approval(&event(), &keys()).unwrap_err(), NotApproved::OtherSubject);
}

#[test]
fn a_review_is_written_as_it_is_read() {
    let approved = approve(&review(2), "王芳", 10).unwrap().review;
    let text = serde_json::to_string(&approved).unwrap();
    assert_eq!(serde_json::from_str::<Review>(&text).unwrap(), approved);
    assert!(!text.contains("13912345678"));
}

#[derive(Debug, Clone)]
enum Act {
    Vote(usize, Says),
    Expire,
    Block,
    Clear,
}

fn acts() -> impl Strategy<Value = Vec<(i64, Act)>> {
    let says = prop_oneof![4 => Just(Says::Approve), 1 => Just(Says::Reject), 1 => Just(Says::Looked)];
    let act = prop_oneof![
        6 => (0..3_usize, says).prop_map(|(who, says)| Act::Vote(who, says)),
        1 => Just(Act::Expire),
        1 => Just(Act::Block),
        2 => Just(Act::Clear),
    ];
    proptest::collection::vec((0..400_000_i64, act), 0..14)
}

fn act(review: &Review, act: &Act, now: UnixMillis) -> Option<Moved> {
    let name = |who: &usize| ["王芳", "李雷", "韩梅梅"][*who];
    match act {
        Act::Vote(who, says) => review.vote(ballot(name(who), *says), now, &keys()).ok(),
        Act::Expire => review.expire(now),
        Act::Block => review.block("person_erased", None, now),
        Act::Clear => review.clear(Verdict::AllowMasked, decision(Verdict::Review, &["phone_number"]), now),
    }
}

proptest! {
    #[test]
    fn no_order_of_acts_breaks_a_law(people in 1..3_u8, acts in acts()) {
        let (mut current, mut now) = (review(people), OPENED);
        for (pause, step) in acts {
            now = now.plus_ms(pause);
            let Some(Moved { review: next, .. }) = act(&current, &step, now) else { continue };
            // What has ended stays so.
            prop_assert!(!current.state.name().is_final());
            // Voices are only added to, versions count.
            prop_assert!(next.voices.starts_with(&current.voices) && next.version == current.version + 1);
            prop_assert!(next.is_genuine(&keys()));
            if next.state.name().is_final() {
                prop_assert!(next.work.is_none());
            }
            if next.state.name() == StateName::Approved {
                // Before the deadline, by as many different people as are needed.
                prop_assert!(now < DEADLINE);
                let mut names: Vec<_> = next.approvers().map(ToString::to_string).collect();
                names.sort();
                names.dedup();
                prop_assert!(names.len() >= usize::from(people));
            }
            current = next;
        }
        let approved = current.approval(&event(), &keys()).is_ok();
        prop_assert_eq!(approved, matches!(current.state.name(), StateName::Approved | StateName::Cleared));
    }
}

mod machine {
    use super::*;
    use crate::safety::{Answer, CHECK, DecidedBy, Finding, LogId, ModelName, Unanswered};

    fn asking(advises: bool) -> Review {
        let panel = Panel { people: 1, machine: Some(CHECK.into()), advises };
        Review::of_event(event(), opening(decision(Verdict::Review, &["text_to_check"]), panel), &keys())
    }

    fn answer(hits: &[&str]) -> Finding {
        let hits = hits.iter().map(|name| ModelName::new(name)).collect();
        Finding::answered(Answer { hits, log_id: Some(LogId::new("L1")), at: OPENED }, DecidedBy::Remote, 1)
    }

    fn silence() -> Finding {
        Finding::unanswered("timeout", None, 3, OPENED)
    }

    fn found(review: &Review, finding: Finding, unanswered: Unanswered) -> Result<Moved, VoteError> {
        review.found(finding, unanswered, OPENED.plus_ms(10), &keys())
    }

    #[test]
    fn a_clean_text_is_approved_with_its_evidence() {
        let waiting = asking(false);
        assert!(waiting.awaits(CHECK) && !waiting.awaits("other") && !review(1).awaits(CHECK));
        let Moved { review, wakes } = found(&waiting, answer(&[]), Unanswered::Review).unwrap();
        assert_eq!((review.state.name(), wakes.is_some()), (StateName::Approved, true));
        assert_eq!(review.finding(), Some(&answer(&[])));
        assert!(review.is_genuine(&keys()) && review.approval(&event(), &keys()).is_ok());
        assert!(!review.awaits(CHECK));
    }

    #[test]
    fn a_violation_is_a_block_that_says_why_and_by_what() {
        let Moved { review, wakes } = found(&asking(false), answer(&["porn"]), Unanswered::Release).unwrap();
        let State::Blocked { code, decision, .. } = &review.state else { panic!("{:?}", review.state) };
        let fused = decision.as_deref().unwrap();
        assert_eq!((code.as_str(), fused.main_code(), wakes), ("content_unsafe", "content_unsafe", None));
        assert_eq!(fused.finding, Some(answer(&["porn"])));
        let codes: Vec<&str> = fused.reasons.iter().map(|reason| reason.code.as_str()).collect();
        assert_eq!(codes, ["content_unsafe", "text_to_check"], "the local word stays in it");
        assert!(!fused.reasons[0].basis.is_empty() && fused.verdict == Verdict::Block);
        assert_eq!(review.work, None, "nothing of the person is kept");
    }

    #[test]
    fn no_answer_falls_to_the_configured_side() {
        let people = found(&asking(false), silence(), Unanswered::Review).unwrap();
        assert_eq!((people.review.state.name(), &people.wakes), (StateName::Open, &None));
        assert!(approve(&people.review, "王芳", 20).unwrap().wakes.is_some(), "people decide");
        let blocked = found(&asking(false), silence(), Unanswered::Block).unwrap().review;
        let State::Blocked { code, .. } = &blocked.state else { panic!("{:?}", blocked.state) };
        assert_eq!(code, "content_unchecked");
        let released = found(&asking(false), silence(), Unanswered::Release).unwrap();
        assert_eq!((released.review.state.name(), released.wakes.is_some()), (StateName::Approved, true));
        assert_eq!(released.review.finding().unwrap().decided_by, DecidedBy::Local, "on record");
    }

    #[test]
    fn a_machine_that_only_advises_does_not_let_anything_go_on() {
        let advised = found(&asking(true), answer(&[]), Unanswered::Review).unwrap();
        assert_eq!((advised.review.state.name(), &advised.wakes), (StateName::Open, &None));
        let both = approve(&advised.review, "王芳", 20).unwrap();
        assert!(both.wakes.is_some() && both.review.approval(&event(), &keys()).is_ok());
        let refused = found(&asking(true), answer(&["porn"]), Unanswered::Review).unwrap();
        assert_eq!(refused.review.state.name(), StateName::Blocked, "its no counts");
    }

    #[test]
    fn a_finding_counts_once_before_the_deadline_and_not_after_a_person() {
        let once = found(&asking(true), answer(&[]), Unanswered::Review).unwrap().review;
        assert_eq!(found(&once, answer(&["porn"]), Unanswered::Review), Err(VoteError::NotAsked));
        let rejected = asking(false).vote(ballot("王芳", Says::Reject), OPENED, &keys()).unwrap().review;
        let late = found(&rejected, answer(&[]), Unanswered::Review);
        assert_eq!(late, Err(VoteError::NotOpen(StateName::Rejected)));
        let overdue = asking(false).found(answer(&[]), Unanswered::Review, DEADLINE, &keys());
        assert_eq!(overdue, Err(VoteError::Overdue(DEADLINE)));
        assert_eq!(found(&review(1), answer(&[]), Unanswered::Review), Err(VoteError::NotAsked));
    }

    #[test]
    fn evidence_that_somebody_altered_is_not_genuine() {
        let mut altered = found(&asking(false), answer(&[]), Unanswered::Review).unwrap().review;
        altered.voices[0].finding.as_mut().unwrap().log_id = Some(LogId::new("L2"));
        assert_eq!(altered.approval(&event(), &keys()).unwrap_err(), NotApproved::Forged);
        altered.voices[0].finding = None;
        assert_eq!(altered.approval(&event(), &keys()).unwrap_err(), NotApproved::Forged);
    }

    #[test]
    fn the_censor_is_asked_where_a_rule_wants_it_and_is_enough_alone_where_all_do() {
        let pack = |extra: serde_json::Value| {
            let mut rules = vec![serde_json::json!({
                "id": "text-to-check", "title": "检测", "code": "text_to_check", "when": "true", "then": "review",
                "remote_check": true, "basis": [{ "document": "法", "article": "第一条" }]
            })];
            rules.extend(extra.as_object().map(|_| extra.clone()));
            let source: PackSource = serde_json::from_value(serde_json::json!({
                "id": "p", "version": "1", "mode": "strictest_wins", "rules": rules,
                "default": { "then": "block", "code": "no_rule", "title": "无", "basis": [{ "document": "法", "article": "第一条" }] },
            }))
            .unwrap();
            let fingerprint = Fingerprint { pack: "ab".into(), words: "cd".into() };
            RulePack::compile(source, Lexicon::compile(vec![]).unwrap(), fingerprint).unwrap()
        };
        let safety = serde_json::from_value(
            serde_json::json!({ "api": "open_platform", "app_id": "tt1", "secret": "s" }),
        )
        .unwrap();
        let panel = |rules: &RulePack, policy: ReviewPolicy, safety| {
            let links = LinkPolicy::default();
            let decided = rules.evaluate(&Facts::inbound(EventKind::DirectMessage, &[], &links, OPENED));
            policy.panel(&decided, rules, safety)
        };
        let alone = pack(serde_json::Value::Null);
        let asked = |people, advises| Panel { people, machine: Some(CHECK.into()), advises };
        let usual = ReviewPolicy::default();
        assert_eq!(panel(&alone, usual, Some(&safety)), asked(1, false));
        assert_eq!(panel(&alone, usual, None), Panel { people: 1, machine: None, advises: false });
        assert_eq!(panel(&alone, ReviewPolicy { four_eyes: true, ..usual }, Some(&safety)), asked(2, true));
        let mixed = pack(serde_json::json!({
            "id": "phone", "title": "电话", "code": "phone_number", "when": "true", "then": "review",
            "basis": [{ "document": "法", "article": "第一条" }]
        }));
        assert_eq!(panel(&mixed, usual, Some(&safety)), asked(1, true));
        assert_eq!(panel(&rules(), usual, Some(&safety)).machine, None);
    }
}
