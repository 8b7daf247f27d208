//! Every rule the simulators enforce, asked over HTTP.

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod control;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use serde_json::{Value, json};
use sluice_channels::HyperClient;
use sluice_ports::{HttpClient, HttpRequest};
use sluice_simulators::{Platform, Running, SimulatorOptions, Simulators};

const MINUTE_MS: i64 = 60_000;

struct Stage {
    simulators: Running,
    http: HyperClient,
}

impl Stage {
    async fn new() -> Self {
        let simulators = Simulators::start(SimulatorOptions::demo()).await.unwrap();
        Self { simulators, http: HyperClient::new().unwrap() }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: String,
    ) -> (u16, Value) {
        let url = format!("{}{path}", self.simulators.feishu_url);
        let request = HttpRequest {
            method,
            url,
            headers,
            body: Bytes::from(body),
            reach: sluice_ports::Reach::default(),
        };
        let answer = self.http.send(request).await.unwrap();
        (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.call(Method::POST, path, Vec::new(), body.to_string()).await.1
    }

    async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, Vec::new(), String::new()).await.1
    }

    /// A Feishu application's message; its code.
    async fn feishu_message(&self, token: &str, kind: &str, body: &Value) -> (u16, i64) {
        let path = format!("/open-apis/im/v1/messages?receive_id_type={kind}");
        let bearer = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
        let headers = vec![(header::AUTHORIZATION, bearer)];
        let (status, answer) = self.call(Method::POST, &path, headers, body.to_string()).await;
        (status, code(&answer))
    }

    async fn feishu_token(&self) -> String {
        let app = json!({ "app_id": "cli_demo", "app_secret": "demo" });
        let answer = self.post("/open-apis/auth/v3/tenant_access_token/internal", app).await;
        text(&answer, "tenant_access_token")
    }

    async fn wecom_token(&self) -> String {
        text(&self.get("/cgi-bin/gettoken?corpid=ww_demo&corpsecret=demo").await, "access_token")
    }

    async fn stable_token(&self, force: bool) -> String {
        let body = json!({
            "grant_type": "client_credential", "appid": "wx_demo", "secret": "demo", "force_refresh": force
        });
        text(&self.post("/cgi-bin/stable_token", body).await, "access_token")
    }

    async fn custom(&self, token: &str, open_id: &str, content: &str) -> i64 {
        let body = json!({ "touser": open_id, "msgtype": "text", "text": { "content": content } });
        code(&self.post(&format!("/cgi-bin/message/custom/send?access_token={token}"), body).await)
    }

    fn now_seconds(&self) -> i64 {
        self.simulators.clock().now_ms() / 1_000
    }

    fn advance(&self, ms: i64) {
        self.simulators.clock().advance_ms(ms);
    }
}

fn code(answer: &Value) -> i64 {
    answer.get("errcode").or_else(|| answer.get("code")).and_then(Value::as_i64).unwrap_or(i64::MIN)
}

fn text(answer: &Value, field: &str) -> String {
    answer.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

const HOOK: &str = "/open-apis/bot/v2/hook/demo";

/// A signed bot message; signed by the sender's own code, which has the published vectors.
async fn signed(stage: &Stage, seconds: i64) -> i64 {
    use base64::Engine as _;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mac = Hmac::<sha2::Sha256>::new_from_slice(format!("{seconds}\ndemo").as_bytes()).unwrap();
    let sign = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    let body = json!({
        "timestamp": seconds.to_string(), "sign": sign, "msg_type": "text", "content": { "text": "hello" }
    });
    code(&stage.post(HOOK, body).await)
}

#[tokio::test]
async fn feishu_takes_signs_of_one_hour_around() {
    let stage = Stage::new().await;
    let now = stage.now_seconds();
    for (minutes, expected) in [(0, 0), (-59, 0), (59, 0), (-61, 19_021), (61, 19_021)] {
        assert_eq!(signed(&stage, now + minutes * 60).await, expected, "{minutes} min");
        stage.advance(1_000);
    }
    let unsigned = json!({ "msg_type": "text", "content": { "text": "hello" } });
    assert_eq!(code(&stage.post(HOOK, unsigned).await), 19_021);
}

#[tokio::test]
async fn feishu_bots_take_five_a_second_and_a_hundred_a_minute() {
    let stage = Stage::new().await;
    let mut taken = 0;
    for second in 0..22 {
        for call in 0..6 {
            let answer = signed(&stage, stage.now_seconds()).await;
            // The simulators' seconds go on during the calls; what counts is that no second of five lets a sixth through.
            assert!(answer == 0 || answer == 11_232, "second {second}, call {call}: {answer}");
            taken += i32::from(answer == 0);
        }
        stage.advance(1_000);
    }
    assert_eq!(taken, 100);
    assert_eq!(stage.simulators.counters(Platform::Feishu).over_limit, 22 * 6 - 100);
    stage.advance(MINUTE_MS);
    assert_eq!(signed(&stage, stage.now_seconds()).await, 0);
}

#[tokio::test]
async fn feishu_bots_refuse_what_they_can_not_show() {
    let stage = Stage::new().await;
    assert_eq!(code(&stage.post("/open-apis/bot/v2/hook/nobody", json!({})).await), 19_001);
    let long = json!({ "msg_type": "text", "content": { "text": "x".repeat(20 * 1_024) } });
    assert_eq!(code(&stage.post(HOOK, long).await), 19_036);
    let (_, answer) = stage.call(Method::POST, HOOK, Vec::new(), "{".to_owned()).await;
    assert_eq!(code(&answer), 9_499);
}

#[tokio::test]
async fn feishu_gives_a_second_token_in_the_last_half_hour() {
    let stage = Stage::new().await;
    let first = stage.feishu_token().await;
    stage.advance(89 * MINUTE_MS);
    assert_eq!(stage.feishu_token().await, first);
    stage.advance(2 * MINUTE_MS);
    let second = stage.feishu_token().await;
    assert_ne!(second, first);
    let body = json!({ "receive_id": "demo", "msg_type": "text", "content": "{\"text\":\"x\"}" });
    for token in [&first, &second] {
        assert_eq!(stage.feishu_message(token, "open_id", &body).await, (200, 0), "both are good");
    }
    stage.advance(30 * MINUTE_MS);
    assert_eq!(stage.feishu_message(&first, "open_id", &body).await, (400, 99_991_663));
    assert_eq!(stage.feishu_message(&second, "open_id", &body).await, (200, 0));
    let wrong = json!({ "app_id": "cli_demo", "app_secret": "wrong" });
    let answer = stage.post("/open-apis/auth/v3/tenant_access_token/internal", wrong).await;
    assert_eq!(code(&answer), 10_015);
}

#[tokio::test]
async fn feishu_messages_must_be_as_documented() {
    let stage = Stage::new().await;
    let token = stage.feishu_token().await;
    let body = |content: Value| json!({ "receive_id": "demo", "msg_type": "text", "content": content });
    let good = body(json!("{\"text\":\"x\"}"));
    for (token, kind, body, expected) in [
        (token.as_str(), "open_id", good.clone(), (200, 0)),
        ("t-unknown", "open_id", good.clone(), (400, 99_991_663)),
        ("x", "open_id", good.clone(), (400, 99_991_671)),
        (&token, "phone", good.clone(), (400, 230_001)),
        (&token, "open_id", body(json!({ "text": "an object" })), (400, 230_001)),
        (&token, "open_id", body(json!("not json")), (400, 230_001)),
        (&token, "open_id", body(json!(format!("{{\"text\":\"{}\"}}", "x".repeat(160_000)))), (400, 230_025)),
    ] {
        assert_eq!(stage.feishu_message(token, kind, &body).await, expected, "{kind}");
    }
    let stranger = json!({ "receive_id": "stranger", "msg_type": "text", "content": "{\"text\":\"x\"}" });
    assert_eq!(stage.feishu_message(&token, "open_id", &stranger).await, (400, 230_034));
    let card = json!({ "receive_id": "demo", "msg_type": "interactive", "content": "{}" });
    assert_eq!(stage.feishu_message(&token, "open_id", &card).await, (400, 230_099));
}

#[tokio::test]
async fn feishu_remembers_a_uuid_for_an_hour() {
    let stage = Stage::new().await;
    let body =
        json!({ "receive_id": "demo", "msg_type": "text", "content": "{\"text\":\"x\"}", "uuid": "u1" });
    for (after_minutes, seen) in [(0, 1), (0, 1), (59, 1), (2, 2)] {
        stage.advance(after_minutes * MINUTE_MS);
        let token = stage.feishu_token().await;
        assert_eq!(stage.feishu_message(&token, "open_id", &body).await, (200, 0));
        assert_eq!(stage.simulators.seen().len(), seen);
    }
    assert_eq!(stage.simulators.counters(Platform::Feishu).duplicates_suppressed, 2);
}

#[tokio::test]
async fn wecom_bots_take_twenty_a_minute_and_then_nothing_for_a_minute() {
    let stage = Stage::new().await;
    let path = "/cgi-bin/webhook/send?key=demo";
    let body = json!({ "msgtype": "text", "text": { "content": "x" } });
    for _ in 0..20 {
        assert_eq!(code(&stage.post(path, body.clone()).await), 0);
    }
    assert_eq!(code(&stage.post(path, body.clone()).await), 45_009);
    stage.advance(30_000);
    assert_eq!(code(&stage.post(path, body.clone()).await), 45_009);
    let counters = stage.simulators.counters(Platform::Wecom);
    assert_eq!((counters.over_limit, counters.calls_while_blocked), (1, 1));
    stage.advance(31_000);
    assert_eq!(code(&stage.post(path, body).await), 0);
}

#[tokio::test]
async fn wecom_bots_check_types_and_bytes() {
    let stage = Stage::new().await;
    let of = |kind: &str, length: usize| json!({ "msgtype": kind, kind: { "content": "x".repeat(length) } });
    for (body, expected) in [
        (of("text", 2_048), 0),
        (of("text", 2_049), 45_002),
        (of("text", 0), 44_004),
        (of("markdown", 4_096), 0),
        (of("markdown", 4_097), 45_002),
        (of("poem", 1), 40_008),
        (json!({ "msgtype": "text" }), 40_058),
    ] {
        assert_eq!(code(&stage.post("/cgi-bin/webhook/send?key=demo", body).await), expected);
    }
    assert_eq!(code(&stage.post("/cgi-bin/webhook/send?key=other", of("text", 1)).await), 93_000);
}

fn wecom_body(content: &str, check: i32) -> Value {
    json!({
        "touser": "demo", "msgtype": "text", "agentid": 1_000_002, "text": { "content": content },
        "enable_duplicate_check": check, "duplicate_check_interval": 600
    })
}

#[tokio::test]
async fn wecom_does_not_receive_the_same_content_again_within_the_interval() {
    let stage = Stage::new().await;
    let path = format!("/cgi-bin/message/send?access_token={}", stage.wecom_token().await);
    for (content, check, seen) in [("a", 1, 1), ("a", 1, 1), ("b", 1, 2), ("c", 0, 3), ("c", 0, 4)] {
        assert_eq!(code(&stage.post(&path, wecom_body(content, check)).await), 0);
        assert_eq!(stage.simulators.seen().len(), seen, "{content} {check}");
    }
    stage.advance(10 * MINUTE_MS);
    stage.post(&path, wecom_body("a", 1)).await;
    assert_eq!(stage.simulators.seen().len(), 5);
}

#[tokio::test]
async fn wecom_drops_the_thirty_first_message_of_a_minute_without_a_word() {
    let stage = Stage::new().await;
    let path = format!("/cgi-bin/message/send?access_token={}", stage.wecom_token().await);
    for number in 0..33 {
        assert_eq!(code(&stage.post(&path, wecom_body(&number.to_string(), 0)).await), 0);
    }
    assert_eq!(stage.simulators.seen().len(), 30);
    assert_eq!(stage.simulators.counters(Platform::Wecom).dropped_silently, 3);
}

#[tokio::test]
async fn wecom_applications_need_their_token_and_their_members() {
    let stage = Stage::new().await;
    let token = stage.wecom_token().await;
    let send = |token: &str| format!("/cgi-bin/message/send?access_token={token}");
    assert_eq!(code(&stage.post("/cgi-bin/message/send", wecom_body("x", 0)).await), 41_001);
    assert_eq!(code(&stage.post(&send("unknown"), wecom_body("x", 0)).await), 40_014);
    let other = json!({ "touser": "demo", "msgtype": "text", "agentid": 1, "text": { "content": "x" } });
    assert_eq!(code(&stage.post(&send(&token), other).await), 40_056);
    let mut some = wecom_body("x", 0);
    some["touser"] = json!("Demo|Nobody");
    let answer = stage.post(&send(&token), some.clone()).await;
    assert_eq!((code(&answer), text(&answer, "invaliduser")), (0, "nobody".to_owned()));
    some["touser"] = json!("Nobody");
    assert_eq!(code(&stage.post(&send(&token), some).await), 81_013);
    stage.advance(121 * MINUTE_MS);
    assert_eq!(code(&stage.post(&send(&token), wecom_body("x", 0)).await), 42_001);
    for (query, expected) in
        [("corpid=other&corpsecret=demo", 40_013), ("corpid=ww_demo&corpsecret=x", 40_001)]
    {
        assert_eq!(code(&stage.get(&format!("/cgi-bin/gettoken?{query}")).await), expected);
    }
}

#[tokio::test]
async fn wechat_stable_tokens_live_on_and_plain_ones_end_each_other() {
    let stage = Stage::new().await;
    let stable = stage.stable_token(false).await;
    assert_eq!(stage.stable_token(false).await, stable);
    let plain = "/cgi-bin/token?grant_type=client_credential&appid=wx_demo&secret=demo";
    let first = text(&stage.get(plain).await, "access_token");
    let second = text(&stage.get(plain).await, "access_token");
    for (token, expected) in [(&stable, 0), (&first, 40_001), (&second, 0)] {
        assert_eq!(stage.custom(token, "demo", "x").await, expected);
    }
    stage.advance(116 * MINUTE_MS);
    let next = stage.stable_token(false).await;
    assert_ne!(next, stable, "renewed in the last five minutes");
    for token in [&stable, &next] {
        assert_eq!(stage.custom(token, "demo", "x").await, 0, "both are good");
    }
    stage.stable_token(true).await;
    assert_eq!(stage.custom(&next, "demo", "x").await, 40_001, "forced out");
}

#[tokio::test]
async fn wechat_people_are_reached_in_their_window_only() {
    let stage = Stage::new().await;
    let token = stage.stable_token(false).await;
    assert_eq!(stage.custom(&token, "stranger", "x").await, 40_003);
    assert_eq!(stage.custom(&token, "demo", &"x".repeat(2_049)).await, 45_002);
    for expected in [0, 0, 0, 0, 0, 45_047] {
        assert_eq!(stage.custom(&token, "demo", "x").await, expected);
    }
    assert_eq!(stage.simulators.counters(Platform::Wechat).over_limit, 1);
    let act = |does: &str| json!({ "does": does, "app_id": "wx_demo", "open_id": "demo" });
    stage.post("/_simulator/people", act("wechat_writes")).await;
    assert_eq!(stage.custom(&token, "demo", "x").await, 0);
    stage.post("/_simulator/people", act("wechat_refuses")).await;
    assert_eq!(stage.custom(&token, "demo", "x").await, 48_002);
    stage.post("/_simulator/people", act("wechat_writes")).await;
    stage.advance(48 * 60 * MINUTE_MS);
    let token = stage.stable_token(false).await;
    assert_eq!(stage.custom(&token, "demo", "x").await, 45_015);
}

#[tokio::test]
async fn only_loopback_addresses_are_listened_on() {
    let everywhere = "0.0.0.0:0".parse().unwrap();
    assert!(Simulators::start_at(everywhere, SimulatorOptions::default()).await.is_err());
}

#[tokio::test]
async fn what_no_platform_has_is_not_found() {
    let stage = Stage::new().await;
    for path in ["/", "/open-apis/bot/hook/demo", "/cgi-bin/other", "/_simulator/other"] {
        assert_eq!(stage.call(Method::POST, path, Vec::new(), String::new()).await.0, 404, "{path}");
    }
    assert_eq!(stage.call(Method::GET, HOOK, Vec::new(), String::new()).await.0, 405);
}
