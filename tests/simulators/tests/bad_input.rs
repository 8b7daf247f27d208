//! What goes wrong, on every channel: classified, bounded, explained, and nothing lost.

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod stage;

use sluice_channels::{Channels, Endpoints, HyperClient, SendReport};
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::{Channel, SubscribeAccount};
use sluice_simulators::{FaultEffect, Place, SimulatorClock};
use stage::{
    Named, Simulated, Stage, destination, douyin_message, feishu_app, feishu_bot, is_delivered, message,
    platform_of, webhook, wechat, wechat_subscribe, wechat_template, wecom_app, wecom_bot,
};

fn channels(stage: &Stage) -> Vec<Channel> {
    vec![
        feishu_bot(),
        feishu_app(),
        wecom_bot(),
        wecom_app(&["lisi"]),
        wechat(),
        wechat_template(),
        wechat_subscribe(SubscribeAccount::MiniProgram),
        douyin_message(),
        webhook(&stage.simulators.feishu_url),
    ]
}

fn plain(number: u32) -> sluice_channels::Message {
    sluice_channels::Message { title: None, link: None, ..message(number) }
}

fn is_webhook(channel: &Channel) -> bool {
    matches!(channel, Channel::Webhook { .. })
}

/// What a fault must become: for platforms, and for the company's own system, which answers with statuses.
type Expected = (&'static str, &'static str);

fn cases() -> Vec<(FaultEffect, Expected)> {
    vec![
        (FaultEffect::Redirect, ("unclear", "endpoint_refused")),
        (FaultEffect::Html, ("unclear", "delivered")),
        (FaultEffect::Large { bytes: 10_000_000 }, ("unclear", "unclear")),
        (FaultEffect::Truncate, ("unclear", "delivered")),
        (FaultEffect::ResetBeforeCommit, ("unclear", "unclear")),
        (FaultEffect::ResetAfterCommit, ("unclear", "unclear")),
        (FaultEffect::Status { status: 404 }, ("unclear", "endpoint_refused")),
        (FaultEffect::Status { status: 500 }, ("transient", "transient")),
        (FaultEffect::Status { status: 413 }, ("content_refused", "content_refused")),
        (FaultEffect::Status { status: 429 }, ("throttled", "throttled")),
    ]
}

#[tokio::test]
async fn every_odd_answer_is_classified_bounded_and_explained() {
    for (effect, (platform, own)) in cases() {
        let stage = Stage::new().await;
        for (number, channel) in (1..).zip(channels(&stage)) {
            stage.fault(platform_of(&channel), Place::Send, effect.clone());
            let report = stage.send(&channel, &plain(number)).await;
            let expected = if is_webhook(&channel) { own } else { platform };
            assert_eq!(report.outcome.as_str(), expected, "{effect:?} on {}: {report:?}", channel.as_str());
            assert!(report.code.is_some(), "{effect:?} on {}", channel.as_str());
            assert!(report.message.is_none_or(|words| words.len() <= 1_024));
        }
    }
}

/// After a passing fault the same message arrives once.
#[tokio::test]
async fn nothing_is_lost_by_a_passing_fault() {
    let stage = Stage::new().await;
    for (number, channel) in (1..).zip(channels(&stage)) {
        stage.fault(platform_of(&channel), Place::Send, FaultEffect::Status { status: 500 });
        assert_eq!(stage.outcome(&channel, &plain(number)).await, Outcome::Transient, "{}", channel.as_str());
        let before = stage.simulators.seen().len();
        let outcome = stage.outcome(&channel, &plain(number)).await;
        assert!(is_delivered(&outcome), "{}: {outcome:?}", channel.as_str());
        assert_eq!(stage.simulators.seen().len(), before + 1, "{}", channel.as_str());
    }
}

async fn sent_to(base: &str, stage: &Stage, channel: &Channel) -> SendReport {
    let endpoints = Endpoints::new(base, base, base).unwrap();
    let channels =
        Channels::new(endpoints, HyperClient::new().unwrap(), Named, Simulated(stage.simulators.clock()));
    channels.send(&stage.tenant, &destination(channel), &plain(1)).await
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let stage = Stage::new().await;
    // A name that never exists (RFC 6761), and a server that speaks no TLS.
    let without_tls = stage.simulators.feishu_url.replace("http://", "https://");
    for base in ["https://sluice.invalid", &without_tls] {
        for channel in
            [feishu_bot(), wecom_bot(), feishu_app(), wecom_app(&["lisi"]), wechat(), wechat_template()]
        {
            let report = sent_to(base, &stage, &channel).await;
            assert_eq!(report.outcome, Outcome::Transient, "{base} {}", channel.as_str());
            let code = report.code.unwrap();
            assert!(["not_sent", "token_no_answer"].contains(&code.as_str()), "{code}");
        }
        let own = Channel::Webhook {
            url: format!("{base}/hook"),
            secret: stage::WEBHOOK_SECRET.into(),
            allow_private: true,
        };
        let report = stage.send(&own, &plain(1)).await;
        assert_eq!(
            (report.outcome, report.code.as_deref()),
            (Outcome::Transient, Some("not_sent")),
            "{base}"
        );
    }
    assert!(stage.simulators.seen().is_empty());
}

/// A webhook's address is somebody's text: it must not lead into our own network.
#[tokio::test]
async fn webhooks_do_not_reach_private_addresses() {
    let stage = Stage::new().await;
    let port = stage.simulators.feishu_url.rsplit_once(':').unwrap().1.to_owned();
    for host in ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "[::ffff:127.0.0.1]"] {
        for scheme in ["https", "http"] {
            let url = format!("{scheme}://{host}:{port}/webhook/crm");
            let channel =
                Channel::Webhook { url, secret: stage::WEBHOOK_SECRET.into(), allow_private: false };
            let report = stage.send(&channel, &plain(1)).await;
            assert_eq!(
                (&report.outcome, report.code.as_deref()),
                (&Outcome::EndpointRefused, Some("bad_request")),
                "{scheme} {host}: {report:?}"
            );
        }
    }
    assert!(stage.simulators.seen().is_empty());
}

/// Two hours off, either way: signs that carry the time are refused, and told as the endpoint's fault; the others do not notice.
#[tokio::test]
async fn a_clock_that_is_off_is_refused_where_the_time_is_signed() {
    for skew_ms in [-7_200_000, 7_200_000] {
        let stage = Stage::new().await;
        let clock = SimulatorClock::default();
        clock.advance_ms(skew_ms);
        let url = &stage.simulators.feishu_url;
        let endpoints = Endpoints::new(url, url, url).unwrap();
        let skewed = Channels::new(endpoints, HyperClient::new().unwrap(), Named, Simulated(clock));
        for (number, channel) in (1..).zip(channels(&stage)) {
            let report = skewed.send(&stage.tenant, &destination(&channel), &plain(number)).await;
            let timed = matches!(channel, Channel::FeishuBot { .. } | Channel::Webhook { .. });
            assert_eq!(is_delivered(&report.outcome), !timed, "{skew_ms} {}: {report:?}", channel.as_str());
            if timed {
                assert_eq!(report.outcome, Outcome::EndpointRefused, "{}", channel.as_str());
            }
        }
    }
}

#[tokio::test]
async fn unknown_people_and_revoked_endpoints_are_told_apart() {
    let stage = Stage::new().await;
    let nobody = || sluice_channels::Message { recipient: Some("nobody".into()), ..plain(1) };
    let gone = Outcome::RecipientRefused { opt_out: false };
    for (channel, expected) in [
        (wecom_app(&["nobody"]), &gone),
        (wechat(), &gone),
        (wechat_template(), &gone),
        // Without their consent, the person says no.
        (wechat_subscribe(SubscribeAccount::Service), &Outcome::RecipientRefused { opt_out: true }),
        (Channel::WecomBot { key: "revoked".into() }, &Outcome::EndpointRefused),
        (
            Channel::FeishuBot { hook: "revoked".into(), signing: None, uploads: None },
            &Outcome::EndpointRefused,
        ),
    ] {
        assert_eq!(&stage.outcome(&channel, &nobody()).await, expected, "{}", channel.as_str());
    }
    let url = format!("{}/webhook/gone", stage.simulators.feishu_url);
    let gone = Channel::Webhook { url, secret: stage::WEBHOOK_SECRET.into(), allow_private: true };
    assert_eq!(stage.outcome(&gone, &plain(1)).await, Outcome::EndpointRefused, "410");
}
