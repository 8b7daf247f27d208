//! Template and subscribe messages, replies, webhooks, welcome messages, contact-me entries and links, against platforms that enforce
//! their rules.

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod stage;

use sluice_channels::{
    Attachment, ContactWay, CustomerContact, EndpointHealth, Message, MiniProgramLink, Welcome,
};
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::SubscribeAccount;
use sluice_domain::id::DestinationId;
use sluice_domain::time::UnixMillis;
use sluice_simulators::{FaultEffect, Place, Platform};
use stage::{
    Stage, TEMPLATE, douyin_message, is_delivered, message, webhook, wechat_subscribe, wechat_template,
};

fn plain(number: u32) -> Message {
    Message { title: None, link: None, ..message(number) }
}

const CONTACT: CustomerContact<'static> =
    CustomerContact { corp_id: "ww1", agent_id: 7, secret: "corp-secret" };

#[tokio::test]
async fn a_lost_answer_is_repeated_once_in_effect_where_somebody_remembers() {
    let stage = Stage::new().await;
    let crm = webhook(&stage.simulators.feishu_url);
    for (channel, platform) in [(wechat_template(), Platform::Wechat), (crm, Platform::Webhook)] {
        stage.fault(platform, Place::Send, FaultEffect::ResetAfterCommit);
        assert_eq!(stage.outcome(&channel, &plain(1)).await, Outcome::Unclear, "{platform:?}");
        assert!(is_delivered(&stage.outcome(&channel, &plain(1)).await), "{platform:?}");
        let counters = stage.simulators.counters(platform);
        assert_eq!((counters.committed, counters.duplicates_suppressed), (1, 1), "{platform:?}");
    }
}

#[tokio::test]
async fn one_consent_carries_one_subscribe_message() {
    let stage = Stage::new().await;
    let channel = wechat_subscribe(SubscribeAccount::MiniProgram);
    let to = |open_id: &str| Message { recipient: Some(open_id.into()), ..plain(1) };
    assert_eq!(stage.outcome(&channel, &to("o2")).await, Outcome::RecipientRefused { opt_out: true });
    stage.simulators.wechat_person_allows("wx1", "o2", TEMPLATE);
    assert!(is_delivered(&stage.outcome(&channel, &to("o2")).await));
    let second = stage.send(&channel, &to("o2")).await;
    assert_eq!(
        (second.outcome, second.code.as_deref()),
        (Outcome::RecipientRefused { opt_out: true }, Some("43101"))
    );
}

#[tokio::test]
async fn a_message_on_douyin_is_answered_six_times_within_a_day() {
    let stage = Stage::new().await;
    for number in 0..6 {
        assert!(is_delivered(&stage.outcome(&douyin_message(), &plain(number)).await));
    }
    let report = stage.send(&douyin_message(), &plain(7)).await;
    assert_eq!(report.code.as_deref(), Some("28003070"));
    assert!(matches!(report.outcome, Outcome::Throttled { .. }));
    assert_eq!(stage.simulators.counters(Platform::Douyin).over_limit, 1);
    stage.minutes(24 * 60);
    let report = stage.send(&douyin_message(), &plain(8)).await;
    assert_eq!(
        (report.outcome, report.code.as_deref()),
        (Outcome::RecipientRefused { opt_out: false }, Some("28003080"))
    );
}

#[tokio::test]
async fn a_customer_is_welcomed_once_and_in_twenty_seconds() {
    let stage = Stage::new().await;
    let endpoint = DestinationId::new("welcome").unwrap();
    let now = || UnixMillis(stage.simulators.clock().now_ms());
    let welcome = |code: &str, event_at| Welcome {
        code: code.into(),
        event_at,
        text: "您好，欢迎 <at>".into(),
        attachments: vec![Attachment::Link {
            title: "手册".into(),
            url: "https://example.com/guide".into(),
            description: String::new(),
        }],
    };
    let send = async |code: &str, event_at| {
        stage.channels.welcome(&stage.tenant, &endpoint, CONTACT, &welcome(code, event_at)).await
    };
    stage.simulators.wecom_customer_adds("w1");
    assert!(is_delivered(&send("w1", now()).await.outcome));
    assert!(stage.simulators.seen()[0].text.contains("欢迎 ＜at＞"));
    // Once.
    let again = send("w1", now()).await;
    assert_eq!(
        (again.outcome, again.code.as_deref()),
        (Outcome::RecipientRefused { opt_out: false }, Some("41051"))
    );
    // Another application is at it: later, while there is time.
    stage.simulators.wecom_customer_adds("w2");
    stage.fault(Platform::Wecom, Place::Send, FaultEffect::Code { code: 41_096, status: 200 });
    assert_eq!(send("w2", now()).await.outcome, Outcome::Transient);
    assert!(is_delivered(&send("w2", now()).await.outcome));
    // Too late: nothing is asked of the platform.
    let requests = stage.simulators.counters(Platform::Wecom).requests;
    let late = send("w3", now().plus_ms(-20_000)).await;
    assert_eq!(late.code.as_deref(), Some("welcome_too_late"));
    assert_eq!(stage.simulators.counters(Platform::Wecom).requests, requests);
    assert_eq!(send("unknown", now()).await.code.as_deref(), Some("41050"));
}

/// Nobody has to enable it: it is tried out by one contact at a time for as long as it takes.
#[tokio::test]
async fn an_application_that_may_not_welcome_is_left_alone_and_tried_out() {
    let stage = Stage::new().await;
    let endpoint = DestinationId::new("welcome").unwrap();
    let now = || UnixMillis(stage.simulators.clock().now_ms());
    let send = async |code: &str| {
        let welcome =
            Welcome { code: code.into(), event_at: now(), text: "您好".into(), attachments: Vec::new() };
        stage.channels.welcome(&stage.tenant, &endpoint, CONTACT, &welcome).await
    };
    // 48002: the application has no right to this API.
    let refuses =
        || stage.fault(Platform::Wecom, Place::Send, FaultEffect::Code { code: 48_002, status: 200 });
    refuses();
    let first = send("w1").await;
    assert_eq!(first.outcome, Outcome::EndpointRefused);
    assert!(matches!(first.endpoint, Some(EndpointHealth::Open { .. })), "{first:?}");
    for _ in 0..10 {
        let requests = stage.simulators.counters(Platform::Wecom).requests;
        let held = send("w2").await;
        assert_eq!(held.code.as_deref(), Some("endpoint_open"));
        assert_eq!(stage.simulators.counters(Platform::Wecom).requests, requests, "nothing is asked");
        stage.minutes(5);
        refuses();
        assert_eq!(send("w2").await.outcome, Outcome::EndpointRefused, "one tries it out");
    }
    stage.minutes(5);
    stage.simulators.wecom_customer_adds("w3");
    let healed = send("w3").await;
    assert!(is_delivered(&healed.outcome));
    assert_eq!(healed.endpoint, Some(EndpointHealth::Healthy));
}

#[tokio::test]
async fn a_contact_way_carries_its_state_and_tells_its_id() {
    let stage = Stage::new().await;
    let endpoint = DestinationId::new("contact").unwrap();
    let way =
        |state: &str| ContactWay {
            members: vec!["lisi".into()], state: state.into(), remark: "秋季".into()
        };
    let made = stage.channels.contact_way(&stage.tenant, &endpoint, CONTACT, &way("s1.abc")).await.unwrap();
    assert_eq!(made.config_id.len(), 32);
    assert!(made.qr_code.starts_with("http"));
    let refused = stage.channels.contact_way(&stage.tenant, &endpoint, CONTACT, &way(&"x".repeat(31))).await;
    assert_eq!(refused.unwrap_err().0.code.as_deref(), Some("state_too_long"));
    stage.fault(Platform::Wecom, Place::Send, FaultEffect::RevokeTokens);
    assert!(stage.channels.contact_way(&stage.tenant, &endpoint, CONTACT, &way("s1.def")).await.is_ok());
}

#[tokio::test]
async fn links_into_mini_programs_are_minted_one_by_one() {
    let stage = Stage::new().await;
    let endpoint = DestinationId::new("links").unwrap();
    let application = ("wx1", "wx-secret");
    let url = |query: String, days| MiniProgramLink::Url { path: "pages/lead".into(), query, days };
    let scheme = MiniProgramLink::Scheme { path: String::new(), query: "b=1".into(), days: 1 };
    let short = MiniProgramLink::Short { page: "pages/lead?b=1".into(), title: "预约".into() };
    let mint = async |link: &MiniProgramLink| {
        stage.channels.mini_program_link(&stage.tenant, &endpoint, application, link).await
    };
    let first = mint(&url("b=1".into(), 30)).await.unwrap();
    assert!(first.starts_with("https://wxaurl.cn/"));
    assert_ne!(first, mint(&url("b=1".into(), 30)).await.unwrap());
    assert!(mint(&scheme).await.unwrap().starts_with("weixin://dl/business/?t="));
    assert!(mint(&short).await.unwrap().starts_with("#小程序://"));
    for bad in [url("x".repeat(1_025), 30), url(String::new(), 31), url(String::new(), 0)] {
        assert_eq!(mint(&bad).await.unwrap_err().0.code.as_deref(), Some("link_out_of_bounds"));
    }
    stage.fault(Platform::Wechat, Place::Send, FaultEffect::Code { code: 44_993, status: 200 });
    let spent = mint(&url(String::new(), 1)).await.unwrap_err().0;
    assert!(matches!(spent.outcome, Outcome::QuotaExhausted { .. }), "{spent:?}");
}
