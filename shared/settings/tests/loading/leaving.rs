//! What may leave: channels are held to their platforms' rules, scripts to the tenant's.

use sluice_settings::check_bundle;

use crate::{codes, shipped, with_main};

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
