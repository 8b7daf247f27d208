use proptest::prelude::*;

use super::*;
use crate::consent::{ConsentKey, Purpose, Recipient, Standing};
use crate::decision::{ConsentCheck, Decision, LegalBasis, Verdict};
use crate::event::EventKind;
use crate::id::{PersonId, RuleId, RulePackId, TenantId};
use crate::lexicon::{Lexicon, PHONE_NUMBER, Severity, WordList};
use crate::link::LinkPolicy;
use crate::time::UnixMillis;

/// 2026-11-23 10:30 in China, a Monday.
const NOW: UnixMillis = UnixMillis(1_795_401_000_000);

fn basis() -> Vec<LegalBasis> {
    vec![LegalBasis { document: "个人信息保护法".into(), article: "第十三条".into() }]
}

fn id(text: &str) -> RuleId {
    RuleId::new(text).unwrap()
}

fn rule(name: &str, when: &str, then: Verdict) -> RuleSource {
    RuleSource {
        id: id(name),
        title: format!("规则 {name}"),
        code: name.replace('-', "_"),
        priority: 0,
        stages: vec![Stage::Inbound],
        kinds: vec![],
        when: when.into(),
        then,
        severity: Severity::Medium,
        four_eyes: false,
        remote_check: false,
        basis: basis(),
        exceptions: vec![],
    }
}

fn exception(name: &str, when: &str, then: Verdict) -> ExceptionSource {
    ExceptionSource {
        id: id(name),
        title: format!("例外 {name}"),
        code: name.replace('-', "_"),
        when: when.into(),
        then,
        basis: basis(),
    }
}

fn source(rules: Vec<RuleSource>) -> PackSource {
    PackSource {
        id: RulePackId::new("test").unwrap(),
        version: "1".into(),
        extends: vec![],
        mode: Some(Mode::StrictestWins),
        lexicons: vec![],
        default: Some(DefaultSource {
            then: Verdict::Block,
            code: "no_rule".into(),
            title: "没有规则允许".into(),
            basis: basis(),
        }),
        rules,
        overrides: vec![],
        disable: vec![],
        tests: vec![],
    }
}

fn lexicon() -> Lexicon {
    let list = |id: &str, category: &str, severity, words: &[&str]| WordList {
        id: id.into(),
        category: category.into(),
        severity,
        origin: "test".into(),
        words: words.iter().map(|word| (*word).into()).collect(),
        cues: if id == "a" { vec!["微信".into(), "weixin".into()] } else { vec![] },
        contexts: vec![],
        allow: vec![],
        forms: vec![],
    };
    let absolute = list("a", "absolute_word", Severity::Medium, &["最佳", "国家级"]);
    let exempt = list("b", "absolute_exemption", Severity::Low, &["经营理念"]);
    Lexicon::compile(vec![absolute, exempt]).unwrap()
}

fn fingerprint() -> Fingerprint {
    Fingerprint { pack: "ab".repeat(32), words: "cd".repeat(8) }
}

fn compile(source: PackSource) -> Result<RulePack, Vec<RulePackError>> {
    RulePack::compile(source, lexicon(), fingerprint())
}

fn pack(rules: Vec<RuleSource>) -> RulePack {
    compile(source(rules)).unwrap()
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
        scheme: Some(crate::source::SchemeName::OpenPlatform),
        consent,
        ..Facts::inbound(EventKind::DirectMessage, texts, links, NOW)
    }
}

fn decide(rules: Vec<RuleSource>, texts: &[(&str, &str)]) -> Decision {
    pack(rules).evaluate(&facts(texts, &LinkPolicy::default(), Some(&check(Standing::Granted))))
}

fn spans(decision: &Decision) -> Vec<(&str, &str, usize, usize)> {
    let evidence = decision.reasons[0].evidence.iter();
    evidence.map(|span| (span.field.as_str(), span.category.as_str(), span.start, span.end)).collect()
}

#[test]
fn the_strictest_rule_wins_and_among_equals_the_earlier() {
    let decision = decide(
        vec![
            rule("ok", "true", Verdict::Allow),
            rule("look", "true", Verdict::Review),
            rule("never", "false", Verdict::Block),
            rule("stop-1", "true", Verdict::Block),
            rule("stop-2", "true", Verdict::Block),
        ],
        &[],
    );
    assert_eq!((decision.verdict, decision.main_code()), (Verdict::Block, "stop_1"));
    let codes: Vec<&str> = decision.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!(codes, ["stop_1", "stop_2", "look"]);
    let matched: Vec<&str> = decision.matched.iter().map(RuleId::as_str).collect();
    assert_eq!(matched, ["ok", "look", "stop-1", "stop-2"]);
}

#[test]
fn in_first_match_the_first_by_priority_decides_alone() {
    let ranked = |name, priority, then| RuleSource { priority, ..rule(name, "true", then) };
    let rules = vec![
        ranked("low", 1, Verdict::Block),
        ranked("high", 9, Verdict::Allow),
        ranked("also-high", 9, Verdict::Block),
    ];
    let first = compile(PackSource { mode: Some(Mode::FirstMatch), ..source(rules) }).unwrap();
    let decision = first.evaluate(&facts(&[], &LinkPolicy::default(), None));
    assert_eq!((decision.main_code(), decision.reasons.len(), decision.matched.len()), ("high", 1, 1));
    let reached: Vec<Place> = first.check().into_iter().map(|error| error.place).collect();
    assert_eq!(reached, [Place::Rule(id("also-high")), Place::Rule(id("low"))]);
}

#[test]
fn what_no_rule_knows_is_not_sent() {
    let decision = decide(vec![rule("never", "false", Verdict::Allow)], &[]);
    assert_eq!((decision.verdict, decision.main_code()), (Verdict::Block, "no_rule"));
    assert_eq!(decision.matched, [id("default")]);
}

#[test]
fn each_fact_is_what_its_name_says() {
    let links = LinkPolicy { allowed_domains: vec!["example.com".into()], ..LinkPolicy::default() };
    let texts = [("text", "最佳 https://a.example.com"), ("form.备注", "13800138000 见 evil.cn")];
    let granted = check(Standing::Granted);
    let base = facts(&texts, &links, Some(&granted));
    let unknown =
        Facts { consent: None, has_person: false, form: FormStanding::Unknown, outgoing: true, ..base };
    let script = crate::id::ScriptId::new("note").unwrap();
    let destination = crate::id::DestinationId::new("group").unwrap();
    let sent = [("title", "示例品牌"), ("message", "最佳")];
    let leaving = Facts {
        sender: Some("示例品牌"),
        script: Some(&script),
        destination: Some(&destination),
        channel: Some("wechat_custom"),
        ..Facts::outbound(&sent, &links, NOW)
    };
    for (condition, facts) in [
        ("event.kind in ['comment', 'direct_message'] and not (event.kind == 'follow')", &base),
        ("event.scheme == 'open-platform'", &base),
        ("event.form == 'none' and not event.outgoing and not event.by_application", &base),
        ("person.known and consent.standing == 'granted'", &base),
        ("consent.purpose == 'sales_contact' and consent.recipient == \"wecom_sales\"", &base),
        ("text.absolute_word == medium and not text.phone_number and not form.absolute_word", &base),
        ("form.phone_number and any.phone_number >= medium and not message.phone_number", &base),
        ("form.foreign_link == high and not text.foreign_link", &base),
        ("time.hour == 10 and time.weekday == 1", &base),
        ("consent.standing == 'missing' and consent.purpose == none and not person.known", &unknown),
        ("event.form == 'unknown' and event.outgoing", &unknown),
        ("script.id == 'note' and destination.id == 'group' and event.kind == none", &leaving),
        ("destination.channel == 'wechat_custom' and destination.to_person", &leaving),
        ("message.names_sender and message.absolute_word and not text.absolute_word", &leaving),
        ("not censor.available and not censor.long_text", &base),
        ("censor.available and not censor.long_text", &Facts { censor: Some(45), ..base }),
        ("censor.available and censor.long_text", &Facts { censor: Some(44), ..base }),
    ] {
        let both = RuleSource {
            stages: vec![Stage::Inbound, Stage::Outbound],
            ..rule("it", condition, Verdict::Allow)
        };
        let pack = pack(vec![both]);
        let observed = pack.observe(facts);
        assert!(pack.decide(&observed).verdict.allows(), "{condition}: {:?}", pack.path(&observed));
    }
}

#[test]
fn every_fact_has_a_value_of_its_domain_and_a_meaning() {
    let observed =
        pack(vec![rule("it", "true", Verdict::Allow)]).observe(&facts(&[], &LinkPolicy::default(), None));
    for fact in Fact::ALL {
        let code = fact.code(&observed);
        let fits = match fact.domain() {
            Domain::Flag => code <= 1,
            Domain::Words(_, count) => count > 1 && code <= count,
            Domain::Number(from, to) => (from..=to).contains(&code),
            Domain::Text => fact.text(&observed).is_none(),
        };
        assert!(fits && !fact.meaning().is_ascii(), "{fact:?} {code}");
    }
}

#[test]
fn a_condition_that_has_no_value_blocks_and_says_so() {
    let rules = vec![
        rule("ok", "true", Verdict::Allow),
        rule("broken", "event.kind in consent.purpose", Verdict::Review),
    ];
    let pack = pack(rules);
    let observed = pack.observe(&facts(&[], &LinkPolicy::default(), None));
    let decision = pack.decide(&observed);
    assert_eq!((decision.verdict, decision.main_code()), (Verdict::Block, RULE_FAILED));
    assert_eq!(decision.reasons[0].rule, id("broken"));
    let step = pack.path(&observed).pop().unwrap();
    assert!(matches!(step.outcome, Outcome::Failed(cause) if cause == "invalid operation"));
    let granted = check(Standing::Granted);
    let decision = pack.evaluate(&facts(&[], &LinkPolicy::default(), Some(&granted)));
    assert_eq!(decision.main_code(), "ok", "it has one for events with a consent");
}

#[test]
fn an_exception_decides_in_place_of_its_rule_and_adds_its_basis() {
    let with = |when: &str| RuleSource {
        exceptions: vec![
            exception("unused", "false", Verdict::Allow),
            exception("exempt", when, Verdict::Review),
        ],
        ..rule("word", "text.absolute_word", Verdict::Block)
    };
    let decision = decide(vec![with("text.absolute_exemption")], &[("text", "最佳,这是经营理念")]);
    assert_eq!((decision.verdict, decision.main_code()), (Verdict::Review, "exempt"));
    let reason = &decision.reasons[0];
    assert_eq!(
        (&reason.rule, reason.exception.as_ref(), reason.basis.len()),
        (&id("word"), Some(&id("exempt")), 2)
    );
    assert_eq!(spans(&decision), [("text", "absolute_word", 0, 2)]);
    let plain = decide(vec![with("text.absolute_exemption")], &[("text", "最佳")]);
    assert_eq!((plain.verdict, plain.main_code()), (Verdict::Block, "word"));
    let failing = decide(vec![with("event.kind in 5")], &[("text", "最佳")]);
    assert_eq!(failing.verdict, Verdict::Block, "an exception without a value is none");
}

#[test]
fn evidence_is_what_the_rule_rests_on_and_never_a_negation() {
    let texts = [("text", "最佳 13800138000"), ("form.备注", "国家级")];
    for (condition, expected) in [
        ("text.phone_number", vec![("text", PHONE_NUMBER, 3, 14)]),
        ("(text.absolute_word and event.outgoing) or text.phone_number", vec![("text", PHONE_NUMBER, 3, 14)]),
        ("text.phone_number and not message.absolute_word", vec![("text", PHONE_NUMBER, 3, 14)]),
        (
            "text.absolute_word and form.absolute_word",
            vec![("form.备注", "absolute_word", 0, 3), ("text", "absolute_word", 0, 2)],
        ),
        (
            "text.phone_number or form.absolute_word",
            vec![("form.备注", "absolute_word", 0, 3), ("text", PHONE_NUMBER, 3, 14)],
        ),
        ("not text.foreign_link or text.phone_number", vec![]),
        ("consent.standing == 'granted'", vec![]),
    ] {
        let decision = decide(vec![rule("it", condition, Verdict::Review)], &texts);
        assert_eq!(decision.main_code(), "it", "{condition}");
        assert_eq!(spans(&decision), expected, "{condition}");
    }
}

#[test]
fn letters_of_an_allowed_link_are_no_words() {
    let rules = || vec![rule("it", "text.absolute_word", Verdict::Allow)];
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
        rule("inbound", "true", Verdict::Block),
        outbound(rule("phone", "message.phone_number", Verdict::Block)),
        outbound(rule("clean", "true", Verdict::Allow)),
    ]);
    let links = LinkPolicy::default();
    assert_eq!(pack.scan_outgoing("手机:138****8000", &links, NOW).verdict, Verdict::Allow);
    assert_eq!(pack.scan_outgoing("手机:13800138000", &links, NOW).main_code(), "phone");
}

#[test]
fn kinds_and_priority_say_which_rules_are_asked_and_when() {
    let follow = RuleSource { kinds: vec![EventKind::Follow], ..rule("follow", "true", Verdict::Block) };
    let first = RuleSource { priority: 5, ..rule("first", "true", Verdict::Review) };
    let pack = pack(vec![rule("second", "true", Verdict::Review), first, follow]);
    let observed = pack.observe(&facts(&[], &LinkPolicy::default(), None));
    assert_eq!(pack.decide(&observed).main_code(), "first");
    let outcomes: Vec<Outcome> = pack.path(&observed).into_iter().map(|step| step.outcome).collect();
    assert_eq!(outcomes, [Outcome::Holds, Outcome::Holds, Outcome::NotAsked]);
}

/// What `compile` or `check` says of a pack.
fn complaints(source: PackSource) -> Vec<String> {
    let errors = compile(source).map_or_else(|errors| errors, |pack| pack.check());
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn a_pack_with_a_mistake_is_refused() {
    let good = || source(vec![rule("a", "true", Verdict::Allow)]);
    let one = |change: &dyn Fn(&mut RuleSource)| {
        let mut source = good();
        change(&mut source.rules[0]);
        source
    };
    let when = |condition: &str| one(&|rule| rule.when = condition.to_owned());
    let default = |then| good().default.map(|default| DefaultSource { then, ..default });
    let both = |a: &str, b: &str| source(vec![rule("a", a, Verdict::Block), rule("b", b, Verdict::Allow)]);
    for (source, says) in [
        (PackSource { version: " ".into(), ..good() }, "no version"),
        (PackSource { mode: None, ..good() }, "no mode"),
        (PackSource { default: None, ..good() }, "no default"),
        (source(vec![]), "no rules"),
        (PackSource { default: default(Verdict::AllowMasked), ..good() }, "default: the default allows"),
        (PackSource { rules: [good().rules, good().rules].concat(), ..good() }, "given twice"),
        (PackSource { mode: Some(Mode::FirstMatch), ..good() }, "no priority"),
        (one(&|rule| rule.id = id("default")), "belongs to"),
        (one(&|rule| rule.title.clear()), "no title"),
        (one(&|rule| rule.code = "Not Good".into()), "code must be"),
        (one(&|rule| rule.basis.clear()), "cites no document"),
        (one(&|rule| rule.basis[0].article.clear()), "without an article"),
        (one(&|rule| rule.stages.clear()), "no stages"),
        (one(&|rule| rule.kinds = vec![EventKind::Authorize]), "never decided on"),
        (
            one(&|rule| rule.exceptions = vec![exception("e", "nothing", Verdict::Review)]),
            "exception `e` of rule `a`",
        ),
        (when(" "), "empty"),
        (when(&"true or ".repeat(200)), "at most 1000"),
        (when(&format!("{}true{}", "(".repeat(17), ")".repeat(17))), "more than 16 deep"),
        (when("'a' * 100000000 == event.kind"), "may not use `*`"),
        (when("event.kind ~ 'a' == 'b'"), "may not use `~`"),
        (when("event.kind | upper"), "may not use `|`"),
        (when("text.absolute_word > -1"), "may not use `-`"),
        (when("event.kind == 'a\\u0041'"), "may not use `\\`"),
        (when("event.kind = 'follow'"), "does not parse"),
        (when("(event.kind"), "does not parse"),
        (when("event.knid == 'follow'"), "`event.knid`, which does not exist; there are event.kind"),
        (when("evnt.kind == 'follow'"), "names begin with one of any, censor, consent"),
        (when("event"), "write `event.` and a name"),
        (
            when("text.absolut_word"),
            "the categories phone_number, id_number, wechat_id, qq_number, url, absolute_word, absolute_exemption, foreign_link",
        ),
        (when("range(10)"), "`range`, which does not exist"),
        (when("event.kind == 'folow'"), "never holds"),
        (when("consent.purpose == 'a' and consent.purpose == 'b'"), "never holds"),
        (when("text.absolute_word > high"), "never holds"),
        (when("event.outgoing or not event.outgoing"), "always holds"),
        (when("event.kind in text.absolute_word"), "always fails (invalid operation)"),
        (when("event.kind is follow"), "always fails"),
        (both("text.absolute_word", "text.absolute_word == high"), "rule `b`: never decides: rule `a`"),
    ] {
        let said = complaints(source).join("\n");
        assert!(said.contains(says), "`{says}` expected, got: {said}");
    }
    assert_eq!(complaints(good()), Vec::<String>::new());
}

#[test]
fn a_packs_own_tests_must_come_out() {
    let case = |expect| Case {
        text: Some("最佳".into()),
        expect,
        ..serde_json::from_str(r#"{"kind":"comment"}"#).unwrap()
    };
    let expected = |verdict, code: &str, rule| Some(Expectation { verdict, code: code.into(), rule });
    let with =
        |tests| PackSource { tests, ..source(vec![rule("word", "text.absolute_word", Verdict::Review)]) };
    let good = case(expected(Verdict::Review, "word", Some(id("word"))));
    assert_eq!(complaints(with(vec![good.clone()])), Vec::<String>::new());
    for (bad, says) in [
        (
            case(expected(Verdict::Block, "word", None)),
            "expected block `word`, got review `word` by rule `word`",
        ),
        (case(expected(Verdict::Review, "other", None)), "expected review `other`"),
        (case(expected(Verdict::Review, "word", Some(id("default")))), "by rule `default`"),
        (case(None), "expects nothing"),
        (Case { kind: None, ..good.clone() }, "neither `kind`"),
        (Case { at: Some("yesterday".into()), ..good.clone() }, "`at` must be"),
        (Case { message: Some("x".into()), ..good.clone() }, "of texts that leave"),
        (Case { channel: Some("fax".into()), ..good.clone() }, "`channel` must be one of"),
    ] {
        let said = complaints(with(vec![good.clone(), bad])).join("\n");
        assert!(said.starts_with("test 2") && said.contains(says), "`{says}` expected, got: {said}");
    }
    assert!(compile(with(vec![good])).unwrap().untested().is_empty());
    assert_eq!(compile(with(vec![])).unwrap().untested(), [&id("word")]);
}

#[test]
fn a_layer_changes_disables_and_adds_and_gives_reasons() {
    let below = || source(vec![rule("a", "true", Verdict::Block), rule("b", "true", Verdict::Review)]);
    let change: OverrideSource =
        serde_json::from_str(r#"{"id":"b","reason":"因为","then":"allow","title":"新"}"#).unwrap();
    let off = DisableSource { id: id("a"), reason: "不适用".into() };
    let upper = PackSource {
        id: RulePackId::new("upper").unwrap(),
        mode: None,
        default: None,
        overrides: vec![change.clone()],
        disable: vec![off.clone()],
        ..source(vec![rule("c", "event.outgoing", Verdict::Block)])
    };
    let whole = layer(vec![below()], upper.clone()).unwrap();
    let changed =
        RuleSource { then: Verdict::Allow, title: "新".into(), ..rule("b", "true", Verdict::Review) };
    assert_eq!(whole.rules, [changed, rule("c", "event.outgoing", Verdict::Block)]);
    let second = compile(whole).unwrap();
    assert_eq!((second.mode(), second.default_verdict()), (Mode::StrictestWins, Verdict::Block));
    insta::assert_json_snapshot!(diff(&compile(below()).unwrap(), &second));

    let bad = PackSource {
        overrides: vec![
            OverrideSource { id: id("gone"), ..change.clone() },
            OverrideSource { reason: " ".into(), ..change },
        ],
        disable: vec![DisableSource { id: id("z"), ..off }],
        ..upper
    };
    let errors = layer(vec![below()], bad).unwrap_err();
    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "override of `gone`: no pack below has this rule; there: a, b",
            "override of `b`: no reason; write `reason:`, it is what an auditor will ask for",
            "disabling of `z`: no pack below has this rule; there: a, b",
        ]
    );
}

#[test]
fn a_pack_reads_as_it_is_written_and_refuses_unknown_fields() {
    let rule = RuleSource {
        exceptions: vec![exception("e", "false", Verdict::Review)],
        ..rule("a", "true", Verdict::Allow)
    };
    let source = PackSource { extends: vec!["b.yaml".into()], ..source(vec![rule]) };
    let json = serde_json::to_string(&source).unwrap();
    assert_eq!(serde_json::from_str::<PackSource>(&json).unwrap(), source);
    let with_typo = json.replacen("\"title\":", "\"titel\":\"x\",\"title\":", 1);
    assert!(serde_json::from_str::<PackSource>(&with_typo).is_err());
    assert!(serde_json::from_str::<Case>(r#"{"knid":"follow"}"#).is_err());
}

#[test]
fn an_explanation_names_rules_articles_and_offsets_and_no_personal_value() {
    let decision = decide(
        vec![
            rule("granted", "consent.standing == 'granted'", Verdict::AllowMasked),
            rule("phone", "text.phone_number", Verdict::Review),
        ],
        &[("text", "我的号码 13800138000")],
    );
    insta::assert_json_snapshot!(decision);
}

#[test]
fn a_candidate_is_noted_only_when_it_decides_otherwise() {
    let links = LinkPolicy::default();
    let texts = [("text", "最佳 https://evil.cn")];
    let facts = facts(&texts, &links, None);
    let now = pack(vec![rule("word", "text.absolute_word", Verdict::Review)]);
    let decided = now.evaluate(&facts);
    assert_eq!(now.shadow_of(&decided, &facts), None);
    let stricter = pack(vec![rule("link", "text.foreign_link", Verdict::Block)]);
    let shadow = stricter.shadow_of(&decided, &facts).unwrap();
    assert_eq!((shadow.verdict, shadow.code.as_str(), shadow.rule), (Verdict::Block, "link", id("link")));
    let other_words = Fingerprint { words: "00".repeat(8), ..fingerprint() };
    let rescanning = RulePack::compile(
        source(vec![rule("word", "text.absolute_word", Verdict::Block)]),
        lexicon(),
        other_words,
    )
    .unwrap();
    assert_eq!(rescanning.shadow_of(&decided, &facts).unwrap().verdict, Verdict::Block);
}

#[test]
fn a_text_full_of_hits_keeps_its_record_small() {
    let text = "最佳,".repeat(50_000);
    let label = format!("form.{}", "长".repeat(10_000));
    let texts = [("text", text.as_str()), (label.as_str(), text.as_str())];
    let decision = decide(vec![rule("word", "any.absolute_word", Verdict::Block)], &texts);
    assert_eq!(decision.inputs.as_ref().unwrap().found.len(), 32);
    assert!(serde_json::to_string(&decision).unwrap().len() < 20_000);
}

proptest! {
    #[test]
    fn deciding_again_from_the_inputs_gives_the_same_and_never_panics(words in "(最佳|经营理念|13800138000|微信 ab12345|http://a.cn |.){0,20}") {
        let rules = || vec![
            RuleSource {
                exceptions: vec![exception("exempt", "text.absolute_exemption", Verdict::Review)],
                ..rule("word", "text.absolute_word >= medium", Verdict::Block)
            },
            rule("link", "text.foreign_link", Verdict::Review),
            rule("phone", "any.phone_number", Verdict::Review),
        ];
        let once = decide(rules(), &[("text", &words)]);
        prop_assert!(!once.reasons.is_empty());
        prop_assert!(!once.verdict.allows());
        let stored: Inputs = serde_json::from_str(&serde_json::to_string(&once.inputs).unwrap()).unwrap();
        let pack = pack(rules());
        let links = LinkPolicy::default();
        let granted = check(Standing::Granted);
        let observed = Observed { inputs: stored, ..pack.observe(&facts(&[], &links, Some(&granted))) };
        prop_assert_eq!(Decision { inputs: once.inputs.clone(), ..pack.decide(&observed) }, once);
    }

    #[test]
    fn no_text_panics_as_a_condition(text in "([a-z.()\\[\\]'\"=<>!, 0-9]|and |or |not |in |event.kind|text.absolute_word|.){0,40}") {
        if let Ok(pack) = compile(source(vec![rule("it", &text, Verdict::Block)])) {
            let _ = pack.check();
        }
    }
}

#[test]
fn a_remote_check_is_of_what_waits() {
    let asking = |then, stages: &[Stage]| {
        let rule = RuleSource { remote_check: true, stages: stages.to_vec(), ..rule("it", "true", then) };
        compile(source(vec![rule]))
            .map(drop)
            .map_err(|errors| errors.into_iter().map(|error| (error.place, error.fault)).collect::<Vec<_>>())
    };
    let refused = |fault| Err(vec![(Place::Rule(id("it")), fault)]);
    assert_eq!(asking(Verdict::Review, &[Stage::Inbound]), Ok(()));
    assert_eq!(asking(Verdict::Block, &[Stage::Inbound]), refused(Fault::CheckWithoutReview));
    assert_eq!(asking(Verdict::Review, &[Stage::Inbound, Stage::Outbound]), Ok(()));
    assert_eq!(asking(Verdict::AllowMasked, &[Stage::Outbound]), refused(Fault::CheckWithoutReview));
}
