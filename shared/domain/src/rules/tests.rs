use proptest::prelude::*;

use super::*;
use crate::consent::{ConsentKey, Purpose, Recipient, Standing};
use crate::decision::{ConsentCheck, Decision, LegalBasis, Verdict};
use crate::event::EventKind;
use crate::id::{PersonId, RuleId, RulePackId, TenantId};
use crate::lexicon::{Lexicon, PHONE_NUMBER, Severity, WordList};
use crate::link::LinkPolicy;

fn basis() -> Vec<LegalBasis> {
    vec![LegalBasis { document: "个人信息保护法".into(), article: "第十三条".into() }]
}

fn rule(id: &str, when: Condition, then: Verdict) -> RuleSource {
    RuleSource {
        id: RuleId::new(id).unwrap(),
        title: format!("规则 {id}"),
        code: id.replace('-', "_"),
        stages: vec![Stage::Inbound],
        when,
        then,
        severity: Severity::Medium,
        basis: basis(),
    }
}

fn source(rules: Vec<RuleSource>) -> PackSource {
    PackSource {
        id: RulePackId::new("test").unwrap(),
        version: "1".into(),
        lexicons: vec![],
        default: DefaultSource {
            then: Verdict::Block,
            code: "no_rule".into(),
            title: "没有规则允许".into(),
            basis: basis(),
        },
        rules,
    }
}

fn lexicon() -> Lexicon {
    let list = WordList {
        id: "a".into(),
        category: "absolute_word".into(),
        severity: Severity::Medium,
        origin: "test".into(),
        words: vec!["最佳".into(), "国家级".into()],
        cues: vec!["微信".into(), "weixin".into()],
        contexts: vec![],
        allow: vec![],
        forms: vec![],
    };
    Lexicon::compile(vec![list]).unwrap()
}

fn pack(rules: Vec<RuleSource>) -> RulePack {
    RulePack::compile(source(rules), lexicon(), "ab".repeat(32)).unwrap()
}

fn check(standing: Standing) -> ConsentCheck {
    ConsentCheck {
        key: ConsentKey {
            tenant: TenantId::new("brand").unwrap(),
            person: PersonId::new("p-1").unwrap(),
            purpose: Purpose::new("sales_contact").unwrap(),
            recipient: Recipient::new("wecom_sales").unwrap(),
        },
        standing,
        text: None,
    }
}

fn facts<'a>(
    texts: &'a [(&'a str, &'a str)],
    links: &'a LinkPolicy,
    consent: Option<&'a ConsentCheck>,
) -> Facts<'a> {
    Facts {
        stage: Stage::Inbound,
        kind: Some(EventKind::DirectMessage),
        scheme: Some(crate::source::SchemeName::OpenPlatform),
        consent,
        texts,
        links,
        form: FormStanding::NoForm,
        outgoing: false,
        by_application: false,
        has_person: true,
    }
}

fn text(category: &str, fields: &[&str]) -> Condition {
    Condition::Text(TextCondition {
        category: category.into(),
        min_severity: Severity::Low,
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
    })
}

fn decide(rules: Vec<RuleSource>, texts: &[(&str, &str)]) -> Decision {
    pack(rules).evaluate(&facts(texts, &LinkPolicy::default(), Some(&check(Standing::Granted))))
}

#[test]
fn the_strictest_rule_wins_and_among_equals_the_earlier() {
    let decision = decide(
        vec![
            rule("ok", Condition::Always, Verdict::Allow),
            rule("look", Condition::Always, Verdict::Review),
            rule("never", Condition::Not(Box::new(Condition::Always)), Verdict::Block),
            rule("stop-1", Condition::Always, Verdict::Block),
            rule("stop-2", Condition::Always, Verdict::Block),
        ],
        &[],
    );
    assert_eq!((decision.verdict, decision.main_code()), (Verdict::Block, "stop_1"));
    let codes: Vec<&str> = decision.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!(codes, ["stop_1", "stop_2", "look"]);
    let path: Vec<(&str, bool)> =
        decision.path.iter().map(|step| (step.rule.as_str(), step.matched)).collect();
    assert_eq!(path, [("ok", true), ("look", true), ("never", false), ("stop-1", true), ("stop-2", true)]);
}

#[test]
fn what_no_rule_knows_is_not_sent() {
    let never = Condition::Not(Box::new(Condition::Always));
    let decision = decide(vec![rule("never", never, Verdict::Allow)], &[]);
    assert_eq!((decision.verdict, decision.main_code()), (Verdict::Block, "no_rule"));
    assert_eq!(decision.path.last().unwrap().rule.as_str(), "default");
}

#[test]
fn each_condition_holds_when_it_says() {
    let links = LinkPolicy { allowed_domains: vec!["example.com".into()], ..LinkPolicy::default() };
    let texts = [("text", "最佳 https://a.example.com"), ("form.备注", "13800138000 见 evil.cn")];
    let granted = check(Standing::Granted);
    let base = facts(&texts, &links, Some(&granted));
    let purpose = |name| Condition::Purpose(vec![Purpose::new(name).unwrap()]);
    let recipient = |name| Condition::Recipient(vec![Recipient::new(name).unwrap()]);
    for (condition, expected) in [
        (Condition::Kind(vec![EventKind::Comment, EventKind::DirectMessage]), true),
        (Condition::Kind(vec![EventKind::Follow]), false),
        (Condition::Scheme(vec![crate::source::SchemeName::Doudian]), false),
        (Condition::Consent(vec![Standing::Granted]), true),
        (Condition::Consent(vec![Standing::Missing, Standing::Withdrawn]), false),
        (purpose("sales_contact"), true),
        (purpose("after_sale"), false),
        (recipient("wecom_sales"), true),
        (text("absolute_word", &[]), true),
        (text("absolute_word", &["form"]), false),
        (text(PHONE_NUMBER, &["form"]), true),
        (text(PHONE_NUMBER, &["text", "for"]), false),
        (Condition::ForeignLink, true),
        (Condition::Outgoing, false),
        (Condition::ByApplication, false),
        (Condition::UnknownForm, false),
        (Condition::Anonymous, false),
        (Condition::All(vec![Condition::Always, Condition::Outgoing]), false),
        (Condition::Any(vec![Condition::Outgoing, Condition::Always]), true),
    ] {
        let pack = pack(vec![rule("it", condition.clone(), Verdict::Allow)]);
        assert_eq!(pack.evaluate(&base).verdict.allows(), expected, "{condition:?}");
    }
    let pack = pack(vec![rule(
        "it",
        Condition::All(vec![
            Condition::Consent(vec![Standing::Missing]),
            Condition::Anonymous,
            Condition::UnknownForm,
            Condition::Outgoing,
        ]),
        Verdict::Allow,
    )]);
    let strange =
        Facts { consent: None, has_person: false, form: FormStanding::Unknown, outgoing: true, ..base };
    assert!(pack.evaluate(&strange).verdict.allows());
}

#[test]
fn evidence_is_of_the_conditions_that_held_and_never_of_a_negation() {
    let both = Condition::Any(vec![
        Condition::All(vec![text("absolute_word", &[]), Condition::Outgoing]),
        text(PHONE_NUMBER, &[]),
        Condition::Not(Box::new(text("absolute_word", &["form"]))),
    ]);
    let decision = decide(vec![rule("it", both, Verdict::Review)], &[("text", "最佳 13800138000")]);
    let spans: Vec<(&str, usize, usize)> = decision.reasons[0]
        .evidence
        .iter()
        .map(|span| (span.category.as_str(), span.start, span.end))
        .collect();
    assert_eq!(spans, [(PHONE_NUMBER, 3, 14)]);
}

#[test]
fn letters_of_an_allowed_link_are_no_words() {
    let rules = || vec![rule("it", text("absolute_word", &[]), Verdict::Allow)];
    let links = LinkPolicy { allowed_domains: vec!["qq.com".into()], ..LinkPolicy::default() };
    let found =
        |text: &str, links| pack(rules()).evaluate(&facts(&[("text", text)], links, None)).verdict.allows();
    let link = "https://work.weixin.qq.com/ca/a1?customer_channel=s1.ab12345";
    assert!(!found(link, &links));
    assert!(found("weixin: ab12345", &links));
    assert!(found(&format!("weixin ab12345 {link}"), &links));
    assert!(found(link, &LinkPolicy::default()));
}

#[test]
fn a_rendered_text_meets_the_outbound_rules_only() {
    let outbound = |rule: RuleSource| RuleSource { stages: vec![Stage::Outbound], ..rule };
    let pack = pack(vec![
        rule("inbound", Condition::Always, Verdict::Block),
        outbound(rule("phone", text(PHONE_NUMBER, &["message"]), Verdict::Block)),
        outbound(rule("clean", Condition::Always, Verdict::Allow)),
    ]);
    let links = LinkPolicy::default();
    assert_eq!(pack.scan_outgoing("手机:138****8000", &links).verdict, Verdict::Allow);
    assert_eq!(pack.scan_outgoing("手机:13800138000", &links).main_code(), "phone");
}

#[test]
fn a_pack_with_a_mistake_does_not_compile() {
    let good = || source(vec![rule("a", Condition::Always, Verdict::Allow)]);
    let one = |change: &dyn Fn(&mut RuleSource)| {
        let mut source = good();
        change(&mut source.rules[0]);
        source
    };
    let deep = (0..20).fold(Condition::Always, |inner, _| Condition::Not(Box::new(inner)));
    for (source, says) in [
        (PackSource { version: " ".into(), ..good() }, "version"),
        (source(vec![]), "no rules"),
        (
            PackSource { default: DefaultSource { then: Verdict::AllowMasked, ..good().default }, ..good() },
            "default must be",
        ),
        (PackSource { rules: [good().rules, good().rules].concat(), ..good() }, "given twice"),
        (one(&|rule| rule.id = RuleId::new("default").unwrap()), "belongs to"),
        (one(&|rule| rule.title.clear()), "no title"),
        (one(&|rule| rule.code = "Not Good".into()), "code must be"),
        (one(&|rule| rule.basis.clear()), "no document"),
        (one(&|rule| rule.stages.clear()), "no stages"),
        (one(&|rule| rule.when = Condition::All(vec![])), "at least one"),
        (one(&|rule| rule.when = Condition::Kind(vec![])), "at least one"),
        (one(&|rule| rule.when = text("nothing_like_it", &[])), "no word list has category"),
        (one(&|rule| rule.when = deep.clone()), "16 deep"),
    ] {
        let error = RulePack::compile(source, lexicon(), String::new()).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(error.kind(), crate::failure::FailureKind::Configuration);
    }
}

#[test]
fn a_pack_reads_as_it_is_written_and_refuses_unknown_fields() {
    let source = source(vec![
        rule("a", Condition::All(vec![Condition::Always, text(PHONE_NUMBER, &["text"])]), Verdict::Review),
        rule("b", Condition::Not(Box::new(Condition::Anonymous)), Verdict::Allow),
    ]);
    let json = serde_json::to_string(&source).unwrap();
    assert_eq!(serde_json::from_str::<PackSource>(&json).unwrap(), source);
    let with_typo = json.replacen("\"title\":", "\"titel\":\"x\",\"title\":", 1);
    assert!(serde_json::from_str::<PackSource>(&with_typo).is_err());
    assert!(serde_json::from_str::<Condition>(r#"{"kidn":["follow"]}"#).is_err());
}

#[test]
fn an_explanation_names_rules_articles_and_offsets_and_no_personal_value() {
    let decision = decide(
        vec![
            rule("granted", Condition::Consent(vec![Standing::Granted]), Verdict::AllowMasked),
            rule("phone", text(PHONE_NUMBER, &["text"]), Verdict::Review),
        ],
        &[("text", "我的号码 13800138000")],
    );
    insta::assert_json_snapshot!(decision);
}

proptest! {
    #[test]
    fn deciding_again_gives_the_same_and_never_panics(words in ".{0,60}") {
        let rules = || vec![
            rule("word", text("absolute_word", &[]), Verdict::Block),
            rule("link", Condition::ForeignLink, Verdict::Review),
            rule("phone", text(PHONE_NUMBER, &[]), Verdict::Review),
        ];
        let once = decide(rules(), &[("text", &words)]);
        prop_assert_eq!(&once, &decide(rules(), &[("text", &words)]));
        prop_assert!(!once.reasons.is_empty());
        prop_assert!(!once.verdict.allows());
    }
}
