//! What loads, what does not, and what is said about it.

#![expect(clippy::unwrap_used, reason = "a test that can not go on has failed")]

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use sluice_domain::event::EventKind;
use sluice_domain::id::TenantId;
use sluice_domain::script::Variables;
use sluice_domain::source::SchemeName;
use sluice_domain::time::UnixMillis;
use sluice_settings::{Bundle, LastGood, check_bundle, compile, load, load_bundle, load_compiled};

fn shipped_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config")
}

fn shipped() -> String {
    std::fs::read_to_string(shipped_dir().join("sluice.yaml")).unwrap()
}

/// The shipped configuration with another `sluice.yaml`.
fn with_main(main: &str) -> Bundle {
    shipped_files().into_iter().chain([("sluice.yaml".to_owned(), main.as_bytes().to_vec())]).collect()
}

fn shipped_files() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in ["rules", "lexicons"] {
        let Ok(entries) = std::fs::read_dir(shipped_dir().join(folder)) else { continue };
        for entry in entries {
            let entry = entry.unwrap();
            let name = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            files.push((name, std::fs::read(entry.path()).unwrap()));
        }
    }
    files
}

fn codes(bundle: &Bundle) -> Vec<&'static str> {
    check_bundle(bundle).problems.iter().map(|problem| problem.code).collect()
}

#[test]
fn the_shipped_configuration_loads_and_shows_every_scheme_and_channel() {
    let settings = load(&shipped_dir()).unwrap();
    let tenants: Vec<&str> = settings.tenants.keys().map(TenantId::as_str).collect();
    assert_eq!(tenants, ["demo-brand", "demo-mcn"]);
    for scheme in SchemeName::ALL {
        let used = settings.tenants.values().flat_map(|tenant| tenant.sources.values());
        assert!(used.into_iter().any(|source| source.scheme == scheme), "{scheme}");
    }
    for channel in ["feishu_bot", "feishu_app", "wecom_bot", "wecom_app", "wechat_custom"] {
        let used = settings.tenants.values().flat_map(|tenant| tenant.destinations.values());
        assert!(used.into_iter().any(|destination| destination.channel.as_str() == channel), "{channel}");
    }
    let (tenant, source) = settings.source("life-webhook").unwrap();
    assert_eq!((tenant.name.as_str(), source.scheme), ("示例品牌", SchemeName::OpenPlatform));
    assert_eq!(tenant.route(EventKind::FormSubmit).unwrap().recipient.as_str(), "wecom_sales");
}

#[test]
fn the_shipped_scripts_pass_the_last_scan_of_the_shipped_pack() {
    let settings = load(&shipped_dir()).unwrap();
    for tenant in settings.tenants.values() {
        for script in tenant.scripts.values() {
            let rendered = script.render(&Variables::example()).unwrap();
            for text in [rendered.title.as_deref().unwrap_or_default(), &rendered.text] {
                let decision = tenant.rules.scan_outgoing(text, &tenant.links, UnixMillis(0));
                let waits = script.waits && decision.verdict == sluice_domain::decision::Verdict::Review;
                assert!(decision.verdict.allows() || waits, "{}: {:?}", script.id, decision.reasons);
            }
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of mistakes")]
fn each_mistake_is_told_with_its_code_and_place() {
    // what is written, what stands there instead, the code, a word of the message
    let table = [
        ("id: demo-mcn\n", "id: demo-brand\n", "duplicate_tenant", "demo-brand"),
        ("id: live\n", "id: open-platform\n", "duplicate_source", "open-platform"),
        ("id: live\n", "id: a/b\n", "source_path", "a/b"),
        ("app_id: \"7000000000000000001\"", "app_id: \"\"", "app_id_missing", "doudian"),
        ("freshness_seconds: 300", "freshness_seconds: 0", "freshness_zero", "trade"),
        ("freshness_seconds: 300", "digest: sha256", "digest_without_use", "open-platform"),
        ("id: life_member", "id: \"@72Mq-demo-card\"", "duplicate_id", "@72Mq-demo-card"),
        ("valid_days: 90", "valid_days: 0", "consent_without_duration", "ocean-lead-form"),
        ("version: \"2026-10\"", "version: \"\"", "consent_text_missing", "ocean-lead-form"),
        (
            "recipient: mcn_service\n        version",
            "recipient: nobody\n        version",
            "form_without_route",
            "nobody",
        ),
        ("rules: baseline.yaml", "rules: ../baseline.yaml", "unknown_rule_pack", "baseline.yaml"),
        (
            "wecom_member: [{most: 20, seconds: 60}",
            "wecom_member: [{most: 31, seconds: 60}",
            "limit",
            "stricter",
        ),
        ("kinds: [order_paid]", "kinds: []", "route_without_kind", "at least one"),
        ("kinds: [order_paid]", "kinds: [order_changed]", "kind_not_sent", "order_changed"),
        ("kinds: [order_paid]", "kinds: [follow]", "kind_routed_twice", "follow"),
        ("[wecom-sales-east, wecom-sales-group]", "[]", "route_without_destination", "at least one"),
        ("[wecom-sales-east, wecom-sales-group]", "[elsewhere]", "unknown_destination", "elsewhere"),
        (
            "[wecom-sales-east, wecom-sales-group]",
            "[feishu-leads-group]",
            "recipient_mismatch",
            "feishu_leads",
        ),
        (
            "channel: feishu_bot\n",
            "channel: feishu_bot\n        weight: 0\n",
            "no_destination_in_rotation",
            "weight 0",
        ),
        ("fallback: wecom-sales-east", "fallback: gone", "unknown_destination", "gone"),
        ("fallback: wecom-sales-east", "fallback: wecom-sales-group", "fallback_is_destination", "another"),
        ("fallback: wecom-sales-east", "fallback: feishu-leads-group", "recipient_mismatch", "feishu_leads"),
        (
            "destinations: [wechat-service]\n",
            "destinations: [wechat-service]\n        fallback: feishu-mcn-chat\n",
            "fallback_other_kind",
            "to the person",
        ),
        ("          script: welcome\n", "          script: gone\n", "unknown_script", "gone"),
        ("          script: welcome\n", "          script: order-note\n", "welcome_script", "nothing else"),
        (
            "【{{ tenant }}】您好，感谢添加",
            "【{{ tenant }}】{{ name }}您好，感谢添加",
            "welcome_script",
            "`name`",
        ),
        ("【{{ tenant }}】您好，感谢添加", "您好，感谢添加", "script_not_allowed", "wecom_welcome"),
        ("如不想再收到消息，回复“退订”即可停止。", "请放心。", "script_not_allowed", "opt_out"),
        ("scheme: wecom-callback", "scheme: wechat-push", "welcome_without_use", "wecom-callback"),
        (
            "caps: [{ most: 3, channel: wechat_custom }]",
            "caps: [{ most: 3, channel: wecom_welcome }]",
            "unknown_channel",
            "at once",
        ),
        ("script: behaviour-note", "script: gone", "unknown_script", "gone"),
        ("experiment: lead-card-2026q4", "experiment: gone", "unknown_experiment", "gone"),
        ("{ id: plain, weight: 5000", "{ id: plain, weight: 4999", "weights_sum", "9999"),
        ("{ id: plain,", "{ id: guided,", "duplicate_variant", "guided"),
        ("script: lead-card-guided", "script: gone", "unknown_script", "gone"),
        ("salt: lead-card-2026q4", "salt: \"\"", "salt_missing", "lead-card-2026q4"),
        ("name: 示例机构", "name: \" \"", "no_name", "demo-mcn"),
        ("members: [sales.wang, sales.li]", "members: []", "no_member", "wecom-sales-east"),
        ("receive_id_type: chat_id", "receive_id_type: chat", "receive_id_type", "open_id"),
        ("https://work.weixin.qq.com/ca/", "http://work.weixin.qq.com/ca/", "acquisition_link", "https"),
        ("/ca/cawcdeDEMO0001", "/ca/x?customer_channel=1", "acquisition_link", "query"),
        (
            "{domain: work.weixin.qq.com, rule: exact, platform: true}",
            "weixin.example.com",
            "acquisition_link_not_allowed",
            "work.weixin",
        ),
        ("- example.com", "- example.org", "lead_base_not_allowed", "crm.example.com"),
        (
            "door: https://go.example.com",
            "door: https://go.example.org",
            "door_not_allowed",
            "go.example.org",
        ),
        ("door: https://go.example.com", "door: https://go.example.com/?a", "door", "query"),
        ("- example.com", "- \"*.example.com\"", "bad_domain", "*.example.com"),
        ("- example.com", "- com.cn", "public_suffix", "com.cn"),
        ("- example.com", "- {domain: github.io, rule: registrable}", "public_suffix", "github.io"),
        ("- example.com", "- t.cn", "short_link_domain", "t.cn"),
        ("rule: exact, platform", "rule: exactly, platform", "syntax", "exactly"),
        ("rule: exact, platform", "rule: exact, platforms", "syntax", "platforms"),
        ("rule: exact, platform: true", "rule: exact", "domain_without_filing", "filing_unknown"),
        (
            "{domain: example.com, number",
            "{domain: www.example.com, number",
            "filing_domain",
            "registered domain",
        ),
        ("沪ICP备12345678号-1", "沪ICP证12345678号-1", "syntax", "ICP备"),
        (
            "- {domain: example.com, number: 沪",
            "- {domain: example.org, number: 沪",
            "domain_without_filing",
            "filing_unknown",
        ),
        (
            "subject: 示例品牌（上海）有限公司\n        filings",
            "subject: 示例\n        filings",
            "domain_without_filing",
            "filing_of_other",
        ),
        (
            "subject: 示例品牌（上海）有限公司\n        filings",
            "subject: \" \"\n        filings",
            "icp_subject",
            "icp.subject",
        ),
        ("https://crm.example.com/leads", "http://crm.example.com/leads", "lead_base", "https"),
        ("lead_hours: 72", "lead_hours: 0", "lead_hours", "at least 1"),
        (
            "key: demo-brand/wecom-bot",
            "key: 693a91f6-7bcd-4bc4-97a0-0ec2aaaa5aaa",
            "secret_not_a_name",
            "credential",
        ),
        ("longer_than: 200", "longer_than: 0", "safety_longer_than", "1 to"),
        ("per_day: 10000", "per_day: 0", "safety_per_day", "1 to"),
        ("minutes: 60  ", "minutes: 9000  ", "safety_minutes", "1 to 1440"),
        ("remember_hours: 24", "remember_hours: 200", "safety_remember_hours", "0 to 168"),
        ("api: open_platform ", "api: open ", "syntax", "open"),
        (
            "secret: demo-brand/mini-app ",
            "secret: 0123456789abcdef0123456789abcdef ",
            "secret_not_a_name",
            "credential",
        ),
        ("{{ phone }}", "{{ mobile }}", "script_invalid", "lead-card-plain"),
        ("{{ phone }}", "{{ phone", "script_invalid", "syntax error"),
        ("scheme: doudian", "scheme: dou-dian", "syntax", "dou-dian"),
        ("valid_days: 180", "valid_day: 180", "syntax", "valid_day"),
        ("\n        agent_id: 1000002", "\n        agent_id: many", "syntax", "expected i64"),
        ("\n        agent_id: 1000002", "\n        agent: 1000002", "syntax", "agent"),
    ];
    let shipped = shipped();
    for (good, bad, code, word) in table {
        assert!(shipped.contains(good), "{good}");
        let report = check_bundle(&with_main(&shipped.replacen(good, bad, 1)));
        let found = report.problems.iter().find(|problem| problem.code == code);
        let found = found.unwrap_or_else(|| panic!("{bad}: {code} expected, got {:?}", report.problems));
        assert!(found.message.contains(word), "{found}");
        assert!(found.line.is_some() && found.column.is_some(), "{found}");
        assert!(!found.message.contains("693a91f6"), "{found}");
    }
}

#[test]
fn every_problem_is_told_at_once_in_the_order_of_the_file() {
    let main = shipped()
        .replacen("weight: 5000", "weight: 1", 1)
        .replacen("script: behaviour-note", "script: gone", 1)
        .replacen("members: [sales.wang, sales.li]", "members: []", 1);
    assert_eq!(codes(&with_main(&main)), ["unknown_script", "no_member", "weights_sum"]);
    let error = load_bundle(&with_main(&main)).unwrap_err();
    assert!(error.to_string().starts_with("sluice.yaml:"), "{error}");
    assert!(error.to_string().ends_with("(and 2 more)"), "{error}");
}

#[test]
fn a_problem_points_at_its_entry() {
    let shipped = shipped();
    let line = shipped.lines().position(|line| line.contains("- id: lead-card-2026q4")).unwrap() + 1;
    let report = check_bundle(&with_main(&shipped.replacen("weight: 5000", "weight: 1", 1)));
    assert_eq!(report.problems[0].line, u64::try_from(line).ok());
    assert_eq!(report.problems[0].column, Some(9));
}

#[test]
fn a_bad_word_list_is_told_with_its_file() {
    let table = [("words: [", "syntax"), ("id: a\ncategory: c\norigin: o\nwords: [\"\"]\n", "word_list")];
    for (text, code) in table {
        let files = shipped_files().into_iter().chain([
            ("sluice.yaml".to_owned(), shipped().into_bytes()),
            ("lexicons/bad.yaml".to_owned(), text.as_bytes().to_vec()),
        ]);
        let report = check_bundle(&files.collect());
        let found = report.problems.iter().find(|problem| problem.file == "lexicons/bad.yaml");
        assert_eq!(found.map(|problem| problem.code), Some(code), "{:?}", report.problems);
    }
}

/// The shipped files, with one of them changed; `None` takes it away.
fn changed(name: &str, change: impl Fn(&str) -> Option<String>) -> Bundle {
    let files = shipped_files().into_iter().chain([("sluice.yaml".to_owned(), shipped().into_bytes())]);
    files
        .filter_map(|(file, bytes)| {
            if file != name {
                return Some((file, bytes));
            }
            let text = change(std::str::from_utf8(&bytes).unwrap())?;
            Some((file, text.into_bytes()))
        })
        .collect()
}

#[test]
fn a_bad_pack_is_an_error_and_so_is_one_that_is_missing_a_list() {
    type Change = fn(&str) -> Option<String>;
    let table: [(&str, Change, &str); 6] = [
        ("rules/baseline.yaml", |_| Some(String::new()), "syntax"),
        (
            "rules/pipl.yaml",
            |text| Some(text.split_at(text.find("rules:").unwrap()).0.to_owned()),
            "pack_incomplete",
        ),
        ("rules/pipl.yaml", |text| Some(text.replacen("then: block", "then: allow", 1)), "pack_incomplete"),
        ("rules/pipl.yaml", |text| Some(text.replacen("- id: ", "- name: ", 1)), "syntax"),
        ("lexicons/finance.yaml", |_| None, "unknown_word_list"),
        ("lexicons/finance.yaml", |_| Some("words: [".to_owned()), "bad_word_list"),
    ];
    for (file, change, code) in table {
        let bundle = changed(file, change);
        assert!(load_bundle(&bundle).is_err(), "{file} {code}");
        assert!(codes(&bundle).contains(&code), "{file}: {code} expected, got {:?}", codes(&bundle));
    }
}

#[test]
fn a_changed_word_list_gives_the_pack_another_hash() {
    let sha256 = |bundle: &Bundle| {
        let settings = load_bundle(bundle).unwrap();
        settings.tenants.values().next().unwrap().rules.stamp().sha256.clone()
    };
    let first = sha256(&changed("lexicons/finance.yaml", |text| Some(text.to_owned())));
    assert_eq!(first.len(), 64);
    assert_ne!(first, sha256(&changed("lexicons/finance.yaml", |text| Some(format!("{text}# more\n")))));
}

#[test]
fn an_empty_directory_is_an_error_and_not_an_empty_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let error = load(dir.path()).unwrap_err();
    assert_eq!(error.to_string(), "sluice.yaml: missing: no such file in the configuration");
    assert_eq!(codes(&with_main("tenants: []\n")), ["no_tenants"]);
    assert!(!codes(&with_main("")).is_empty());
}

#[test]
fn a_failed_reload_keeps_the_last_good_settings_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in
        shipped_files().into_iter().chain([("sluice.yaml".to_owned(), shipped().into_bytes())])
    {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let settings = LastGood::open(dir.path()).unwrap();
    let first = settings.current();
    let main = dir.path().join("sluice.yaml");
    assert_eq!(settings.reload(), Ok(false));

    std::fs::write(&main, shipped().replacen("name: 示例品牌", "name: \"\"", 1)).unwrap();
    assert!(settings.reload().is_err());
    assert_eq!(settings.reload(), Ok(false), "a bad change is told once");
    assert!(std::sync::Arc::ptr_eq(&first, &settings.current()));
    assert_eq!(settings.failure().unwrap().problems[0].code, "no_name");

    std::fs::write(&main, shipped().replace("示例机构", "另一机构")).unwrap();
    assert_eq!(settings.reload(), Ok(true));
    let mcn = TenantId::new("demo-mcn").unwrap();
    assert_eq!(settings.current().tenants[&mcn].name, "另一机构");
    assert_eq!(settings.failure(), None);
}

#[test]
fn with_no_good_configuration_nothing_opens() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("sluice.yaml"), "tenants: [").unwrap();
    assert!(LastGood::open(dir.path()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_truncated_or_garbled_file_never_panics(cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte: u8) {
        let shipped = shipped().into_bytes();
        let truncated = shipped[..cut.index(shipped.len())].to_vec();
        let mut garbled = shipped.clone();
        garbled[at.index(shipped.len())] = byte;
        for main in [truncated, garbled] {
            let bundle = shipped_files().into_iter().chain([("sluice.yaml".to_owned(), main)]).collect();
            let report = check_bundle(&bundle);
            prop_assert_eq!(load_bundle(&bundle).is_ok(), report.is_ok());
        }
    }

    #[test]
    fn arbitrary_bytes_never_load(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let bundle: Bundle = [("sluice.yaml", bytes)].into_iter().collect();
        prop_assert!(load_bundle(&bundle).is_err());
    }
}

/// A compiled lexicon beside the lists is named by a pack like one, is part of its hash, and is refused when it is damaged.
#[test]
fn a_pack_may_name_a_compiled_lexicon() {
    use sluice_domain::lexicon::{Compiler, Severity, WordList};
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in
        shipped_files().into_iter().chain([("sluice.yaml".to_owned(), shipped().into_bytes())])
    {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let compiled = |word: &str| {
        let list = WordList {
            id: "large".into(),
            category: "large".into(),
            severity: Severity::High,
            origin: "test".into(),
            words: vec![word.into()],
            cues: vec![],
            contexts: vec![],
            allow: vec![],
            forms: vec![],
        };
        let mut compiler = Compiler::new();
        compiler.add(&list).unwrap();
        let (built, description) = compiler.build().unwrap();
        built.into_bytes(description)
    };
    let file = dir.path().join("lexicons/large.slx");
    let pack = dir.path().join("rules/platform.yaml");
    let text = std::fs::read_to_string(&pack).unwrap();
    std::fs::write(&pack, text.replacen("lexicons:\n", "lexicons:\n  - large\n", 1)).unwrap();
    std::fs::write(&file, compiled("稀奇古怪")).unwrap();
    let scan = |settings: &sluice_domain::settings::Settings| {
        let rules = &settings.tenants.values().next().unwrap().rules;
        rules.lexicon().scan("稀·奇古怪").hits.iter().any(|hit| hit.category == "large")
    };
    assert!(scan(&load(dir.path()).unwrap()));
    let first = Bundle::read(dir.path());
    // Compiled, the configuration names it, and takes no other one in its place.
    let settings = compile(&first).unwrap();
    let loaded = load_compiled(&settings, dir.path()).unwrap();
    assert!(scan(&loaded));
    assert_eq!(format!("{loaded:?}"), format!("{:?}", load(dir.path()).unwrap()));
    std::fs::write(&file, compiled("别的什么")).unwrap();
    let problems = load_compiled(&settings, dir.path()).unwrap_err().problems;
    assert!(problems.iter().any(|problem| problem.message.contains("another file")), "{problems:?}");
    assert_ne!(first, Bundle::read(dir.path()));
    assert!(!scan(&load(dir.path()).unwrap()));
    let mut bytes = compiled("稀奇古怪");
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let problems = load(dir.path()).unwrap_err().problems;
    assert!(
        problems
            .iter()
            .any(|problem| problem.file == "lexicons/large.slx" && problem.message.contains("damaged"))
    );
}

#[test]
fn a_compiled_configuration_is_the_same_one() {
    let bundle = Bundle::read(&shipped_dir());
    let compiled = compile(&bundle).unwrap();
    let loaded = load_compiled(&compiled, Path::new("unused")).unwrap();
    let expected = load_bundle(&bundle).unwrap();
    // Sources, rules, automata and the hashes that decisions name.
    assert_eq!(format!("{loaded:?}"), format!("{expected:?}"));
    assert_eq!(compile(&bundle).unwrap(), compiled);
}

#[test]
fn nothing_is_compiled_that_would_not_load() {
    let error = compile(&with_main("tenants: []")).unwrap_err();
    assert_eq!(error.problems[0].code, "no_tenants");
}

#[test]
fn what_was_not_compiled_by_this_version_is_refused_without_a_word_of_it() {
    let compiled = String::from_utf8(compile(&Bundle::read(&shipped_dir())).unwrap()).unwrap();
    let with = |from: &str, to: &str| {
        assert!(compiled.contains(from), "{from}");
        load_compiled(compiled.replacen(from, to, 1).as_bytes(), Path::new("unused")).unwrap_err()
    };
    for (from, to, code) in [
        ("\"format\":1", "\"format\":2", "format"),
        ("\"format\":1", "\"format\":1,\"secret\":\"hunter2\"", "syntax"),
        ("\"rules\":\"baseline.yaml\"", "\"rules\":\"other.yaml\"", "unknown_rule_pack"),
        ("\"sources\":[", "\"sources\":[\"hunter2\",", "syntax"),
    ] {
        let error = with(from, to);
        assert_eq!(error.problems[0].code, code, "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    for cut in [0, 1, compiled.len() / 2, compiled.len() - 1] {
        assert!(load_compiled(&compiled.as_bytes()[..cut], Path::new("unused")).is_err(), "{cut}");
    }
}

/// Destinations of other channels, with a route each.
#[test]
fn channels_are_held_to_what_their_platforms_forbid() {
    let with = |destination: &str, route: &str, script: &str| {
        let main = shipped()
            .replacen(
                "    destinations:\n      # WeCom application",
                &format!("    destinations:\n{destination}      # WeCom application"),
                1,
            )
            .replacen("    routes:\n", &format!("    routes:\n{route}"), 1)
            .replacen("    scripts:\n", &format!("    scripts:\n{script}"), 1);
        codes(&with_main(&main))
    };
    let template = |purposes: &str| {
        format!(
            "      - {{ id: t, channel: wechat_template, recipient: feishu_leads, app_id: wx1, secret: demo-brand/wx, openid_field: openid, template_id: T, purposes: [{purposes}] }}\n"
        )
    };
    let route = |kinds: &str, to: &str| {
        format!(
            "      - {{ kinds: [{kinds}], purpose: after_sale, recipient: feishu_leads, destinations: [{to}], script: member-note }}\n"
        )
    };
    let fields = "      - { id: with-fields, version: 1, text: '【示例品牌】您的预约已登记;不再接收请回复“退订”', fields: { thing1: '{{ event }}' } }\n";
    let filled = "      - { kinds: [live_comment], purpose: after_sale, recipient: feishu_leads, destinations: [t], script: with-fields }\n";
    assert_eq!(with(&template("after_sale"), filled, fields), Vec::<&str>::new());
    assert_eq!(with(&template("after_sale"), &route("live_comment", "t"), ""), ["script_without_fields"]);
    assert_eq!(with(&template("appointment"), filled, fields), ["template_purpose"]);
    assert!(with(&template("autumn_promotion"), "", "").contains(&"template_marketing"));
    assert!(with(&template(""), "", "").contains(&"template_purpose"));

    let douyin = |words: &str| {
        format!(
            "      - {{ id: d, channel: douyin_message, recipient: feishu_leads, client_key: aw1, refresh_token: demo-brand/dy, acknowledge: {words} }}\n"
        )
    };
    let granted = douyin("the platform has granted this account the capability");
    assert_eq!(with(&granted, "", ""), Vec::<&str>::new());
    assert_eq!(with(&douyin("granted"), "", ""), ["douyin_not_acknowledged"]);
    let blind = shipped()
        .replacen(
            "    destinations:\n      # WeCom application",
            &format!("    destinations:\n{granted}      # WeCom application"),
            1,
        )
        .replacen("rules: baseline.yaml", "rules: pipl.yaml", 1);
    assert!(codes(&with_main(&blind)).contains(&"reply_without_words"));
    assert_eq!(with(&granted, &route("live_comment", "d"), ""), ["reply_kind"]);

    let webhook = |rest: &str| {
        format!(
            "      - {{ id: w, channel: webhook, recipient: feishu_leads, secret: demo-brand/hook, {rest} }}\n"
        )
    };
    for (rest, good) in [
        ("url: https://crm.example.com/hook", true),
        ("url: http://crm.example.com/hook", false),
        ("url: https://127.0.0.1/hook", false),
        ("url: http://127.0.0.1:8081/hook, allow_private: true", true),
        ("url: https://user@crm.example.com/", false),
        ("url: crm.example.com", false),
    ] {
        let expected: &[&str] = if good { &[] } else { &["webhook_address"] };
        assert_eq!(with(&webhook(rest), "", ""), expected, "{rest}");
    }
}

/// What the last look would withhold is told when the configuration is checked, at the script, with the rule and the words.
#[test]
fn a_script_that_may_not_leave_is_refused_before_anybody_waits_for_it() {
    for (from, to, code, told) in [
        (
            "联系时请说明来自{{ tenant }}；客户表示拒绝的，请立即停止并登记退订。\n\n      - id: lead-card-guided",
            "加我薇信 abc12345\n\n      - id: lead-card-guided",
            "script_not_allowed",
            "薇信",
        ),
        (
            "如不希望继续接收消息，请回复“退订”，我们将立即停止。",
            "谢谢。",
            "script_not_allowed",
            "opt_out_missing",
        ),
        (
            "如不希望继续接收消息，请回复“退订”，我们将立即停止。",
            "退订。{{ nickname }}",
            "script_invalid",
            "there are tenant, event",
        ),
        ("title: 订单服务", "title: 看 https://evil.example.net/x", "script_not_allowed", "foreign_link"),
    ] {
        let main = shipped().replacen(from, to, 1);
        assert_ne!(main, shipped(), "{from}");
        let report = check_bundle(&with_main(&main));
        let problems: Vec<_> =
            report.problems.iter().map(|problem| (problem.code, problem.to_string())).collect();
        assert!(
            problems.iter().any(|(found, message)| *found == code && message.contains(told)),
            "{to}: {problems:?}"
        );
    }
    let long = shipped().replacen(
        "如不希望继续接收消息，请回复“退订”，我们将立即停止。",
        &format!("请回复“退订”。{}", "长".repeat(700)),
        1,
    );
    let report = check_bundle(&with_main(&long));
    let problem = &report.problems[0];
    assert_eq!(problem.code, "script_too_long");
    assert!(
        problem
            .to_string()
            .contains("`wechat_custom` (destination `wechat-service`) takes 2048: shorten it by"),
        "{problem}"
    );
}

/// Words that an exemption may cover are a person's to judge, at every sending: only where the script says that this is meant.
#[test]
fn a_script_that_would_wait_at_every_sending_says_so() {
    let culture = shipped().replacen("请在一个工作日内联系。", "我们追求最佳服务,这是我们的经营理念。", 1);
    assert_ne!(culture, shipped());
    let report = check_bundle(&with_main(&culture));
    assert!(!report.problems.is_empty());
    for problem in &report.problems {
        let told = problem.to_string();
        assert_eq!(problem.code, "script_waits", "{told}");
        assert!(told.contains("at `最佳`") && told.contains("write `waits: true`"), "{told}");
    }
    let meant = culture.replacen("title: 新线索\n", "title: 新线索\n        waits: true\n", 1);
    let report = check_bundle(&with_main(&meant));
    assert!(report.problems.is_empty(), "{:?}", report.problems);
}
