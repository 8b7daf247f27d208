//! Images over HTTP: what the platforms take, and what recipients see.

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod stage;

use sluice_channels::Message;
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::{Channel, FeishuUploads};
use sluice_simulators::{FaultEffect, Place, Platform};

use stage::*;

/// In the vectors' list.
const PNG_SEEN: &str = "[image sha256:69060f4055767890bc4eae9e6323193e07f41c4156480a722d75b254165a032f]";
const JPEG_SEEN: &str = "[image sha256:94c3cad6479d54d9341b4fff3ebe75ac9b6694bb933e91e5e2965dd2fbb310ad]";

fn everywhere() -> [Channel; 5] {
    let [one, two, three, four] = with_uploads();
    [wecom_bot(), one, two, three, four]
}

fn with_uploads() -> [Channel; 4] {
    [feishu_app(), wecom_app(&["zhangsan"]), wechat(), feishu_bot_with_uploads()]
}

/// A bot for which the application uploads.
fn feishu_bot_with_uploads() -> Channel {
    let uploads = FeishuUploads { app_id: "cli_1".to_owned(), secret: "app-secret".to_owned() };
    Channel::FeishuBot { hook: "hook".to_owned(), signing: Some("sign".to_owned()), uploads: Some(uploads) }
}

#[tokio::test]
async fn an_image_is_seen_as_it_is_on_every_channel_that_has_them() {
    for channel in everywhere() {
        let stage = Stage::new().await;
        for (number, name, bytes) in [(1, "card.png", PNG), (2, "card.jpg", JPEG)] {
            let outcome = stage.outcome(&channel, &picture(number, name, bytes)).await;
            assert!(is_delivered(&outcome), "{} {outcome:?}", channel.as_str());
        }
        let seen: Vec<String> = stage.simulators.seen().into_iter().map(|seen| seen.text).collect();
        assert_eq!(seen, [PNG_SEEN, JPEG_SEEN], "{}", channel.as_str());
    }
}

/// The same image for ten events is ten messages and one upload; at WeCom no duplicate check may swallow the other nine.
#[tokio::test]
async fn one_upload_serves_many_messages_at_once() {
    for channel in with_uploads() {
        let stage = Stage::new().await;
        let messages: Vec<Message> = (1..=4).map(|number| picture(number, "card.png", PNG)).collect();
        let sends = messages.iter().map(|message| stage.outcome(&channel, message));
        let outcomes = futures_util::future::join_all(sends).await;
        assert!(outcomes.iter().all(is_delivered), "{} {outcomes:?}", channel.as_str());
        let counters = stage.simulators.counters(platform_of(&channel));
        assert_eq!((counters.uploads, stage.simulators.seen().len()), (1, 4), "{}", channel.as_str());
    }
}

#[tokio::test]
async fn an_image_is_uploaded_again_when_its_three_days_are_over_or_it_is_gone_before() {
    for channel in with_uploads() {
        let stage = Stage::new().await;
        let platform = platform_of(&channel);
        let send = async |number| {
            stage.simulators.wechat_person_writes("wx1", "o1");
            let outcome = stage.outcome(&channel, &picture(number, "card.png", PNG)).await;
            assert!(is_delivered(&outcome), "{} {outcome:?}", channel.as_str());
            stage.simulators.counters(platform).uploads
        };
        assert_eq!(send(1).await, 1);
        stage.minutes(2 * 24 * 60);
        assert_eq!(send(2).await, 1, "{}: it holds for three days", channel.as_str());
        stage.minutes(24 * 60);
        let lasts = platform == Platform::Feishu;
        let uploads = if lasts { 1 } else { 2 };
        assert_eq!(send(3).await, uploads, "{}: never named when it may be gone", channel.as_str());
        stage.simulators.forget_uploads();
        assert_eq!(send(4).await, uploads + 1, "{}: forgotten before its time", channel.as_str());
        assert_eq!(stage.simulators.seen().len(), 4);
    }
}

/// Whatever strikes an upload, no message left: it comes back, and the next attempt sends it once.
#[tokio::test]
async fn a_fault_at_an_upload_loses_nothing_and_doubles_nothing() {
    for channel in with_uploads() {
        for effect in [
            FaultEffect::ResetBeforeCommit,
            FaultEffect::ResetAfterCommit,
            FaultEffect::Truncate,
            FaultEffect::Html,
            FaultEffect::Redirect,
            FaultEffect::Status { status: 503 },
            FaultEffect::Code {
                code: if platform_of(&channel) == Platform::Feishu { 2_200 } else { -1 },
                status: 200,
            },
        ] {
            let stage = Stage::new().await;
            stage.fault(platform_of(&channel), Place::Upload, effect.clone());
            let message = picture(1, "card.png", PNG);
            let first = stage.outcome(&channel, &message).await;
            assert_eq!(first, Outcome::Transient, "{} {effect:?}", channel.as_str());
            assert!(stage.simulators.seen().is_empty());
            stage.minutes(1);
            let second = stage.outcome(&channel, &message).await;
            assert!(is_delivered(&second), "{} {effect:?} {second:?}", channel.as_str());
            assert_eq!(stage.simulators.seen().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_token_that_dies_before_an_upload_is_renewed() {
    for channel in with_uploads() {
        let stage = Stage::new().await;
        stage.fault(platform_of(&channel), Place::Upload, FaultEffect::RevokeTokens);
        let outcome = stage.outcome(&channel, &picture(1, "card.png", PNG)).await;
        assert!(is_delivered(&outcome), "{} {outcome:?}", channel.as_str());
        assert_eq!(stage.simulators.counters(platform_of(&channel)).tokens_issued, 2);
    }
}

/// What the bot's platform says of bytes that are not the MD5's, too many, or no image: the sender never makes such a call, so it is made by hand.
#[tokio::test]
async fn a_group_bot_refuses_what_the_sender_would_never_send() {
    use base64::Engine as _;
    use sluice_ports::HttpClient as _;
    let stage = Stage::new().await;
    let client = sluice_channels::HyperClient::new().unwrap();
    let call = async |base64: &str, md5: &str| {
        let body = serde_json::json!({ "msgtype": "image", "image": { "base64": base64, "md5": md5 } });
        let request = sluice_ports::HttpRequest {
            method: http::Method::POST,
            url: format!("{}/cgi-bin/webhook/send?key=key", stage.simulators.wecom_url),
            headers: Vec::new(),
            body: body.to_string().into(),
            reach: sluice_ports::Reach::Platform,
        };
        let answer = client.send(request).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        body["errcode"].as_i64().unwrap()
    };
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let md5 = |bytes: &[u8]| {
        use md5::Digest as _;
        hex::encode(md5::Md5::digest(bytes))
    };
    let large = [PNG, &vec![0; 2 * 1_024 * 1_024]].concat();
    for (bytes, hash, code) in [
        (PNG, md5(PNG), 0),
        (PNG, md5(JPEG), 301_019),
        (PNG, md5(PNG).to_uppercase(), 301_019),
        (&large, md5(&large), 40_009),
        (b"GIF89a", md5(b"GIF89a"), 40_004),
    ] {
        assert_eq!(call(&encode(bytes), &hash).await, code);
    }
    assert_eq!(call("no base64", &md5(PNG)).await, 40_058);
    assert_eq!(stage.simulators.seen().len(), 1);
}
