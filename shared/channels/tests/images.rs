//! Images: the bytes in the call, or uploaded and named; remembered, forgotten, uploaded once more, and never in doubt before a message leaves.

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

#[path = "support/mod.rs"]
mod support;

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use sluice_channels::{Channels, Endpoints, Form, Idempotency, Message, SendReport, idempotency};
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::Channel;
use sluice_domain::image::{Image, ImageName};
use sluice_ports::{HttpClient, HttpRequest, ImageFiles, PortError, TransportError};

use support::*;

const PNG: &[u8] = include_bytes!("../../../tests/vectors/images/card.png");
const TAKEN: &str = r#"{"errcode":0,"errmsg":"ok","code":0,"data":{"message_id":"om_1"},"msgid":"m1"}"#;

fn card() -> Image {
    Image::inspect(ImageName::new("card.png").unwrap(), PNG).unwrap()
}

fn picture() -> Message {
    Message { title: None, link: None, text: String::new(), image: Some(card()), ..message() }
}

/// The vectors' files.
struct Vectors;

impl ImageFiles for Vectors {
    async fn image(&self, image: &Image) -> Result<Bytes, PortError> {
        if image.is(PNG) {
            return Ok(Bytes::from_static(PNG));
        }
        Err(PortError::Missing { what: "images", cause: image.name.to_string() })
    }
}

/// What another program says of the file.
fn fact(column: usize) -> &'static str {
    let rows = include_str!("../../../tests/vectors/images/facts.csv");
    rows.lines().find(|row| row.starts_with("card.png,")).unwrap().split(',').nth(column).unwrap()
}

fn send_images(
    channel: &Channel,
    messages: usize,
    answers: Vec<Answer>,
) -> (Vec<SendReport>, Vec<HttpRequest>) {
    let (channels, http) = channels(answers);
    let channels = channels.showing(Vectors);
    let reports = block(async {
        let mut reports = Vec::new();
        for _ in 0..messages {
            reports.push(channels.send(&tenant(), &destination(channel), &picture()).await);
        }
        reports
    });
    let requests = http.requests.lock().unwrap().clone();
    (reports, requests)
}

fn uploads(requests: &[HttpRequest]) -> Vec<&HttpRequest> {
    requests.iter().filter(|it| it.url.contains("media/upload") || it.url.ends_with("im/v1/images")).collect()
}

/// The answer to an upload, by platform.
fn uploaded(channel: &Channel, name: &str) -> Answer {
    let body = match channel {
        Channel::FeishuApp { .. } => json!({ "code": 0, "msg": "success", "data": { "image_key": name } }),
        Channel::WecomApp { .. } => {
            json!({ "errcode": 0, "errmsg": "", "type": "image", "media_id": name, "created_at": "1380000000" })
        }
        // A success of WeChat's has no code.
        _ => json!({ "type": "image", "media_id": name, "created_at": 1_380_000_000 }),
    };
    answer(200, &body.to_string())
}

fn with_uploads() -> [Channel; 3] {
    [feishu_app(), wecom_app(), wechat()]
}

fn dead(channel: &Channel) -> Answer {
    let code = if matches!(channel, Channel::FeishuApp { .. }) { 230_001 } else { 40_007 };
    answer(200, &json!({ "code": code, "errcode": code, "msg": "no", "errmsg": "no" }).to_string())
}

#[test]
fn a_group_bot_gets_the_bytes_in_base64_and_their_md5() {
    let (reports, requests) = send_images(&wecom_bot(), 1, vec![answer(200, TAKEN)]);
    assert_eq!(reports[0].outcome, Outcome::Delivered { provider_id: None });
    let [request] = requests.as_slice() else { panic!("{}", requests.len()) };
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let expected = json!({ "msgtype": "image", "image": { "base64": fact(7), "md5": fact(6) } });
    assert_eq!(body, expected);
}

/// The forms of the platforms' documents: Feishu's `image_type` and `image`, WeCom's and WeChat's `media` with its length.
#[test]
fn an_upload_is_a_form_with_the_file_as_it_is() {
    for channel in with_uploads() {
        let (_, requests) = send_images(&channel, 1, vec![uploaded(&channel, "media-1"), answer(200, TAKEN)]);
        let upload = uploads(&requests)[0];
        let kind = upload.headers[0].1.to_str().unwrap();
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let (before, part, url) = match channel {
            Channel::FeishuApp { .. } => (
                format!(
                    "--{boundary}\r\nContent-Disposition: form-data; name=\"image_type\"\r\n\r\nmessage\r\n"
                ),
                "name=\"image\"; filename=\"card.png\"",
                "https://open.feishu.cn/open-apis/im/v1/images",
            ),
            Channel::WecomApp { .. } => (
                String::new(),
                "name=\"media\"; filename=\"card.png\"; filelength=124",
                "https://qyapi.weixin.qq.com/cgi-bin/media/upload?access_token=w-1&type=image",
            ),
            _ => (
                String::new(),
                "name=\"media\"; filename=\"card.png\"; filelength=124",
                "https://api.weixin.qq.com/cgi-bin/media/upload?access_token=s-1&type=image",
            ),
        };
        let head = format!(
            "{before}--{boundary}\r\nContent-Disposition: form-data; {part}\r\nContent-Type: image/png\r\n\r\n"
        );
        let body = [head.as_bytes(), PNG, format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
        assert_eq!((upload.url.as_str(), upload.body.as_ref()), (url, body.as_slice()));
    }
}

#[test]
fn a_message_names_the_uploaded_image_and_nothing_else() {
    for channel in with_uploads() {
        let (reports, requests) =
            send_images(&channel, 1, vec![uploaded(&channel, "media-1"), answer(200, TAKEN)]);
        assert!(matches!(reports[0].outcome, Outcome::Delivered { .. }), "{:?}", reports[0]);
        let mut body: Value = serde_json::from_slice(&requests.last().unwrap().body).unwrap();
        let expected = match channel {
            Channel::FeishuApp { .. } => {
                let content = body["content"].take();
                assert_eq!(content.as_str(), Some(r#"{"image_key":"media-1"}"#));
                let uuid = picture().dispatch_id;
                json!({ "receive_id": body["receive_id"], "msg_type": "image", "content": null, "uuid": uuid })
            }
            // No duplicate check: nothing in it is the dispatch's own.
            Channel::WecomApp { .. } => json!({
                "touser": body["touser"], "agentid": body["agentid"], "msgtype": "image", "image": { "media_id": "media-1" },
            }),
            _ => json!({ "touser": "oPerson", "msgtype": "image", "image": { "media_id": "media-1" } }),
        };
        assert_eq!(body, expected);
    }
}

#[test]
fn an_image_is_uploaded_once_and_named_again() {
    for channel in with_uploads() {
        let answers = vec![uploaded(&channel, "media-1"), answer(200, TAKEN)];
        let (reports, requests) = send_images(&channel, 3, answers);
        assert!(reports.iter().all(|report| matches!(report.outcome, Outcome::Delivered { .. })));
        // A token, an upload, three sends.
        assert_eq!((uploads(&requests).len(), requests.len()), (1, 5), "{}", channel.as_str());
    }
}

#[test]
fn an_image_that_the_platform_forgot_is_uploaded_once_more_and_only_once() {
    for channel in with_uploads() {
        let again = vec![
            uploaded(&channel, "media-1"),
            dead(&channel),
            uploaded(&channel, "media-2"),
            answer(200, TAKEN),
        ];
        let (reports, requests) = send_images(&channel, 1, again);
        assert!(matches!(reports[0].outcome, Outcome::Delivered { .. }), "{:?}", reports[0]);
        assert_eq!(uploads(&requests).len(), 2, "{}", channel.as_str());
        let body = String::from_utf8(requests.last().unwrap().body.to_vec()).unwrap();
        assert!(body.contains("media-2"), "{body}");

        let never = vec![
            uploaded(&channel, "media-1"),
            dead(&channel),
            uploaded(&channel, "media-2"),
            dead(&channel),
        ];
        let (reports, requests) = send_images(&channel, 1, never);
        assert_eq!(reports[0].outcome, Outcome::ContentRefused { compliance: false });
        assert_eq!(uploads(&requests).len(), 2, "{}", channel.as_str());
    }
}

#[test]
fn a_dead_token_is_renewed_before_an_upload_as_before_a_send() {
    for channel in with_uploads() {
        let code = if matches!(channel, Channel::FeishuApp { .. }) { 99_991_663 } else { 42_001 };
        let expired = answer(200, &json!({ "code": code, "errcode": code }).to_string());
        let answers = vec![expired.clone(), uploaded(&channel, "media-1"), expired, answer(200, TAKEN)];
        let (reports, requests) = send_images(&channel, 1, answers);
        assert!(matches!(reports[0].outcome, Outcome::Delivered { .. }), "{:?}", reports[0]);
        // Three tokens, two tries to upload, two to send: the image is not uploaded for the sake of a token.
        assert_eq!((uploads(&requests).len(), requests.len()), (2, 7), "{}", channel.as_str());
    }
}

/// Nothing was sent, whatever became of an upload: the message comes back or is refused, and is never in doubt.
#[test]
fn an_upload_that_fails_leaves_no_doubt() {
    for channel in with_uploads() {
        let is_feishu = matches!(channel, Channel::FeishuApp { .. });
        let coded = |feishu: i64, other: i64| {
            let code = if is_feishu { feishu } else { other };
            answer(200, &json!({ "code": code, "errcode": code, "msg": "no", "errmsg": "no" }).to_string())
        };
        for (answered, outcome, code) in [
            (Err(TransportError::NoAnswer("reset".into())), Outcome::Transient, "upload_no_answer"),
            (Err(TransportError::NotSent("refused".into())), Outcome::Transient, "upload_no_answer"),
            (answer(502, "<html>"), Outcome::Transient, "http_502"),
            (answer(503, ""), Outcome::Transient, "http_503"),
            (answer(200, r#"{"code":0,"errcode":0,"data":{}}"#), Outcome::Transient, "upload_unreadable"),
            (
                answer(200, r#"{"code":0,"errcode":0,"data":{"image_key":""},"media_id":""}"#),
                Outcome::Transient,
                "upload_unreadable",
            ),
            (coded(234_006, 40_009), Outcome::ContentRefused { compliance: false }, ""),
            (coded(234_007, 40_013), Outcome::EndpointRefused, ""),
            (coded(7, 7), Outcome::UnknownCode, "7"),
        ] {
            let (reports, requests) = send_images(&channel, 1, vec![answered]);
            let report = &reports[0];
            assert_eq!(report.outcome, outcome, "{} {report:?}", channel.as_str());
            assert!(code.is_empty() || report.code.as_deref() == Some(code), "{report:?}");
            assert_eq!(report.request_sha256, None, "no message was sent");
            // A token and the upload.
            assert_eq!((uploads(&requests).len(), requests.len()), (1, 2), "{report:?}");
        }
    }
}

/// Takes so long over an upload, and 4 s over anything else.
struct Slow(Prepared, u64);

impl HttpClient for Slow {
    async fn send(&self, request: HttpRequest) -> Answer {
        let is_upload = !uploads(std::slice::from_ref(&request)).is_empty();
        tokio::time::sleep(Duration::from_secs(if is_upload { self.1 } else { 4 })).await;
        self.0.send(request).await
    }
}

/// The dispatcher cuts a send after 20 s, and what is cut is unclear: an upload is given up before, while nothing has been sent.
#[test]
fn an_upload_that_takes_long_is_given_up_before_it_could_be_unclear() {
    for channel in with_uploads() {
        for (seconds, outcome, code, most) in [
            (9, "delivered", "0", 17),
            (11, "transient", "upload_timeout", 14),
            (3_600, "transient", "upload_timeout", 14),
        ] {
            let (_, http) = channels(vec![uploaded(&channel, "media-1"), answer(200, TAKEN)]);
            let slow = Slow(http, seconds);
            let channels = Channels::new(Endpoints::default(), slow, Named, Still).showing(Vectors);
            let (report, took) = block(async {
                let began = tokio::time::Instant::now();
                let report = channels.send(&tenant(), &destination(&channel), &picture()).await;
                (report, began.elapsed())
            });
            assert_eq!(
                (report.outcome.as_str(), report.code.as_deref()),
                (outcome, Some(code)),
                "{seconds} s"
            );
            assert_eq!(took.as_secs(), most, "{} {seconds} s", channel.as_str());
        }
    }
}

#[test]
fn what_can_not_be_sent_as_an_image_is_refused_before_anybody_is_called() {
    let other = Image { sha256: "0".repeat(64), ..card() };
    let large = Image { bytes: 10_000_001, ..card() };
    for (channel, image, code, outcome) in [
        (feishu_bot(None), card(), "image_not_supported", Outcome::ContentRefused { compliance: false }),
        (
            wecom_bot(),
            Image { bytes: 2_000_001, ..card() },
            "image_too_large",
            Outcome::ContentRefused { compliance: false },
        ),
        (wecom_app(), large, "image_too_large", Outcome::ContentRefused { compliance: false }),
        (wecom_bot(), other.clone(), "image_missing", Outcome::Transient),
    ] {
        let (channels, http) = channels(vec![answer(200, TAKEN)]);
        let channels = channels.showing(Vectors);
        let message = Message { image: Some(image), ..picture() };
        let report = block(channels.send(&tenant(), &destination(&channel), &message));
        assert_eq!((report.outcome, report.code.as_deref()), (outcome, Some(code)), "{}", channel.as_str());
        assert!(http.requests.lock().unwrap().is_empty());
    }
    let nobody = Message { recipient: None, ..picture() };
    let (channels, http) = channels(vec![answer(200, TAKEN)]);
    let report = block(channels.showing(Vectors).send(&tenant(), &destination(&wechat()), &nobody));
    assert_eq!(report.code.as_deref(), Some("recipient_missing"));
    assert!(http.requests.lock().unwrap().is_empty(), "and nothing is uploaded for nobody");
}

/// WeCom's duplicate check compares bodies: it would take the next event's image for a repeat, so an image has no memory there.
#[test]
fn only_feishu_remembers_an_image() {
    for channel in all() {
        let remembers = idempotency(&channel, Form::Image) != Idempotency::None;
        assert_eq!(remembers, matches!(channel, Channel::FeishuApp { .. }), "{}", channel.as_str());
    }
}
