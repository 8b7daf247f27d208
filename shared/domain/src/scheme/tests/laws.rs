use proptest::prelude::*;

use super::super::{ToSign, sign};
use super::*;

const ENCRYPTED: &str =
    r#"{"token":"QDG6eK","encoding_aes_key":"jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"}"#;
const FEISHU: &str = r#"{"encrypt_key":"test key"}"#;
const PRIVATE_KEY: &str = include_str!("../../../../../tests/vectors/trade_system/private_key.pem");
const PUBLIC_KEY: &str = include_str!("../../../../../tests/vectors/trade_system/public_key.pem");
const NOW: UnixMillis = UnixMillis(1_795_219_200_000);

/// What is signed with and what is checked with.
fn secrets(scheme: SchemeName) -> (SecretString, SecretString) {
    match scheme {
        SchemeName::TradeSystem => (secret(PRIVATE_KEY), secret(PUBLIC_KEY)),
        SchemeName::MiniAppEncrypted | SchemeName::WecomCallback | SchemeName::WechatPush => {
            (secret(ENCRYPTED), secret(ENCRYPTED))
        }
        SchemeName::FeishuEvents => (secret(FEISHU), secret(FEISHU)),
        _ => (secret("test_secret"), secret("test_secret")),
    }
}

fn signed_and_verified(scheme: SchemeName, body: &[u8], previous: bool) -> Result<Vec<u8>, VerifyError> {
    let (signing, checking) = secrets(scheme);
    let rng = ring::rand::SystemRandom::new();
    let app_id = Some("app-1");
    let message = ToSign { rng: Some(&rng), ..ToSign::post(body, NOW) };
    let signed = sign(scheme, message, &Credentials { app_id, ..Credentials::of_secret(&signing) }).unwrap();
    let received = signed.received("POST");
    let other = match scheme {
        SchemeName::MiniAppEncrypted | SchemeName::WecomCallback | SchemeName::WechatPush => {
            secret(&ENCRYPTED.replace("QDG6eK", "another"))
        }
        SchemeName::FeishuEvents => secret(&FEISHU.replace("test key", "another")),
        SchemeName::TradeSystem => secret(PUBLIC_KEY),
        _ => secret("another"),
    };
    let credentials = if previous {
        Credentials { app_id, previous: Some(&checking), ..Credentials::of_secret(&other) }
    } else {
        Credentials { app_id, ..Credentials::of_secret(&checking) }
    };
    verify(scheme, &received, &credentials, NOW).map(|verified| verified.payload().to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_signed_verifies_and_keeps_its_bytes(number in 0_i64..i64::MAX, text in ".{0,80}", previous: bool) {
        let body = serde_json::json!({ "n": number, "text": text }).to_string().into_bytes();
        for scheme in SchemeName::ALL {
            let payload = signed_and_verified(scheme, &body, previous);
            prop_assert_eq!(payload.as_deref(), Ok(body.as_slice()), "{}", scheme);
        }
    }

    #[test]
    fn a_flipped_bit_of_the_body_never_verifies(at in any::<prop::sample::Index>(), bit in 0_u8..7) {
        let body = br#"{"event":"im_receive_msg","content":{"text":"hello"}}"#;
        for scheme in SchemeName::ALL {
            let (signing, checking) = secrets(scheme);
            let rng = ring::rand::SystemRandom::new();
            let app_id = Some("app-1");
            let message = ToSign { rng: Some(&rng), ..ToSign::post(body, NOW) };
            let credentials = Credentials { app_id, ..Credentials::of_secret(&signing) };
            let mut signed = sign(scheme, message, &credentials).unwrap();
            let at = at.index(signed.body.len());
            signed.body[at] ^= 1 << bit;
            let received = signed.received("POST");
            let credentials = Credentials { app_id, ..Credentials::of_secret(&checking) };
            if let Ok(verified) = verify(scheme, &received, &credentials, NOW) {
                // These sign fields of their body: what lies around them proves nothing and is not used.
                prop_assert!(matches!(
                    scheme,
                    SchemeName::SecuredPayment
                        | SchemeName::MiniAppEncrypted
                        | SchemeName::WecomCallback
                        | SchemeName::WechatPush
                ));
                prop_assert_eq!(verified.payload(), body.as_slice());
            }
        }
    }

    #[test]
    fn arbitrary_requests_never_verify_and_never_panic(
        body in prop::collection::vec(any::<u8>(), 0..200),
        value in prop::collection::vec(any::<u8>(), 0..60),
        query in "[a-z=&%0-9]{0,60}",
        get: bool,
    ) {
        let names = [
            "x-douyin-signature", "x-life-sign", "byte-signature", "byte-timestamp", "byte-nonce-str", "x-signature",
            "x-timestamp", "x-nonce-str", "x-msg-type", "event-sign", "app-id", "x-open-signature",
        ];
        let headers = names.map(|name| (name, value.as_slice()));
        let query = format!("signature=1&timestamp=1&nonce=1&{query}");
        let received = Received::new(if get { "GET" } else { "POST" }, headers, &body).with_query_string(&query);
        for scheme in SchemeName::ALL {
            let (_, checking) = secrets(scheme);
            let credentials = Credentials { app_id: Some("app-1"), ..Credentials::of_secret(&checking) };
            prop_assert!(verify(scheme, &received, &credentials, NOW).is_err());
            let explanation = super::super::explain(scheme, &received, &credentials, NOW);
            prop_assert!(!explanation.valid);
        }
    }
}

#[test]
fn a_signature_of_one_scheme_is_none_of_another() {
    let body = br#"{"event":"x"}"#;
    for signer in SchemeName::ALL {
        let (signing, _) = secrets(signer);
        let rng = ring::rand::SystemRandom::new();
        let app_id = Some("app-1");
        let message = ToSign { rng: Some(&rng), ..ToSign::post(body, NOW) };
        let signed =
            sign(signer, message, &Credentials { app_id, ..Credentials::of_secret(&signing) }).unwrap();
        let received = signed.received("POST");
        // One scheme under two names: what keeps them apart is the receiver inside, which is the same here.
        let tencent = |scheme| matches!(scheme, SchemeName::WecomCallback | SchemeName::WechatPush);
        let another = |scheme: &SchemeName| *scheme != signer && !(tencent(signer) && tencent(*scheme));
        for scheme in SchemeName::ALL.into_iter().filter(another) {
            let (_, checking) = secrets(scheme);
            let credentials = Credentials { app_id, ..Credentials::of_secret(&checking) };
            assert!(verify(scheme, &received, &credentials, NOW).is_err(), "{signer} as {scheme}");
        }
    }
}
