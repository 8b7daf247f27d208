//! Template, subscribe and reply messages, and webhooks: what leaves, and what is held back.

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod support;

use serde_json::{Value, json};
use sluice_channels::{Form, Idempotency, Message, Reply, idempotency};
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::{ACKNOWLEDGEMENT, Channel, MiniProgram, SubscribeAccount};
use support::{NOW, answer, message, send};

const TAKEN: &str = r#"{"errcode":0,"errmsg":"ok","msgid":200228332,"data":{"error_code":0},"extra":{"error_code":0},"msg_id":"@m2=="}"#;
/// The published vector's secret.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn template() -> Channel {
    Channel::WechatTemplate {
        app_id: "wx1".into(),
        secret: "wx-secret".into(),
        openid_field: "openid".into(),
        template_id: "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY".into(),
        purposes: Vec::new(),
        mini_program: Some(MiniProgram {
            app_id: "xiaochengxuappid12345".into(),
            page: "index?foo=bar".into(),
        }),
    }
}

fn subscribe(account: SubscribeAccount) -> Channel {
    Channel::WechatSubscribe {
        app_id: "wx1".into(),
        secret: "wx-secret".into(),
        openid_field: "openid".into(),
        template_id: "TEMPLATE_ID".into(),
        account,
        page: Some("index".into()),
    }
}

fn douyin(acknowledge: &str) -> Channel {
    Channel::DouyinMessage {
        client_key: "aw1".into(),
        refresh_token: "rft.1".into(),
        acknowledge: acknowledge.into(),
    }
}

fn webhook(url: &str, secret: &str) -> Channel {
    Channel::Webhook { url: url.into(), secret: secret.into(), allow_private: false }
}

fn to_crm() -> Channel {
    webhook("https://crm.example.com/hooks/sluice", SECRET)
}

fn no_link() -> Message {
    Message { link: None, title: None, ..message() }
}

fn comment() -> Message {
    let reply =
        Reply::Comment { account: "merchant".into(), item_id: "@item==".into(), comment_id: "@c==".into() };
    Message { reply: Some(reply), ..no_link() }
}

#[test]
fn requests_are_built_as_documented() {
    for (name, channel, message) in [
        ("template", template(), message()),
        ("subscribe_mini_program", subscribe(SubscribeAccount::MiniProgram), no_link()),
        ("subscribe_service", subscribe(SubscribeAccount::Service), no_link()),
        ("douyin_message", douyin(ACKNOWLEDGEMENT), no_link()),
        ("douyin_comment", douyin(ACKNOWLEDGEMENT), comment()),
        ("webhook", to_crm(), message()),
    ] {
        let (report, requests) = send(&channel, &message, vec![answer(200, TAKEN)]);
        assert!(matches!(report.outcome, Outcome::Delivered { .. }), "{name}: {report:?}");
        let shown: Vec<Value> = requests
            .iter()
            .map(|request| {
                let headers: Vec<String> =
                    request.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
                let body = serde_json::from_slice(&request.body)
                    .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&request.body).into_owned()));
                json!({ "to": format!("{} {}", request.method, request.url), "headers": headers, "body": body })
            })
            .collect();
        insta::assert_json_snapshot!(name, shown);
    }
}

#[test]
fn the_message_of_the_platform_is_named_where_it_names_it() {
    for (channel, named) in [(template(), "200228332"), (douyin(ACKNOWLEDGEMENT), "@m2==")] {
        let (report, _) = send(&channel, &no_link(), vec![answer(200, TAKEN)]);
        assert_eq!(report.outcome, Outcome::Delivered { provider_id: Some(named.into()) });
    }
}

#[test]
fn what_can_not_be_sent_is_refused_before_anything_leaves() {
    let fields =
        |name: &str, value: String| Message { fields: [(name.to_owned(), value)].into(), ..no_link() };
    let reply = |until| {
        Some(Reply::Message {
            account: "merchant".into(),
            conversation_id: "c".into(),
            message_id: "m".into(),
            until,
        })
    };
    for (channel, message, code) in [
        (template(), Message { fields: [].into(), ..no_link() }, "fields_missing"),
        (template(), fields("thing1", "字".repeat(21)), "field_too_long"),
        (template(), fields("thing1", " ".into()), "field_empty"),
        (template(), Message { recipient: None, ..no_link() }, "recipient_missing"),
        (subscribe(SubscribeAccount::Service), Message { recipient: None, ..no_link() }, "recipient_missing"),
        (douyin(""), no_link(), "not_acknowledged"),
        (douyin(ACKNOWLEDGEMENT), message(), "link_not_allowed"),
        (douyin(ACKNOWLEDGEMENT), Message { reply: None, ..no_link() }, "nothing_to_reply_to"),
        (douyin(ACKNOWLEDGEMENT), Message { reply: reply(NOW), ..no_link() }, "reply_window_over"),
        (douyin(ACKNOWLEDGEMENT), Message { text: "x".repeat(1_501), ..no_link() }, "too_long"),
        (webhook("https://crm.example.com/", "whsec_short"), message(), "secret_malformed"),
        (to_crm(), Message { text: "x".repeat(20_000), ..no_link() }, "too_long"),
        (to_crm(), Message { text: " ".into(), ..no_link() }, "empty"),
    ] {
        let (report, requests) = send(&channel, &message, vec![answer(200, TAKEN)]);
        assert_eq!((report.code.as_deref(), requests.len()), (Some(code), 0), "{}", channel.as_str());
        assert!(!matches!(report.outcome, Outcome::Delivered { .. }), "{code}");
    }
}

#[test]
fn both_shells_of_douyin_must_say_yes() {
    for (body, delivered) in [
        (r#"{"data":{"error_code":0},"extra":{"error_code":0}}"#, true),
        (r#"{"err_no":0,"err_msg":""}"#, true),
        (r#"{"data":{"error_code":0},"extra":{"error_code":28003017}}"#, false),
        (r#"{"data":{"error_code":28001007},"extra":{"error_code":0}}"#, false),
        (r#"{"data":{"error_code":"0"}}"#, false),
        (r#"{"data":{}}"#, false),
        (r#"{"message":"success"}"#, false),
    ] {
        let (report, _) = send(&douyin(ACKNOWLEDGEMENT), &no_link(), vec![answer(200, body)]);
        assert_eq!(matches!(report.outcome, Outcome::Delivered { .. }), delivered, "{body}");
    }
}

#[test]
fn a_dead_authorisation_is_renewed_once_and_then_the_endpoints_fault() {
    let dead = r#"{"data":{"error_code":28001008,"description":"expired"},"extra":{"error_code":28001008}}"#;
    let (report, requests) = send(&douyin(ACKNOWLEDGEMENT), &no_link(), vec![answer(200, dead)]);
    assert_eq!((report.outcome, requests.len()), (Outcome::EndpointRefused, 4));
    let (report, _) = send(&douyin(ACKNOWLEDGEMENT), &no_link(), vec![answer(200, dead), answer(200, TAKEN)]);
    assert!(matches!(report.outcome, Outcome::Delivered { .. }));
}

#[test]
fn a_webhook_is_signed_with_both_secrets_while_one_is_rotated() {
    // `Named` gives `rotating` a previous version that is no secret of this kind: then nothing is sent half signed.
    let (report, requests) =
        send(&webhook("https://crm.example.com/", "rotating"), &message(), vec![answer(200, "")]);
    assert_eq!((report.code.as_deref(), requests.len()), (Some("secret_malformed"), 0));
}

#[test]
fn a_webhook_believes_statuses_alone() {
    for (status, outcome) in [
        (200, Outcome::Delivered { provider_id: None }),
        (204, Outcome::Delivered { provider_id: None }),
        (302, Outcome::EndpointRefused),
        (410, Outcome::EndpointRefused),
        (400, Outcome::Transient),
        (500, Outcome::Transient),
        (413, Outcome::ContentRefused { compliance: false }),
        (429, Outcome::Throttled { until: NOW.plus_ms(60_000) }),
    ] {
        let (report, _) = send(&to_crm(), &message(), vec![answer(status, "张先生 said no")]);
        assert_eq!(report.outcome, outcome, "{status}");
        assert_eq!(report.code, Some(format!("http_{status}")));
        assert!(report.message.is_none_or(|words| words == "··· said no"), "{status}");
    }
    let mut later = answer(503, "").unwrap();
    later.headers.insert("retry-after", http::HeaderValue::from_static("120"));
    let (report, _) = send(&to_crm(), &message(), vec![Ok(later)]);
    assert_eq!(report.outcome, Outcome::Throttled { until: NOW.plus_ms(120_000) });
}

#[test]
fn repeats_end_before_anybody_forgets_and_consents_are_spent_once() {
    for (channel, most) in [
        (template(), Some(10 * 60_000)),
        (to_crm(), Some(24 * 3_600_000)),
        (subscribe(SubscribeAccount::Service), None),
        (douyin(ACKNOWLEDGEMENT), None),
    ] {
        match (idempotency(&channel, Form::Text), most) {
            (Idempotency::Window { ms }, Some(most)) => assert!(ms > 0 && ms < most, "{}", channel.as_str()),
            (Idempotency::None, None) => {}
            (other, _) => panic!("{}: {other:?}", channel.as_str()),
        }
    }
}
