//! The channels' callbacks, by vectors of the platforms and their official libraries.

use super::*;
use crate::scheme::Handshake;

/// Tencent's demo values, which its own libraries test with.
const DEMO: &str = r#"{"token":"QDG6eK","encoding_aes_key":"jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"}"#;
const DEMO_CORP: &str = "wx5823bf96d3bd56c7";
const DEMO_SEALED: &str = "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==";
const WECOM_QUERY: &str =
    "msg_signature=477715d11cdb4164915debcba66cb864d751f3e6&timestamp=1409659813&nonce=1372623149";
const WECOM_ECHO: &str = "msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&timestamp=1409659589&nonce=263014780&echostr=P9nAzCzyDtyTWESHep1vC5X9xho%2FqYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp%2B4RPcs8TgAE7OaBO%2BFZXvnaqQ%3D%3D";

/// MP, 消息推送: the document's own example.
const SAFE_MODE: &str =
    r#"{"token":"AAAAA","encoding_aes_key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
const SAFE_MODE_APP: &str = "wxba5fad812f8e6fb9";
const SAFE_MODE_SEALED: &str = "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=";
const SAFE_MODE_QUERY: &str = "signature=6c5c811b55cc85e0e1b54100749188c20beb3f5d&timestamp=1714112445&nonce=415670741&openid=o9AgO5Kd5ggOC-bXrbNODIiE3bGY&encrypt_type=aes&msg_signature=046e02f8204d34f8ba5fa3b1db94908f3df2e9b3";

/// What is sent where, when.
struct Case<'a> {
    scheme: SchemeName,
    secret: &'a str,
    app_id: Option<&'a str>,
    method: &'a str,
    query: &'a str,
    headers: &'a [(&'a str, &'a [u8])],
    body: &'a str,
    at_seconds: i64,
}

impl Case<'_> {
    /// The opened payload, or what the console asked.
    fn verify(&self) -> Result<(String, Option<Handshake>), VerifyError> {
        let key = secret(self.secret);
        let credentials = Credentials { app_id: self.app_id, ..Credentials::of_secret(&key) };
        let received = Received::new(self.method, self.headers.iter().copied(), self.body.as_bytes())
            .with_query_string(self.query);
        verify(self.scheme, &received, &credentials, UnixMillis(self.at_seconds * 1_000)).map(|verified| {
            (String::from_utf8(verified.payload().to_vec()).unwrap(), verified.handshake().cloned())
        })
    }
}

fn wecom(query: &'static str, body: &'static str) -> Case<'static> {
    Case {
        scheme: SchemeName::WecomCallback,
        secret: DEMO,
        app_id: Some(DEMO_CORP),
        method: if body.is_empty() { "GET" } else { "POST" },
        query,
        headers: &[],
        body,
        at_seconds: 1_409_659_700,
    }
}

fn wechat(body: &str) -> Case<'_> {
    Case {
        scheme: SchemeName::WechatPush,
        secret: SAFE_MODE,
        app_id: Some(SAFE_MODE_APP),
        method: "POST",
        query: SAFE_MODE_QUERY,
        headers: &[],
        body,
        at_seconds: 1_714_112_445,
    }
}

#[test]
fn the_published_callback_of_wecom_opens_for_its_receiver_alone() {
    let body: &'static str =
        format!("<xml><ToUserName><![CDATA[{DEMO_CORP}]]></ToUserName><Encrypt><![CDATA[{DEMO_SEALED}]]></Encrypt><AgentID><![CDATA[218]]></AgentID></xml>").leak();
    let (opened, handshake) = wecom(WECOM_QUERY, body).verify().unwrap();
    assert!(opened.contains("<MsgId>4561255354251345929</MsgId>") && handshake.is_none(), "{opened}");
    let other = Case { app_id: Some("wx0000000000000000"), ..wecom(WECOM_QUERY, body) };
    assert_eq!(other.verify(), Err(VerifyError::AppMismatch("Encrypt")));
    let unnamed = Case { app_id: None, ..wecom(WECOM_QUERY, body) };
    assert!(matches!(unnamed.verify(), Err(VerifyError::CredentialUnusable(_))));
    let late = Case { at_seconds: 1_409_659_813 + 301, ..wecom(WECOM_QUERY, body) };
    assert!(matches!(late.verify(), Err(VerifyError::TimestampOutsideWindow { .. })));
    for (from, to) in [("477715d1", "477715d2"), ("1409659813", "1409659814"), ("1372623149", "1372623140")] {
        let query: &'static str = WECOM_QUERY.replace(from, to).leak();
        assert_eq!(wecom(query, body).verify(), Err(VerifyError::SignatureMismatch), "{from}");
    }
}

#[test]
fn the_consoles_question_is_opened_and_answered() {
    let (_, handshake) = wecom(WECOM_ECHO, "").verify().unwrap();
    assert_eq!(handshake, Some(Handshake::Echo("1616140317555161061".to_owned())));
    let altered: &'static str = WECOM_ECHO.replace("echostr=P9nA", "echostr=Q9nA").leak();
    assert_eq!(wecom(altered, "").verify(), Err(VerifyError::SignatureMismatch));

    let query = "signature=f464b24fc39322e44b38aa78f5edd27bd1441696&timestamp=1714036504&nonce=1514711492&echostr=4375120948345356249";
    let asked = Case { method: "GET", query, at_seconds: 1_714_036_504, ..wechat("") };
    assert_eq!(asked.verify().unwrap().1, Some(Handshake::Echo("4375120948345356249".to_owned())));
}

#[test]
fn the_published_push_of_wechat_opens_as_json_and_as_xml() {
    let json = format!(r#"{{"ToUserName":"gh_97417a04a28d","Encrypt":"{SAFE_MODE_SEALED}"}}"#);
    let xml = format!("<xml><Encrypt><![CDATA[{SAFE_MODE_SEALED}]]></Encrypt></xml>");
    for body in [&json, &xml] {
        let (opened, _) = wechat(body).verify().unwrap();
        assert!(opened.ends_with(r#""Event":"debug_demo","debug_str":"hello world"}"#), "{opened}");
    }
    // The document says it itself: `signature` is not to be used.
    let old = SAFE_MODE_QUERY
        .replace("046e02f8204d34f8ba5fa3b1db94908f3df2e9b3", "6c5c811b55cc85e0e1b54100749188c20beb3f5d");
    assert_eq!(Case { query: &old, ..wechat(&json) }.verify(), Err(VerifyError::SignatureMismatch));
}

#[test]
fn a_plain_push_of_wechat_is_refused_for_nobody_signs_its_body() {
    let query = "signature=899cf89e464efb63f54ddac96b0a0a235f53aa78&timestamp=1714037059&nonce=486452656";
    let body = r#"{"ToUserName":"gh","Encrypt":"x"}"#;
    let plain = Case { query, at_seconds: 1_714_037_059, ..wechat(body) };
    assert!(matches!(plain.verify(), Err(VerifyError::BodyMalformed(_))));
}

const FEISHU: &str = r#"{"encrypt_key":"test key","verification_token":"xxxxxx"}"#;
/// `{"challenge":"ajls384kdjxxxx","token":"xxxxxx","type":"url_verification"}` under the document's key.
const CHALLENGE: &str = r#"{"encrypt":"AAECAwQFBgcICQoLDA0ODw9mLTIAZS9jAmGTQ1wAhHp7T0KSqa6xlIO2zHinxKSs1K4/7o0J6jqt9tlbOFlHae7/cvXLvNi4ZpCEt5KzcrL1tjJXRzgeOikjXBgef8ne"}"#;
const CHALLENGE_SIGNATURE: &[u8] = b"208610f021c7d8beba9f891ed6b9769da1face134ddbc800629d7062ab277a5b";

fn feishu<'a>(headers: &'a [(&'a str, &'a [u8])], secret: &'a str) -> Case<'a> {
    Case {
        scheme: SchemeName::FeishuEvents,
        secret,
        app_id: Some("cli_1"),
        method: "POST",
        query: "",
        headers,
        body: CHALLENGE,
        at_seconds: 1_599_360_473,
    }
}

#[test]
fn feishu_s_question_is_answered_with_and_without_a_signature() {
    let signed: &[(&str, &[u8])] = &[
        ("X-Lark-Signature", CHALLENGE_SIGNATURE),
        ("X-Lark-Request-Timestamp", b"1599360473"),
        ("X-Lark-Request-Nonce", b"nonce-0001"),
    ];
    let asked = Some(Handshake::FeishuChallenge("ajls384kdjxxxx".to_owned()));
    assert_eq!(feishu(signed, FEISHU).verify().unwrap().1, asked);
    assert_eq!(feishu(&[], FEISHU).verify().unwrap().1, asked);
    let other_token = FEISHU.replace("xxxxxx", "yyyyyy");
    assert_eq!(feishu(signed, &other_token).verify(), Err(VerifyError::AppMismatch("header")));
    assert_eq!(feishu(&[], &other_token).verify(), Err(VerifyError::HeaderMissing("X-Lark-Signature")));
    let other_key = FEISHU.replace("test key", "test kez");
    assert_eq!(feishu(signed, &other_key).verify(), Err(VerifyError::SignatureMismatch));
    assert_eq!(feishu(&[], &other_key).verify(), Err(VerifyError::HeaderMissing("X-Lark-Signature")));
}

#[test]
fn an_event_without_a_signature_or_of_another_application_is_nobody_s() {
    let key = secret(FEISHU);
    let body = |app_id: &str| {
        format!(
            r#"{{"schema":"2.0","header":{{"event_id":"1","token":"xxxxxx","event_type":"x","app_id":"{app_id}"}},"event":{{}}}}"#
        )
    };
    let now = UnixMillis(1_599_360_473_000);
    for (app_id, verdict) in [("cli_1", Ok(())), ("cli_2", Err(VerifyError::AppMismatch("header")))] {
        let body = body(app_id);
        let credentials = Credentials { app_id: Some("cli_1"), ..Credentials::of_secret(&key) };
        let message = super::super::ToSign::post(body.as_bytes(), now);
        let mut signed = super::super::sign(SchemeName::FeishuEvents, message, &credentials).unwrap();
        let verify = |signed: &super::super::Signed| {
            verify(SchemeName::FeishuEvents, &signed.received("POST"), &credentials, now).map(|_| ())
        };
        assert_eq!(verify(&signed), verdict);
        signed.headers.retain(|(name, _)| name != "X-Lark-Signature");
        assert_eq!(verify(&signed), Err(VerifyError::HeaderMissing("X-Lark-Signature")));
    }
}
