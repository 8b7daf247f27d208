//! The real sender over real HTTP against the simulators: every channel, dead tokens, lost answers, throttles.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can not be set up has failed")]

use std::sync::Arc;

use secrecy::SecretString;
use sluice_channels::{Channels, Endpoints, HyperClient, Message, SendReport};
use sluice_domain::consent::Recipient;
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::{Channel, Destination};
use sluice_domain::id::{DestinationId, TenantId};
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, PortError, SecretStore, SecretVersions};
use sluice_simulators::{
    Fault, FaultEffect, FaultTimes, FeishuApp, FeishuBot, Place, Platform, Running, SimulatorClock,
    SimulatorOptions, Simulators, WechatAccount, WecomApp, WecomBot,
};

/// Secrets whose value is their name.
struct Named;

impl SecretStore for Named {
    async fn secret(&self, _: &TenantId, name: &str) -> Result<SecretVersions, PortError> {
        if name == "missing" {
            return Err(PortError::Missing { what: "secret", cause: name.to_owned() });
        }
        Ok(SecretVersions { current: SecretString::from(name), previous: None })
    }
}

struct Simulated(SimulatorClock);

impl Clock for Simulated {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.now_ms())
    }
}

struct Stage {
    simulators: Running,
    channels: Channels<HyperClient, Named, Simulated>,
    tenant: TenantId,
}

impl Stage {
    async fn new() -> Self {
        let simulators = Simulators::start(options()).await.unwrap();
        let endpoints =
            Endpoints::new(&simulators.feishu_url, &simulators.wecom_url, &simulators.wechat_url).unwrap();
        let channels =
            Channels::new(endpoints, HyperClient::new().unwrap(), Named, Simulated(simulators.clock()));
        Self { simulators, channels, tenant: TenantId::new("acme").unwrap() }
    }

    async fn send(&self, channel: &Channel, message: &Message) -> SendReport {
        self.channels.send(&self.tenant, &destination(channel), message).await
    }

    async fn outcome(&self, channel: &Channel, message: &Message) -> Outcome {
        self.send(channel, message).await.outcome
    }

    fn fault(&self, platform: Platform, place: Place, effect: FaultEffect) {
        self.simulators.inject(Fault { platform, place, effect, times: FaultTimes::Next(1) });
    }

    fn minutes(&self, minutes: i64) {
        self.simulators.clock().advance_ms(minutes * 60_000);
    }
}

fn options() -> SimulatorOptions {
    SimulatorOptions {
        feishu_bots: vec![FeishuBot {
            hook: "hook".to_owned(),
            signing: Some("sign".to_owned()),
            keywords: Vec::new(),
        }],
        feishu_apps: vec![FeishuApp {
            app_id: "cli_1".to_owned(),
            app_secret: "app-secret".to_owned(),
            receivers: vec!["oc_1".to_owned()],
        }],
        wecom_bots: vec![WecomBot { key: "key".to_owned() }],
        wecom_apps: vec![WecomApp {
            corp_id: "ww1".to_owned(),
            agent_id: 7,
            secret: "corp-secret".to_owned(),
            members: vec!["ZhangSan".to_owned(), "lisi".to_owned()],
        }],
        wechat_accounts: vec![WechatAccount {
            app_id: "wx1".to_owned(),
            secret: "wx-secret".to_owned(),
            followers: vec!["o1".to_owned()],
        }],
        ..SimulatorOptions::default()
    }
}

fn destination(channel: &Channel) -> Destination {
    Destination {
        id: DestinationId::new(channel.as_str()).unwrap(),
        weight: 1,
        recipient: Recipient::new("sales").unwrap(),
        channel: channel.clone(),
        acquisition_link: None,
    }
}

fn feishu_bot() -> Channel {
    Channel::FeishuBot { hook: "hook".to_owned(), signing: Some("sign".to_owned()) }
}

fn feishu_app() -> Channel {
    Channel::FeishuApp {
        app_id: "cli_1".to_owned(),
        secret: "app-secret".to_owned(),
        receive_id_type: "chat_id".to_owned(),
        receive_id: "oc_1".to_owned(),
    }
}

fn wecom_bot() -> Channel {
    Channel::WecomBot { key: "key".to_owned() }
}

fn wecom_app(members: &[&str]) -> Channel {
    Channel::WecomApp {
        corp_id: "ww1".to_owned(),
        agent_id: 7,
        secret: "corp-secret".to_owned(),
        members: members.iter().map(|member| (*member).to_owned()).collect(),
    }
}

fn wechat() -> Channel {
    Channel::WechatCustom {
        app_id: "wx1".to_owned(),
        secret: "wx-secret".to_owned(),
        openid_field: "openid".to_owned(),
    }
}

fn all() -> [Channel; 5] {
    [feishu_bot(), feishu_app(), wecom_bot(), wecom_app(&["zhangsan"]), wechat()]
}

fn applications() -> [(Channel, Platform); 3] {
    [
        (feishu_app(), Platform::Feishu),
        (wecom_app(&["zhangsan"]), Platform::Wecom),
        (wechat(), Platform::Wechat),
    ]
}

fn message(number: u32) -> Message {
    Message {
        dispatch_id: format!("0193a0c0-0000-7000-8000-{number:012}"),
        title: Some("新线索".to_owned()),
        text: format!("张先生 138****0001 想了解课程 {number}"),
        link: Some(("查看".to_owned(), "https://example.com/lead/1".to_owned())),
        recipient: Some("o1".to_owned()),
    }
}

fn is_delivered(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Delivered { .. })
}

#[tokio::test]
async fn every_channel_delivers_what_a_person_can_read() {
    let stage = Stage::new().await;
    for (number, channel) in (0..).zip(all()) {
        let report = stage.send(&channel, &message(number)).await;
        assert!(is_delivered(&report.outcome), "{}: {report:?}", channel.as_str());
        let seen = stage.simulators.seen().pop().unwrap();
        for part in ["新线索", "想了解课程", "https://example.com/lead/1"] {
            assert!(seen.text.contains(part), "{}: `{part}` is not in `{}`", channel.as_str(), seen.text);
        }
        let plain = Message { title: None, link: None, ..message(100 + number) };
        assert!(is_delivered(&stage.outcome(&channel, &plain).await), "{}", channel.as_str());
        assert_eq!(stage.simulators.seen().len(), 2 * (number as usize + 1));
    }
}

#[tokio::test]
async fn platforms_that_name_the_message_have_the_name_kept() {
    let stage = Stage::new().await;
    for channel in [feishu_app(), wecom_app(&["lisi"])] {
        let Outcome::Delivered { provider_id } = stage.outcome(&channel, &message(1)).await else {
            panic!("not delivered")
        };
        assert!(provider_id.is_some_and(|id| !id.is_empty()), "{}", channel.as_str());
    }
}

#[tokio::test]
async fn one_token_serves_many_sends_at_once() {
    let stage = Arc::new(Stage::new().await);
    let sends: Vec<_> = (0..5)
        .map(|number| {
            let stage = Arc::clone(&stage);
            tokio::spawn(async move { stage.outcome(&feishu_app(), &message(number)).await })
        })
        .collect();
    for send in sends {
        assert!(is_delivered(&send.await.unwrap()));
    }
    assert_eq!(stage.simulators.counters(Platform::Feishu).tokens_issued, 1);
}

#[tokio::test]
async fn a_token_that_dies_early_is_replaced_once_and_the_message_sent() {
    let stage = Stage::new().await;
    for (channel, platform) in applications() {
        assert!(is_delivered(&stage.outcome(&channel, &message(1)).await));
        stage.fault(platform, Place::Send, FaultEffect::RevokeTokens);
        assert!(is_delivered(&stage.outcome(&channel, &message(2)).await), "{platform:?}");
        let counters = stage.simulators.counters(platform);
        assert_eq!((counters.tokens_issued, counters.committed), (2, 2), "{platform:?}");
    }
}

#[tokio::test]
async fn a_token_that_dies_twice_is_the_endpoints_fault() {
    let stage = Stage::new().await;
    for (channel, platform) in applications() {
        let revoke = FaultEffect::RevokeTokens;
        let times = FaultTimes::Next(2);
        stage.simulators.inject(Fault { platform, place: Place::Send, effect: revoke, times });
        assert_eq!(stage.outcome(&channel, &message(1)).await, Outcome::EndpointRefused, "{platform:?}");
        assert_eq!(stage.simulators.counters(platform).requests, 4, "two tokens and two sends");
    }
}

#[tokio::test]
async fn tokens_are_replaced_when_their_time_is_over() {
    let stage = Stage::new().await;
    for (channel, platform) in applications() {
        assert!(is_delivered(&stage.outcome(&channel, &message(1)).await));
        stage.minutes(121);
        assert!(is_delivered(&stage.outcome(&channel, &message(2)).await), "{platform:?}");
        let counters = stage.simulators.counters(platform);
        assert_eq!(
            (counters.tokens_issued, counters.requests),
            (2, 4),
            "{platform:?}: no send failed on the way"
        );
    }
}

#[tokio::test]
async fn a_lost_token_answer_is_passing_because_no_message_left() {
    let stage = Stage::new().await;
    for (channel, platform) in applications() {
        for effect in [FaultEffect::ResetAfterCommit, FaultEffect::Html, FaultEffect::Status { status: 503 }]
        {
            stage.fault(platform, Place::Token, effect);
            assert_eq!(stage.outcome(&channel, &message(1)).await, Outcome::Transient, "{platform:?}");
        }
        assert_eq!(stage.simulators.counters(platform).committed, 0);
    }
}

#[tokio::test]
async fn a_lost_answer_is_unclear_and_a_repeat_is_seen_once_where_the_platform_remembers() {
    let stage = Stage::new().await;
    for (channel, platform) in [(feishu_app(), Platform::Feishu), (wecom_app(&["lisi"]), Platform::Wecom)] {
        let before = stage.simulators.seen().len();
        stage.fault(platform, Place::Send, FaultEffect::ResetAfterCommit);
        let first = stage.send(&channel, &message(1)).await;
        assert_eq!((first.outcome, first.code.as_deref()), (Outcome::Unclear, Some("no_answer")));
        let second = stage.send(&channel, &message(1)).await;
        assert!(is_delivered(&second.outcome), "{platform:?}");
        assert_eq!(first.request_sha256, second.request_sha256, "the bytes of a repeat are the same");
        assert_eq!(stage.simulators.seen().len() - before, 1, "{platform:?}");
        assert_eq!(stage.simulators.counters(platform).duplicates_suppressed, 1);
    }
}

#[tokio::test]
async fn equal_texts_of_two_dispatches_are_two_messages() {
    let stage = Stage::new().await;
    for channel in [feishu_app(), wecom_app(&["lisi"])] {
        let again = Message { dispatch_id: message(2).dispatch_id, ..message(1) };
        assert!(is_delivered(&stage.outcome(&channel, &message(1)).await));
        assert!(is_delivered(&stage.outcome(&channel, &again).await));
    }
    assert_eq!(stage.simulators.seen().len(), 4);
}

#[tokio::test]
async fn nothing_but_a_success_in_the_body_is_a_delivery() {
    let stage = Stage::new().await;
    let unclear = [
        FaultEffect::ResetBeforeCommit,
        FaultEffect::ResetAfterCommit,
        FaultEffect::Truncate,
        FaultEffect::Html,
        FaultEffect::Redirect,
        FaultEffect::Status { status: 502 },
        FaultEffect::Status { status: 200 },
    ];
    for channel in all() {
        let platform = platform_of(&channel);
        for effect in &unclear {
            stage.fault(platform, Place::Send, effect.clone());
            let outcome = stage.outcome(&channel, &message(1)).await;
            assert_eq!(outcome, Outcome::Unclear, "{} {effect:?}", channel.as_str());
        }
        stage.fault(platform, Place::Send, FaultEffect::Status { status: 503 });
        assert_eq!(stage.outcome(&channel, &message(1)).await, Outcome::Transient);
        stage.minutes(1);
    }
}

#[tokio::test]
async fn a_platform_that_does_not_listen_is_passing() {
    let stage = Stage::new().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let endpoints = Endpoints::new(&url, &url, &url).unwrap();
    let clock = Simulated(stage.simulators.clock());
    let channels = Channels::new(endpoints, HyperClient::new().unwrap(), Named, clock);
    let report = channels.send(&stage.tenant, &destination(&wecom_bot()), &message(1)).await;
    assert_eq!((report.outcome, report.code.as_deref()), (Outcome::Transient, Some("not_sent")));
}

#[tokio::test]
async fn no_call_goes_out_inside_a_block_window() {
    let stage = Stage::new().await;
    for number in 0..20 {
        assert!(is_delivered(&stage.outcome(&wecom_bot(), &message(number)).await));
    }
    let Outcome::Throttled { until } = stage.outcome(&wecom_bot(), &message(20)).await else {
        panic!("the 21st in a minute is too many")
    };
    let wait = until.0 - stage.simulators.clock().now_ms();
    assert!((55_000..=60_000).contains(&wait), "{wait} ms");
    for _ in 0..5 {
        let report = stage.send(&wecom_bot(), &message(20)).await;
        assert_eq!((report.outcome, report.code.as_deref()), (Outcome::Throttled { until }, Some("blocked")));
    }
    stage.minutes(1);
    assert!(is_delivered(&stage.outcome(&wecom_bot(), &message(20)).await));
    let counters = stage.simulators.counters(Platform::Wecom);
    assert_eq!((counters.requests, counters.calls_while_blocked), (22, 0));
}

#[tokio::test]
async fn the_reset_header_says_when_to_come_back() {
    let stage = Stage::new().await;
    let limited = FaultEffect::Code { code: 99_991_400, status: 429 };
    stage.fault(Platform::Feishu, Place::Send, limited);
    let before = stage.simulators.clock().now_ms();
    let Outcome::Throttled { until } = stage.outcome(&feishu_app(), &message(1)).await else {
        panic!("throttled")
    };
    let wait = until.0 - before;
    assert!((2_000..3_000).contains(&wait), "{wait} ms: the simulator's header says 2 s");
}

#[tokio::test]
async fn a_wrong_clock_or_secret_makes_the_bots_endpoint_unusable() {
    let stage = Stage::new().await;
    let wrong = Channel::FeishuBot { hook: "hook".to_owned(), signing: Some("other".to_owned()) };
    let report = stage.send(&wrong, &message(1)).await;
    assert_eq!((report.outcome, report.code.as_deref()), (Outcome::EndpointRefused, Some("19021")));
    assert_eq!(stage.simulators.counters(Platform::Feishu).requests, 2, "signed anew once");
    let unsigned = Channel::FeishuBot { hook: "hook".to_owned(), signing: None };
    assert_eq!(stage.outcome(&unsigned, &message(1)).await, Outcome::EndpointRefused);
}

#[tokio::test]
async fn configuration_faults_are_reports_with_a_code() {
    let stage = Stage::new().await;
    let receiver = |kind: &str, id: &str| Channel::FeishuApp {
        app_id: "cli_1".to_owned(),
        secret: "app-secret".to_owned(),
        receive_id_type: kind.to_owned(),
        receive_id: id.to_owned(),
    };
    let wecom = |secret: &str, agent_id| Channel::WecomApp {
        corp_id: "ww1".to_owned(),
        agent_id,
        secret: secret.to_owned(),
        members: vec!["lisi".to_owned()],
    };
    for (channel, code) in [
        (Channel::WecomBot { key: "missing".to_owned() }, "secret_missing"),
        (Channel::WecomBot { key: "https://example.com/key".to_owned() }, "key_malformed"),
        (Channel::WecomBot { key: "unknown".to_owned() }, "93000"),
        (Channel::FeishuBot { hook: "unknown".to_owned(), signing: None }, "19001"),
        (receiver("phone", "oc_1"), "receive_id_malformed"),
        (wecom("wrong", 7), "40001"),
        (wecom("corp-secret", 8), "40056"),
        (wecom_app(&[]), "members_malformed"),
        (wecom_app(&["a|b"]), "members_malformed"),
    ] {
        let report = stage.send(&channel, &message(1)).await;
        assert_eq!((report.outcome, report.code.as_deref()), (Outcome::EndpointRefused, Some(code)));
    }
    let gone = stage.send(&receiver("chat_id", "oc_gone"), &message(1)).await;
    assert_eq!(gone.outcome, Outcome::RecipientRefused { opt_out: false });
    assert!(stage.simulators.seen().is_empty());
}

#[tokio::test]
async fn people_who_said_no_are_reported_as_opted_out() {
    let stage = Stage::new().await;
    stage.simulators.feishu_person_stops_bot("oc_1");
    stage.simulators.wechat_person_refuses("wx1", "o1");
    for channel in [feishu_app(), wechat()] {
        assert_eq!(stage.outcome(&channel, &message(1)).await, Outcome::RecipientRefused { opt_out: true });
    }
}

#[tokio::test]
async fn wecom_reaches_the_members_it_can() {
    let stage = Stage::new().await;
    assert!(is_delivered(&stage.outcome(&wecom_app(&["lisi", "nobody"]), &message(1)).await));
    let gone = stage.outcome(&wecom_app(&["nobody"]), &message(2)).await;
    assert_eq!(gone, Outcome::RecipientRefused { opt_out: false });
    assert_eq!(stage.simulators.seen().len(), 1);
}

#[tokio::test]
async fn wechat_messages_end_with_the_persons_window() {
    let stage = Stage::new().await;
    let refused = Outcome::RecipientRefused { opt_out: false };
    for number in 0..5 {
        assert!(is_delivered(&stage.outcome(&wechat(), &message(number)).await));
    }
    let sixth = stage.send(&wechat(), &message(5)).await;
    assert_eq!((sixth.outcome, sixth.code.as_deref()), (refused.clone(), Some("45047")));
    stage.simulators.wechat_person_writes("wx1", "o1");
    assert!(is_delivered(&stage.outcome(&wechat(), &message(5)).await));
    stage.minutes(48 * 60);
    let late = stage.send(&wechat(), &message(6)).await;
    assert_eq!((late.outcome, late.code.as_deref()), (refused.clone(), Some("45015")));
    let nobody = Message { recipient: None, ..message(7) };
    let report = stage.send(&wechat(), &nobody).await;
    assert_eq!((report.outcome, report.code.as_deref()), (refused, Some("recipient_missing")));
}

fn platform_of(channel: &Channel) -> Platform {
    match channel {
        Channel::FeishuBot { .. } | Channel::FeishuApp { .. } => Platform::Feishu,
        Channel::WecomBot { .. } | Channel::WecomApp { .. } => Platform::Wecom,
        Channel::WechatCustom { .. } => Platform::Wechat,
    }
}
