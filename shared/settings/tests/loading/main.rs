//! What loads, what does not, and what is said about it.

#![expect(clippy::unwrap_used, reason = "a test that can not go on has failed")]

mod compiled;
mod images;
mod leaving;

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use sluice_domain::event::EventKind;
use sluice_domain::id::TenantId;
use sluice_domain::script::Variables;
use sluice_domain::source::SchemeName;
use sluice_domain::time::UnixMillis;
use sluice_settings::{Bundle, LastGood, check_bundle, load, load_bundle};

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

/// The shipped configuration in a directory of its own.
fn written() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &shipped_files());
    write(dir.path(), &[("sluice.yaml".to_owned(), shipped().into_bytes())]);
    dir
}

fn write(directory: &Path, files: &[(String, Vec<u8>)]) {
    for (name, bytes) in files {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
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
    let dir = written();
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
