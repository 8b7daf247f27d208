//! The shipped rule pack and word lists, on texts as people write them.

use sluice_domain::decision::Verdict;
use sluice_domain::link::LinkPolicy;
use sluice_domain::time::UnixMillis;

use crate::gate::settings;

#[test]
fn contact_diversion_is_told_from_harmless_talk() {
    let settings = settings();
    let rules = &settings.tenants.values().next().unwrap().rules;
    let diverts =
        |text: &str| rules.lexicon().scan(text).hits.iter().any(|hit| hit.category == "contact_diversion");
    for text in [
        "加卫星 abc12345",
        "＋v：abc_123",
        "v 信同号",
        "➕我 1 3 8 0 0 0 0 1 2 3 4",
        "薇❤信",
        "主页有微",
        "加我微信 vx_12345",
        "VX：①②③④⑤⑥",
        "加QQ 123456789",
        "想了解的加微 wxid_8888",
        "Ｗ Ｘ 号 abc-2025-xyz",
        "加薇❤：hello2024",
        "扫码进群领券",
        "電話 一三八零零一三八零零零",
    ] {
        assert!(diverts(text), "{text}");
    }
    for text in [
        "微信支付很方便",
        "我国发射卫星",
        "VX1 显卡",
        "威信很高",
        "请问企业微信能用吗",
        "这个视频加我一个赞",
        "你们电话客服态度很好",
        "联系我国的实际情况",
        "价格多少",
        "iphone 15 pro 有货吗",
        "想加群主好友的感觉",
        "微信读书年度报告2025",
        "请电话联系我",
    ] {
        assert!(!diverts(text), "{text}");
    }
}

#[test]
fn outgoing_texts_are_judged_by_what_is_in_them() {
    let settings = settings();
    let tenant = settings.tenants.values().next().unwrap();
    for (text, verdict, code) in [
        ("【示例品牌】有客户提交了留资表单。\n姓名:张*\n手机:138****8000", Verdict::Allow, "text_clean"),
        ("手机:13800138000", Verdict::Block, "phone_unmasked"),
        ("国家级技术", Verdict::Block, "absolute_word"),
        ("全网第一的品质", Verdict::Block, "absolute_word"),
        ("我们追求最佳服务", Verdict::Review, "absolute_word_exempt"),
        ("稳赚不赔", Verdict::Block, "guarantee"),
        ("根治脱发", Verdict::Block, "medical_claim"),
        ("内部荐股群", Verdict::Review, "finance_solicitation"),
        ("详见 http://example.com/x", Verdict::Block, "foreign_link"),
        ("详见 https://crm.example.com/leads?t=1&e=2", Verdict::Allow, "text_clean"),
        ("加微信 abc12345", Verdict::Block, "contact_diversion"),
    ] {
        let decision = tenant.rules.scan_outgoing(text, &tenant.links, UnixMillis(0));
        assert_eq!((decision.verdict, decision.main_code()), (verdict, code), "{text}");
    }
}

#[test]
fn a_card_with_both_kinds_of_links_is_clean() {
    let settings = settings();
    let tenant = settings.tenants.values().next().unwrap();
    let text = "【示例品牌】有客户提交了留资表单,手机:138****8000\n\
        https://crm.example.com/leads?t=019fd0a8-7c00-7101-8101-010101010101&d=wecom-sales-east&e=1795478400&s=VxWx12345_abcdefgHIJK0\n\
        https://work.weixin.qq.com/ca/cawcdeDEMO0001?customer_channel=s1.AbC1wx2dEfG3hIjK4lMnO5";
    assert_eq!(tenant.rules.scan_outgoing(text, &tenant.links, UnixMillis(0)).main_code(), "text_clean");
}

#[test]
fn every_shipped_script_passes_its_own_scan() {
    for tenant in settings().tenants.values() {
        for script in tenant.scripts.values() {
            let decision = tenant.rules.scan_outgoing(&script.text, &LinkPolicy::default(), UnixMillis(0));
            let waits = script.waits && decision.verdict == Verdict::Review;
            assert!(decision.verdict.allows() || waits, "{}: {}", script.id, decision.main_code());
        }
    }
}

#[test]
fn every_rule_cites_an_article_and_no_two_ids_are_alike() {
    let settings = settings();
    let rules = &settings.tenants.values().next().unwrap().rules;
    assert!(rules.rules().len() >= 15);
    for rule in rules.rules() {
        assert!(!rule.basis.is_empty() && !rule.title.is_ascii(), "{}", rule.id);
    }
}
