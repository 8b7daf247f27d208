//! Published vectors of the platforms' callback cryptography, and what must not pass.

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

use proptest::prelude::*;
use secrecy::SecretString;
use sluice_domain::scheme::callback::{
    CallbackError, FeishuEvents, TencentCallback, event_signature, signature,
};

const FEISHU_KEY: &str = "test key";
const HELLO: &str = "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=";
const CHALLENGE: &str = "AAECAwQFBgcICQoLDA0ODw9mLTIAZS9jAmGTQ1wAhHp7T0KSqa6xlIO2zHinxKSs1K4/7o0J6jqt9tlbOFlHae7/cvXLvNi4ZpCEt5KzcrL1tjJXRzgeOikjXBgef8ne";

fn feishu(key: &str) -> FeishuEvents {
    FeishuEvents::new(SecretString::from(key))
}

fn tencent(token: &str, key: &str, receiver: &str) -> TencentCallback {
    TencentCallback::new(SecretString::from(token), &SecretString::from(key), receiver).unwrap()
}

#[test]
fn feishu_events_open() {
    assert_eq!(feishu(FEISHU_KEY).open(HELLO).unwrap(), b"hello world");
    let challenge = r#"{"challenge":"ajls384kdjxxxx","token":"xxxxxx","type":"url_verification"}"#;
    assert_eq!(feishu(FEISHU_KEY).open(CHALLENGE).unwrap(), challenge.as_bytes());
    assert_eq!(feishu("other key").open(HELLO), Err(CallbackError::WrongKey));
    assert_eq!(feishu(FEISHU_KEY).open("P37w"), Err(CallbackError::MalformedCiphertext));
    assert_eq!(feishu(FEISHU_KEY).open("no base64!"), Err(CallbackError::MalformedCiphertext));
}

#[test]
fn feishu_event_signatures_cover_the_raw_body() {
    for (sealed, expected) in [
        (HELLO, "388b7b6f947ffbfd5487fe7ea6e5f43af3ebc25f79a290adb9037284c86a79f1"),
        (CHALLENGE, "208610f021c7d8beba9f891ed6b9769da1face134ddbc800629d7062ab277a5b"),
    ] {
        let body = format!(r#"{{"encrypt":"{sealed}"}}"#);
        assert_eq!(event_signature("1599360473", "nonce-0001", FEISHU_KEY, body.as_bytes()), expected);
        let events = feishu(FEISHU_KEY);
        assert_eq!(events.verify("1599360473", "nonce-0001", body.as_bytes(), expected), Ok(()));
        let spaced = body.replace(':', ": ");
        for (timestamp, nonce, body) in [
            ("1599360474", "nonce-0001", body.as_str()),
            ("1599360473", "nonce-0002", body.as_str()),
            ("1599360473", "nonce-0001", spaced.as_str()),
        ] {
            let verdict = events.verify(timestamp, nonce, body.as_bytes(), expected);
            assert_eq!(verdict, Err(CallbackError::SignatureMismatch), "{timestamp} {nonce} {body}");
        }
    }
}

/// A callback as it was published.
struct Published {
    /// Token, encoding key, receiver.
    keys: [&'static str; 3],
    timestamp: &'static str,
    nonce: &'static str,
    sealed: &'static str,
    signature: &'static str,
    /// What is inside, or how it begins.
    inside: &'static str,
}

const DEMO: [&str; 3] = ["QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7"];
const SAFE_MODE: [&str; 3] = ["AAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "wxba5fad812f8e6fb9"];

const TENCENT: &[Published] = &[
    Published {
        keys: DEMO,
        timestamp: "1409659813",
        nonce: "1372623149",
        sealed: "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==",
        signature: "477715d11cdb4164915debcba66cb864d751f3e6",
        inside: "<xml><ToUserName>",
    },
    Published {
        keys: DEMO,
        timestamp: "1409659589",
        nonce: "263014780",
        sealed: "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
        signature: "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
        inside: "1616140317555161061",
    },
    Published {
        keys: ["1372623149", DEMO[1], DEMO[2]],
        timestamp: "1629824456",
        nonce: "bqe3yfbqfc7",
        sealed: "22vyvcBQ1xafTSJuhMGQuFyOAh00m2enIATgo4R6SGHY/YhofNmfwCksP3OP0Gxnq+cqnJcuvUQtjSbEu60IUA==",
        signature: "6a27598fb5b01ee02684379a339fef6de65c83c2",
        inside: "ECHO",
    },
    Published {
        keys: ["123456", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wx49f0ab532d5d035a"],
        timestamp: "1411443780",
        nonce: "437374425",
        sealed: "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q==",
        signature: "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96",
        inside: "5927782489442352469",
    },
    Published {
        keys: SAFE_MODE,
        timestamp: "1714112445",
        nonce: "415670741",
        sealed: "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=",
        signature: "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
        inside: r#"{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714112445,"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}"#,
    },
];

#[test]
fn tencent_callbacks_verify_and_open() {
    for vector in TENCENT {
        let [token, key, receiver] = vector.keys;
        let callback = tencent(token, key, receiver);
        let verify = |nonce, sealed, signature| callback.verify(vector.timestamp, nonce, sealed, signature);
        assert_eq!(verify(vector.nonce, vector.sealed, vector.signature), Ok(()), "{}", vector.inside);
        let opened = String::from_utf8(callback.open(vector.sealed).unwrap()).unwrap();
        assert!(opened.starts_with(vector.inside), "{opened}");

        let mismatch = Err(CallbackError::SignatureMismatch);
        assert_eq!(verify("437374424", vector.sealed, vector.signature), mismatch, "another nonce");
        assert_eq!(verify(vector.nonce, HELLO, vector.signature), mismatch, "another text");
        let shouting = vector.signature.to_uppercase();
        assert_eq!(verify(vector.nonce, vector.sealed, &shouting), mismatch, "another case");
        assert_eq!(tencent(token, key, "wx0").open(vector.sealed), Err(CallbackError::WrongReceiver));
        let other_key = tencent(token, "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", receiver);
        assert!(other_key.open(vector.sealed).is_err());
    }
}

#[test]
fn the_first_vector_holds_the_message_that_is_documented() {
    let [token, key, receiver] = DEMO;
    let opened = String::from_utf8(tencent(token, key, receiver).open(TENCENT[0].sealed).unwrap()).unwrap();
    for part in ["<Content><![CDATA[hello]]></Content>", "4561255354251345929", "<AgentID>218</AgentID>"] {
        assert!(opened.contains(part), "{part} in {opened}");
    }
}

#[test]
fn answers_seal_to_the_published_bytes() {
    let callback = tencent("t", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wxb11529c136998cb6");
    let sealed = callback.seal("我是中文abcd123".as_bytes(), *b"aaaabbbbccccdddd").unwrap();
    assert_eq!(
        sealed,
        "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg=="
    );

    let [token, key, receiver] = SAFE_MODE;
    let callback = tencent(token, key, receiver);
    let sealed = callback.seal(br#"{"demo_resp":"good luck"}"#, *b"707722b803182950").unwrap();
    assert_eq!(
        sealed,
        "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
    );
    assert_eq!(callback.sign("1713424427", "415670741", &sealed), "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1");
}

#[test]
fn plain_wechat_signatures_leave_the_text_out() {
    for (timestamp, nonce, expected) in [
        ("1714036504", "1514711492", "f464b24fc39322e44b38aa78f5edd27bd1441696"),
        ("1714037059", "486452656", "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
        ("1714112445", "415670741", "6c5c811b55cc85e0e1b54100749188c20beb3f5d"),
    ] {
        assert_eq!(signature(&["AAAAA", timestamp, nonce]), expected);
    }
    let safe = &TENCENT[4];
    let callback = tencent(SAFE_MODE[0], SAFE_MODE[1], SAFE_MODE[2]);
    let plain = "6c5c811b55cc85e0e1b54100749188c20beb3f5d";
    assert_eq!(
        callback.verify(safe.timestamp, safe.nonce, safe.sealed, plain),
        Err(CallbackError::SignatureMismatch),
        "the plain signature does not cover the sealed text"
    );
}

#[test]
fn encoding_keys_are_43_characters_of_base64() {
    for key in ["", "short", &"A".repeat(42), &"A".repeat(44), &"!".repeat(43)] {
        let made = TencentCallback::new(SecretString::from("t"), &SecretString::from(key), "wx");
        assert_eq!(made.err(), Some(CallbackError::InvalidKey), "{key}");
    }
}

proptest! {
    #[test]
    fn arbitrary_text_never_opens_and_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        use base64::Engine as _;
        let [token, key, receiver] = DEMO;
        let sealed = base64::engine::general_purpose::STANDARD.encode(&bytes);
        prop_assert!(tencent(token, key, receiver).open(&sealed).is_err());
        let _ = feishu(FEISHU_KEY).open(&sealed);
    }

    #[test]
    fn sealed_answers_open_again(message in proptest::collection::vec(any::<u8>(), 0..200), random in any::<[u8; 16]>()) {
        let [token, key, receiver] = DEMO;
        let callback = tencent(token, key, receiver);
        prop_assert_eq!(callback.open(&callback.seal(&message, random).unwrap()).unwrap(), message);
    }
}
