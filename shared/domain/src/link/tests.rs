use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::id::{DestinationId, PersonId, TenantId, TraceId};
use crate::tenant::TenantKeys;
use crate::time::UnixMillis;

fn policy() -> LinkPolicy {
    LinkPolicy {
        allowed_domains: vec!["example.com".into(), "work.weixin.qq.com".into()],
        ..LinkPolicy::default()
    }
}

#[test]
fn domains_match_on_dots_and_tricks_are_refused() {
    for good in [
        "https://example.com",
        "https://a.example.com/x?y=1#z",
        "HTTPS://Example.COM/",
        "example.com/path",
        "https://work.weixin.qq.com/ca/abc?customer_channel=s1.x",
        "https://example.com/?to=http://other.example",
    ] {
        assert_eq!(policy().check(good), Ok(()), "{good}");
    }
    for (bad, why) in [
        ("https://badexample.com/", LinkRefusal::NotAllowed),
        ("https://example.com.evil.cn/", LinkRefusal::NotAllowed),
        ("https://weixin.qq.com/", LinkRefusal::NotAllowed),
        ("http://example.com/", LinkRefusal::NotHttps),
        ("weixin://dl/business", LinkRefusal::NotHttps),
        ("https://example.com@evil.cn/", LinkRefusal::UserInfo),
        ("https://example.com:8443/", LinkRefusal::Port),
        ("https://10.0.0.1/", LinkRefusal::IpHost),
        ("https://[::1]/", LinkRefusal::IpHost),
        ("https://0x7f000001/", LinkRefusal::IpHost),
        ("https://2130706433/", LinkRefusal::IpHost),
        ("https://xn--80ak6aa92e.com/", LinkRefusal::Punycode),
        ("https://еxample.com/", LinkRefusal::MixedScript),
        ("https://example.com。evil.cn/", LinkRefusal::MixedScript),
        ("https://example.com\\.evil.cn/", LinkRefusal::Malformed),
        ("https://evil.cn\\@example.com/", LinkRefusal::Malformed),
        ("https://localhost/", LinkRefusal::Malformed),
        ("https:///x", LinkRefusal::Malformed),
        ("https://example.com./", LinkRefusal::Malformed),
        ("", LinkRefusal::Malformed),
    ] {
        assert_eq!(policy().check(bad), Err(why), "{bad}");
    }
    assert_eq!(LinkPolicy::default().check("https://example.com"), Err(LinkRefusal::NotAllowed));
}

#[test]
fn links_are_found_with_and_without_scheme() {
    let texts = |text: &'static str| find_links(text).into_iter().map(|link| link.text).collect::<Vec<_>>();
    assert_eq!(texts("看 https://a.example.com/x?y=1。谢谢"), ["https://a.example.com/x?y=1"]);
    assert_eq!(texts("看 https://a.example.com/x?y=1 谢谢"), ["https://a.example.com/x?y=1"]);
    assert_eq!(texts("加t.me/abc看"), ["t.me/abc"]);
    assert_eq!(texts("https://a.cn/。https://b.cn看"), ["https://a.cn/", "https://b.cn看"]);
    assert_eq!(texts("https://a.cn/?to=https://b.cn"), ["https://a.cn/?to=", "https://b.cn"]);
    assert_eq!(texts("a.cn/https://b.cn"), ["a.cn/", "https://b.cn"]);
    assert_eq!(texts("官网www.example.cn,欢迎"), ["www.example.cn"]);
    assert_eq!(texts("写到 me@example.com 吧"), ["me@example.com"]);
    assert_eq!(texts("主机 10.0.0.1:80"), ["10.0.0.1:80"]);
    assert!(texts("node.js 3.5 版本,价格 12.50 元。完").is_empty());
    let text = "官网 https://a.cn/";
    let link = find_links(text)[0];
    assert_eq!((link.start, link.end), (3, text.chars().count()));
}

fn keys(index: u8) -> TenantKeys {
    TenantKeys::new(TenantId::new("brand").unwrap(), Zeroizing::new([index; 32]), vec![])
}

fn signed(expires_at: i64) -> String {
    let trace = TraceId::from_parts(UnixMillis(1), [7; 10]);
    let destination = DestinationId::new("wecom/sales+east").unwrap();
    sign_link(&keys(1), "https://crm.example.com/leads", trace, &destination, UnixMillis(expires_at))
}

#[test]
fn a_signed_link_holds_until_its_end_and_for_its_tenant() {
    let link = signed(10_000);
    let held = verify_link(&keys(1), &link, UnixMillis(9_999)).unwrap();
    assert_eq!(held.destination.as_str(), "wecom/sales+east");
    assert_eq!(held.expires_at, UnixMillis(10_000));
    assert_eq!(
        verify_link(&keys(1), &link, UnixMillis(10_000)),
        Err(SignedLinkError::Expired(UnixMillis(10_000)))
    );
    assert_eq!(verify_link(&keys(2), &link, UnixMillis(1)), Err(SignedLinkError::Forged));
    assert_eq!(policy().check(&link), Ok(()));
}

#[test]
fn an_altered_link_does_not_hold() {
    let link = signed(10_000);
    for (from, to) in
        [("leads", "Leads"), ("e=10", "e=99"), ("east", "west"), ("t=0", "t=1"), ("crm.", "crn.")]
    {
        let altered = link.replacen(from, to, 1);
        assert_ne!(altered, link, "{from}");
        assert_eq!(verify_link(&keys(1), &altered, UnixMillis(1)), Err(SignedLinkError::Forged), "{from}");
    }
    for broken in [link.replace("&s=", "&x="), format!("{link}&e=99"), "https://crm.example.com/leads".into()]
    {
        assert!(matches!(verify_link(&keys(1), &broken, UnixMillis(1)), Err(SignedLinkError::Malformed(_))));
    }
}

#[test]
fn a_customer_channel_is_short_opaque_and_stable() {
    let destination = DestinationId::new("wecom-sales").unwrap();
    let person = PersonId::new("p-0011").unwrap();
    let value = customer_channel(&keys(1), &destination, Some(42), &person);
    assert_eq!(value.len(), 25);
    assert_eq!(value, customer_channel(&keys(1), &destination, Some(42), &person));
    assert_ne!(value, customer_channel(&keys(1), &destination, None, &person));
    assert_ne!(value, customer_channel(&keys(2), &destination, Some(42), &person));
    for (link, whole) in [
        ("https://a.cn/ca/x", "https://a.cn/ca/x?customer_channel=s1.y"),
        ("https://a.cn/ca/x?k=v", "https://a.cn/ca/x?k=v&customer_channel=s1.y"),
        ("https://a.cn/ca/x?#f", "https://a.cn/ca/x?customer_channel=s1.y#f"),
    ] {
        assert_eq!(append_customer_channel(link, "s1.y"), whole);
    }
}

proptest! {
    #[test]
    fn links_found_are_where_they_are_said_to_be(text in ".{0,80}|[a-z.:/@。看 ]{0,60}") {
        let chars: Vec<char> = text.chars().collect();
        for link in find_links(&text) {
            prop_assert_eq!(link.text, chars[link.start..link.end].iter().collect::<String>());
            let _ = policy().check(link.text);
        }
        let _ = verify_link(&keys(1), &text, UnixMillis(0));
    }
}
