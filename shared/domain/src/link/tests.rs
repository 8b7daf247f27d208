use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::id::{DestinationId, MessageId, TenantId};
use crate::sealed::DataKey;
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
        "https://example.com/%E6%B4%BB%E5%8A%A8?q=%E5%8F%8C11&from=a.b",
        "https://example.com/活动",
    ] {
        assert_eq!(policy().check(good), Ok(()), "{good}");
    }
    for (bad, why) in [
        ("https://badexample.com/", LinkRefusal::NotAllowed),
        ("https://example.com.evil.cn/", LinkRefusal::NotAllowed),
        ("https://weixin.qq.com/", LinkRefusal::NotAllowed),
        ("http://example.com/", LinkRefusal::NotHttps),
        ("weixin://dl/business", LinkRefusal::NotHttps),
        ("javascript:alert(1)//example.com", LinkRefusal::NotHttps),
        ("data:text/html,example.com", LinkRefusal::NotHttps),
        ("https:example.com", LinkRefusal::Malformed),
        ("https:/example.com", LinkRefusal::Malformed),
        ("https:///example.com", LinkRefusal::Malformed),
        ("//example.com", LinkRefusal::Malformed),
        ("\\\\example.com", LinkRefusal::Backslash),
        ("https://example.com@evil.cn/", LinkRefusal::UserInfo),
        ("https://example.com:8443/", LinkRefusal::Port),
        ("example.com:8443/", LinkRefusal::Port),
        ("https://example.com:/", LinkRefusal::Port),
        ("https://10.0.0.1/", LinkRefusal::IpHost),
        ("10.0.0.1:80", LinkRefusal::Port),
        ("https://[::1]/", LinkRefusal::IpHost),
        ("https://0x7f000001/", LinkRefusal::IpHost),
        ("https://1.2.3.0x/", LinkRefusal::IpHost),
        ("https://2130706433/", LinkRefusal::IpHost),
        ("https://xn--80ak6aa92e.com/", LinkRefusal::Punycode),
        ("https://еxample.com/", LinkRefusal::MixedScript),
        ("https://example.com。evil.cn/", LinkRefusal::MixedScript),
        ("https://example.com\\.evil.cn/", LinkRefusal::Backslash),
        ("https://evil.cn\\@example.com/", LinkRefusal::Backslash),
        ("https://example.com/\\evil.cn", LinkRefusal::Backslash),
        ("https://evil%2ecn/", LinkRefusal::EncodedHost),
        ("https://example.com/a%2fb", LinkRefusal::EncodedPath),
        ("https://example.com/%2e%2e/x", LinkRefusal::EncodedPath),
        ("https://example.com/a/../x", LinkRefusal::EncodedPath),
        ("https://example.com/%0d%0aSet-Cookie:x", LinkRefusal::EncodedPath),
        ("https://example.com/%zz", LinkRefusal::Malformed),
        ("https://exam\u{200b}ple.com/", LinkRefusal::ControlCharacter),
        ("https://example.com/\tx", LinkRefusal::ControlCharacter),
        ("https://example.com/\u{202e}moc", LinkRefusal::ControlCharacter),
        (" https://example.com/", LinkRefusal::ControlCharacter),
        ("https://example.com./", LinkRefusal::TrailingDot),
        ("https://localhost/", LinkRefusal::Malformed),
        ("https:///x", LinkRefusal::Malformed),
        ("https://", LinkRefusal::Malformed),
        ("", LinkRefusal::Malformed),
        ("https://t.cn/A6x", LinkRefusal::ShortLink),
        ("https://www.bit.ly/x", LinkRefusal::ShortLink),
    ] {
        assert_eq!(policy().check(bad), Err(why), "{bad}");
    }
    assert_eq!(
        policy().check(&format!("https://example.com/{}", "x".repeat(2_048))),
        Err(LinkRefusal::TooLong)
    );
    assert_eq!(LinkPolicy::default().check("https://example.com"), Err(LinkRefusal::NotAllowed));
}

#[test]
fn what_a_link_leads_on_to_must_be_allowed_too() {
    for good in [
        "https://example.com/?url=https://a.example.com/x",
        "https://example.com/?url=https%3A%2F%2Fa.example.com%2Fx",
        "https://example.com/login?next=/orders/1",
        "https://example.com/?next=index.html&u=zhang&to=home",
        "https://example.com/?mail=me@evil.cn&host=evil.cn",
        "https://example.com/https://a.example.com/x",
        "https://example.com/#/page?redirect=a.example.com",
    ] {
        assert_eq!(policy().check(good), Ok(()), "{good}");
    }
    for (bad, why) in [
        ("https://example.com/?to=http://example.com", "not_https"),
        ("https://example.com/?x=https://evil.cn", "not_allowed"),
        ("https://example.com/?x=1;y=https://evil.cn", "not_allowed"),
        ("https://example.com/?url=evil.cn/x", "not_allowed"),
        ("https://example.com/?redirect_uri=evil.cn", "not_allowed"),
        ("https://example.com/?return-To=%65vil.cn", "not_allowed"),
        ("https://example.com/?u%72l=evil.cn", "not_allowed"),
        ("https://example.com/?url=//evil.cn", "not_allowed"),
        ("https://example.com/?url=/%5Cevil.cn", "not_allowed"),
        ("https://example.com/?url=%09//evil.cn", "not_allowed"),
        ("https://example.com/?url=https%253A%252F%252Fevil.cn", "not_allowed"),
        ("https://example.com/?url=https%25253A%25252F%25252Fevil.cn", "not_allowed"),
        ("https://example.com/?url=https%2525253A%2525252F%2525252Fevil.cn", "encoded_too_often"),
        ("https://example.com/?url=%zz", "malformed"),
        ("https://example.com/?url=javascript:alert(1)", "not_https"),
        ("https://example.com/?next=DATA:text/html;base64,PA==", "not_https"),
        ("https://example.com/?url=https:evil.cn", "malformed"),
        ("https://example.com/?url=10.0.0.1/x", "ip_host"),
        ("https://example.com/?next=.evil.cn", "not_allowed"),
        ("https://example.com/?next=@evil.cn", "not_allowed"),
        ("https://example.com/?url=t.cn/x", "short_link"),
        ("https://example.com/?x=aHR0cHM6Ly9ldmlsLmNu", "not_allowed"),
        ("https://example.com//evil.cn/x", "not_allowed"),
        ("https://example.com/jump/https://evil.cn/x", "not_allowed"),
        ("https://example.com/#url=https://evil.cn", "not_allowed"),
        ("https://example.com/#/page?redirect=evil.cn", "not_allowed"),
        ("https://example.com/?url=https://a.example.com/%3Furl%3Dhttps://evil.cn", "not_allowed"),
    ] {
        assert_eq!(policy().check(bad), Err(LinkRefusal::Redirect(why)), "{bad}");
    }
}

#[test]
fn links_in_links_are_followed_twice() {
    let mut link = "https://example.com/".to_owned();
    for expected in [Ok(()), Ok(()), Err(LinkRefusal::Redirect("nested_too_deep"))] {
        link = format!("https://example.com/?url={}", query::encode(&link));
        assert_eq!(policy().check(&link), expected, "{link}");
    }
}

#[test]
fn an_entry_allows_as_much_as_its_rule_says() {
    let entry = |domain: &str, rule| AllowedDomain { rule, ..domain.into() };
    for (domain, rule, good, bad) in [
        ("a.example.com", DomainRule::Exact, vec!["a.example.com"], vec!["b.a.example.com", "example.com"]),
        (
            "example.com",
            DomainRule::Subdomains,
            vec!["example.com", "a.b.example.com"],
            vec!["badexample.com", "com"],
        ),
        // What lies below a public suffix is not the owner's, whoever owns the name above it.
        ("amazonaws.com", DomainRule::Subdomains, vec!["www.amazonaws.com"], vec!["bucket.s3.amazonaws.com"]),
        (
            "www.example.com.cn",
            DomainRule::Registrable,
            vec!["example.com.cn", "shop.example.com.cn", "www.example.com.cn"],
            vec!["example.cn", "other.com.cn", "com.cn"],
        ),
        ("me.github.io", DomainRule::Registrable, vec!["me.github.io"], vec!["you.github.io", "github.io"]),
    ] {
        let entry = entry(domain, rule);
        for host in good {
            assert!(entry.allows(host), "{domain} {rule:?} {host}");
        }
        for host in bad {
            assert!(!entry.allows(host), "{domain} {rule:?} {host}");
        }
    }
}

#[test]
fn a_name_in_punycode_is_allowed_when_the_list_has_it_so() {
    let policy = LinkPolicy { allowed_domains: vec!["xn--fiq228c5hs.com".into()], ..LinkPolicy::default() };
    assert_eq!(policy.check("https://www.xn--fiq228c5hs.com/"), Ok(()));
    assert_eq!(policy.check("https://xn--fiq228c.com/"), Err(LinkRefusal::Punycode));
}

#[test]
fn look_alikes_of_allowed_names_are_told_as_such() {
    for link in [
        "https://еxample.com/",
        "https://www.examp1e.com/",
        "https://exarnple.com",
        "https://ехаmple。com/x",
        "https://ｅｘａｍｐｌｅ.com/",
    ] {
        assert_eq!(policy().explain(link), Err(LinkRefusal::Homograph), "{link}");
    }
    assert_eq!(policy().explain("https://example.com/"), Ok(()));
    assert_eq!(policy().explain("https://other.com/"), Err(LinkRefusal::NotAllowed));
    assert_eq!(policy().explain("https://例子.com/"), Err(LinkRefusal::MixedScript));
    assert_eq!(policy().explain("https://example.com@evil.cn/"), Err(LinkRefusal::UserInfo));
}

#[test]
fn the_landing_page_is_filed_by_the_company_unless_it_is_a_platforms() {
    let filing = |domain: &str, subject: &str| Filing {
        domain: domain.into(),
        number: FilingNumber::new("沪ICP备12345678号-1").unwrap(),
        subject: subject.into(),
    };
    let filings = Filings {
        subject: "示例科技".into(),
        required: true,
        filings: vec![filing("example.com", "示例科技"), filing("partner.cn", "别家")],
    };
    let platform = AllowedDomain { platform: true, ..AllowedDomain::from("work.weixin.qq.com") };
    let allowed_domains = vec!["example.com".into(), "partner.cn".into(), "unfiled.cn".into(), platform];
    let policy = LinkPolicy { allowed_domains, icp: Some(filings), ..LinkPolicy::default() };
    for (link, expected) in [
        ("https://www.example.com/", Ok(())),
        ("https://work.weixin.qq.com/ca/x", Ok(())),
        ("https://partner.cn/", Err(LinkRefusal::FilingOfOther)),
        ("https://unfiled.cn/", Err(LinkRefusal::FilingUnknown)),
        ("https://example.com/?to=https://partner.cn", Err(LinkRefusal::Redirect("filing_of_other"))),
    ] {
        assert_eq!(policy.check(link), expected, "{link}");
    }
}

/// The URL standard's own cases (web-platform-tests, `url/resources/urltestdata.json`, those without a base).
#[test]
fn what_is_accepted_opens_on_the_same_host_by_the_url_standard() {
    let cases: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../../../../tests/vectors/whatwg_urls.json")).unwrap();
    assert_eq!(cases.len(), 505);
    let (mut accepted, mut refused_by_both, mut of_nobody) = (0, 0, 0);
    for case in &cases {
        let failure = case.get("failure").is_some();
        // Most cases are of `http`, which reads its host as `https` does.
        let input = case["input"].as_str().unwrap().replacen("http:", "https:", 1);
        match Link::parse(&input) {
            // Without a scheme the standard has nothing to resolve it against; the law below takes those.
            Ok(_) if !input.to_lowercase().starts_with("https:") => {}
            // What only looks like punycode is nobody's name: it opens nowhere.
            Ok(link) if failure && link.host().contains("xn--") => of_nobody += 1,
            Ok(link) => {
                assert!(!failure, "{input}");
                let field = |name: &str| case[name].as_str().unwrap();
                assert_eq!(field("hostname"), link.host(), "{input}");
                assert_eq!((field("username"), field("password"), field("port")), ("", "", ""), "{input}");
                accepted += 1;
            }
            Err(_) => refused_by_both += usize::from(failure),
        }
    }
    assert_eq!((accepted, refused_by_both, of_nobody), (27, 206, 6));
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
    TenantKeys::new(
        TenantId::new("brand").unwrap(),
        Zeroizing::new([index; 32]),
        vec![DataKey::new(1, &[index; 32]), DataKey::new(2, &[index + 100; 32])],
    )
}

const CAMPAIGN: &str = "活动-双11";

fn signed(expires_at: i64, key: Option<u32>) -> String {
    let campaign = Campaign::new(CAMPAIGN).unwrap();
    let what = ToSign {
        campaign: &campaign,
        destination: "https://crm.example.com/leads",
        reference: Some(MessageId::new("019aa3f0-0000-7000-8000-000000000001").unwrap()),
        expires_at: UnixMillis(expires_at),
        nonce: [7; 12],
        key,
    };
    sign_link(&keys(1), &what).unwrap()
}

#[test]
fn a_signed_link_holds_until_its_end_and_for_its_tenant() {
    let token = signed(10_000, None);
    let held = verify_link(&keys(1), &token, 0, UnixMillis(9_999)).unwrap();
    assert_eq!((held.campaign.as_str(), held.key), (CAMPAIGN, 2));
    assert_eq!(held.destination, "https://crm.example.com/leads");
    assert_eq!(held.expires_at, UnixMillis(10_000));
    assert_eq!(
        verify_link(&keys(1), &token, 0, UnixMillis(10_000)),
        Err(SignedLinkError::Expired(UnixMillis(10_000)))
    );
    assert_eq!(verify_link(&keys(2), &token, 0, UnixMillis(1)), Err(SignedLinkError::Forged));
    assert_eq!(claimed_tenant(&token).unwrap().as_str(), "brand");
    for link in
        [link_to("https://a.example.com/x?y=1", &token), format!("https://go.example.com/links/{token}")]
    {
        assert_eq!(policy().check(&link), Ok(()));
        assert_eq!(token_of(&link), token);
    }
    assert_eq!(token_of(&token), token);
}

#[test]
fn a_key_signs_until_it_is_followed_and_holds_until_it_is_retired() {
    let older = signed(10_000, Some(1));
    assert_eq!(verify_link(&keys(1), &older, 0, UnixMillis(1)).unwrap().key, 1);
    assert_eq!(verify_link(&keys(1), &older, 2, UnixMillis(1)), Err(SignedLinkError::Key(1)));
    assert!(verify_link(&keys(1), &signed(10_000, None), 2, UnixMillis(1)).is_ok());
    let campaign = Campaign::new("c").unwrap();
    let what = ToSign {
        campaign: &campaign,
        destination: "https://a.cn/",
        reference: None,
        expires_at: UnixMillis(1),
        nonce: [0; 12],
        key: Some(9),
    };
    assert_eq!(sign_link(&keys(1), &what), Err(SignedLinkError::Key(9)));
    for destination in ["http://a.cn/", "a.cn", "https://a.cn/|x", "https://a.cn/#x", "https://u@a.cn/"] {
        let what = ToSign { destination, key: None, ..what.clone() };
        assert!(matches!(sign_link(&keys(1), &what), Err(SignedLinkError::Destination(_))), "{destination}");
    }
}

#[test]
fn an_altered_link_does_not_hold() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let token = signed(10_000, None);
    let (canonical, tag) = token.split_once('.').unwrap();
    let canonical = String::from_utf8(URL_SAFE_NO_PAD.decode(canonical).unwrap()).unwrap();
    assert_eq!(
        canonical,
        "l1|brand|2|活动-双11|https://crm.example.com/leads|019aa3f0-0000-7000-8000-000000000001|10|BwcHBwcHBwcHBwcH"
    );
    for (from, to) in [
        ("leads", "Leads"),
        ("|10|", "|99|"),
        ("双11", "双12"),
        ("019aa", "019ab"),
        ("|2|", "|1|"),
        ("Bwc", "Awc"),
    ] {
        let altered = canonical.replacen(from, to, 1);
        assert_ne!(altered, canonical, "{from}");
        let altered = format!("{}.{tag}", URL_SAFE_NO_PAD.encode(altered));
        assert_eq!(verify_link(&keys(1), &altered, 0, UnixMillis(1)), Err(SignedLinkError::Forged), "{from}");
    }
    for broken in [
        token.replace('.', "!"),
        format!("{token}A"),
        token.replacen('b', "", 1),
        "x".repeat(3_000),
        String::new(),
    ] {
        assert!(matches!(
            verify_link(&keys(1), &broken, 0, UnixMillis(1)),
            Err(SignedLinkError::Malformed(_))
        ));
    }
}

#[test]
fn a_customer_channel_is_short_opaque_and_leads_back_to_its_event() {
    let trace = crate::id::TraceId::from_parts(UnixMillis(1_795_248_000_000), [7; 10]);
    let value = customer_channel(&keys(1), trace);
    assert_eq!(value.len(), 35);
    assert_eq!(event_of_customer_channel(&keys(1), &value), Some(trace));
    assert_eq!(event_of_customer_channel(&keys(2), &value), None);
    for altered in [
        "",
        "s2.",
        "s1.AbC1wx2dEfG3hIjK4lMnO5",
        &value.replace("s2.", "s3."),
        &format!("{value}A"),
        value.get(..34).unwrap(),
    ] {
        assert_eq!(event_of_customer_channel(&keys(1), altered), None, "{altered}");
    }
    for place in 3..35 {
        let mut other = value.clone().into_bytes();
        other[place] = if other[place] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).unwrap();
        assert_eq!(event_of_customer_channel(&keys(1), &other), None, "{other}");
    }
}

#[test]
fn the_state_of_a_contact_way_is_one_of_a_bucket() {
    let destination = DestinationId::new("wecom-sales").unwrap();
    let (tenant, other) = (TenantId::new("a").unwrap(), TenantId::new("b").unwrap());
    let state = contact_state(&tenant, &destination, Some(42));
    assert_eq!(state.len(), 25);
    assert_eq!(state, contact_state(&tenant, &destination, Some(42)));
    assert_ne!(state, contact_state(&tenant, &destination, None));
    assert_ne!(state, contact_state(&other, &destination, Some(42)));
}

#[test]
fn a_customer_channel_joins_its_link() {
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
        let _ = verify_link(&keys(1), &text, 0, UnixMillis(0));
        let _ = policy().explain(&text);
    }

    #[test]
    fn whatever_is_accepted_is_the_same_to_a_browser(
        front in "(https:)?(//)?", host in "[a-zA-Z0-9.@:%\\\\-]{1,12}(example\\.com|evil\\.cn|com|。cn)", rest in "[/?#a-z.%0-9\\\\@:é]{0,12}",
    ) {
        let text = format!("{front}{host}{rest}");
        if let Ok(link) = Link::parse(&text) {
            let whole = if text.to_lowercase().starts_with("https:") { text.clone() } else { format!("https://{text}") };
            let read = url::Url::parse(&whole).unwrap();
            prop_assert_eq!(read.host_str(), Some(link.host()), "{}", &text);
            prop_assert!(read.username().is_empty() && read.password().is_none() && read.port().is_none());
        }
    }

    #[test]
    fn a_foreign_target_is_found_however_it_is_wrapped(layers in 0_usize..4, name in "[a-z]{1,8}", tail in "[a-z0-9/]{0,8}") {
        let mut value = format!("https://evil.cn/{tail}");
        for _ in 0..layers {
            value = query::encode(&value);
        }
        let link = format!("https://example.com/?{name}={value}");
        prop_assert!(matches!(policy().check(&link), Err(LinkRefusal::Redirect(_))), "{}", link);
    }
}
