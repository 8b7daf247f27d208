use serde_json::Value;

use super::super::digest;
use super::super::mobile;
use super::*;

fn rows(scheme: &str) -> Vec<Value> {
    let rows: Vec<Value> =
        serde_json::from_str(include_str!("../../../../../tests/vectors/douyin_signatures.json")).unwrap();
    let found: Vec<_> = rows.into_iter().filter(|row| row["scheme"] == scheme).collect();
    assert!(!found.is_empty(), "no vector of {scheme}");
    found
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or_else(|| panic!("no {field}"))
}

/// The same value with its first character changed.
fn wrong(signature: &str) -> String {
    let first = if signature.starts_with('0') { "1" } else { "0" };
    signature.chars().skip(1).fold(first.to_owned(), |mut out, letter| {
        out.push(letter);
        out
    })
}

#[test]
fn every_row_of_the_file_is_used() {
    let known = [
        "open_platform_webhook",
        "open_platform_webhook_NEGATIVE",
        "life_spi",
        "doudian_push",
        "doudian_openapi_request",
        "oceanengine_spi",
        "live_room_or_minigame_push",
        "ecpay_callback",
        "mp_echo_verify",
        "mp_encrypted_push",
        "userinfo_encrypt_mobile",
    ];
    let all: Vec<Value> =
        serde_json::from_str(include_str!("../../../../../tests/vectors/douyin_signatures.json")).unwrap();
    assert_eq!(known.iter().map(|scheme| rows(scheme).len()).sum::<usize>(), all.len());
}

#[test]
fn open_platform_signatures_verify_and_altered_ones_do_not() {
    for row in rows("open_platform_webhook") {
        let (body, expected, key) =
            (text(&row, "body"), text(&row, "expected"), secret(text(&row, "secret")));
        let credentials = Credentials::of_secret(&key);
        let verify = |signature: &str, body: &str| {
            Request::post(&[("x-douyin-signature", signature)], body).verify(
                SchemeName::OpenPlatform,
                &credentials,
                0,
            )
        };
        assert_eq!(verify(expected, body).as_deref(), Ok(body));
        assert!(verify(&expected.to_uppercase(), body).is_ok(), "hex is compared without case");
        assert_eq!(verify(&wrong(expected), body), Err(VerifyError::SignatureMismatch));
        assert_eq!(verify(expected, &format!("{body} ")), Err(VerifyError::SignatureMismatch));
        assert_eq!(verify(expected.split_at(38).0, body), Err(VerifyError::SignatureMismatch));
        assert_eq!(verify("", body), Err(VerifyError::SignatureMismatch));
    }
}

#[test]
fn hmac_signatures_of_the_open_platform_are_rejected() {
    for row in rows("open_platform_webhook_NEGATIVE") {
        let key = secret(text(&row, "secret"));
        let request = Request::post(&[("X-Douyin-Signature", text(&row, "must_reject"))], text(&row, "body"));
        for digest in [crate::source::Digest::Sha1, crate::source::Digest::Sha256] {
            let credentials = Credentials { digest, ..Credentials::of_secret(&key) };
            let outcome = request.verify(SchemeName::OpenPlatform, &credentials, 0);
            assert_eq!(outcome, Err(VerifyError::SignatureMismatch));
        }
    }
}

#[test]
fn life_spi_signs_query_and_body() {
    for row in rows("life_spi") {
        let key = secret(text(&row, "client_secret"));
        let credentials = Credentials { app_id: Some("xxxxxx"), ..Credentials::of_secret(&key) };
        let mut request =
            Request::post(&[("X-Life-Sign", text(&row, "expected_sha256"))], text(&row, "body"));
        request.query = vec![("timestamp", "1624293280123"), ("sign", "old"), ("client_key", "xxxxxx")];
        let at = 1_624_293_280_123;
        assert_eq!(request.verify(SchemeName::LifeSpi, &credentials, at).as_deref(), Ok("zzzzzz"));
        let late = request.verify(SchemeName::LifeSpi, &credentials, at + 300_001);
        assert!(matches!(late, Err(VerifyError::TimestampOutsideWindow { .. })), "{late:?}");
        request.query[0].1 = "1624293280124";
        assert_eq!(
            request.verify(SchemeName::LifeSpi, &credentials, at),
            Err(VerifyError::SignatureMismatch)
        );
        let mut md5 = Request::post(&[("x-life-sign", text(&row, "expected_legacy_md5_sign"))], "zzzzzz");
        md5.query = vec![("timestamp", "1624293280123"), ("client_key", "xxxxxx")];
        assert_eq!(md5.verify(SchemeName::LifeSpi, &credentials, at), Err(VerifyError::SignatureMismatch));
    }
}

#[test]
fn life_spi_without_a_body_signs_the_query_only() {
    // From the same page's rule; SHA-256 of `yyyyyy&client_key=xxxxxx&timestamp=1624293280123`.
    let key = secret("yyyyyy");
    let signature = "a349185f6a02e4134353917ab216e73cebdc7ffaf8bff012f0a927d572e55e38";
    let mut request = Request::post(&[("x-life-sign", signature)], "");
    request.method = "GET";
    request.query = vec![("client_key", "xxxxxx"), ("timestamp", "1624293280123")];
    let outcome = request.verify(SchemeName::LifeSpi, &Credentials::of_secret(&key), 1_624_293_280_123);
    assert_eq!(outcome.as_deref(), Ok(""));
}

#[test]
fn doudian_signs_key_body_and_secret() {
    for row in rows("doudian_push") {
        let key = secret(text(&row, "app_secret"));
        let credentials = Credentials { app_id: Some("1234567890"), ..Credentials::of_secret(&key) };
        let (body, sign) = (text(&row, "body"), text(&row, "expected_event_sign"));
        let verify = |app: &str, sign: &str, credentials: &Credentials<'_>| {
            Request::post(&[("app-id", app), ("event-sign", sign)], body).verify(
                SchemeName::Doudian,
                credentials,
                0,
            )
        };
        assert_eq!(verify("1234567890", sign, &credentials).as_deref(), Ok(body));
        assert_eq!(verify("1234567890", &wrong(sign), &credentials), Err(VerifyError::SignatureMismatch));
        assert_eq!(verify("other", sign, &credentials), Err(VerifyError::AppMismatch("app-id")));
        let unnamed = verify("1234567890", sign, &Credentials::of_secret(&key));
        assert!(matches!(unnamed, Err(VerifyError::CredentialUnusable(_))));
    }
}

#[test]
fn the_digests_make_the_openapi_vector_too() {
    for row in rows("doudian_openapi_request") {
        let signed = text(&row, "string_to_sign").as_bytes();
        assert_eq!(hex::encode(digest::hmac_sha256(b"abcdef", signed)), text(&row, "expected_hmac_sha256"));
        assert_eq!(hex::encode(digest::md5(&[signed])), text(&row, "expected_md5"));
    }
}

#[test]
fn ocean_engine_signs_with_hmac() {
    for row in rows("oceanengine_spi") {
        let key = secret(text(&row, "secret"));
        let credentials = Credentials::of_secret(&key);
        let (body, sign) = (text(&row, "body"), text(&row, "expected"));
        let verify = |sign: &str| {
            Request::post(&[("X-Open-Signature", sign)], body).verify(
                SchemeName::OceanEngine,
                &credentials,
                0,
            )
        };
        assert_eq!(verify(sign).as_deref(), Ok(body));
        assert_eq!(verify(&wrong(sign)), Err(VerifyError::SignatureMismatch));
    }
}

#[test]
fn the_official_live_vector_verifies_near_its_own_time_only() {
    for row in rows("live_room_or_minigame_push") {
        let key = secret(text(&row, "secret"));
        let credentials = Credentials::of_secret(&key);
        let mut headers: Vec<(&str, &str)> = row["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        // What a proxy adds is not signed.
        headers.extend([("x-forwarded-for", "192.0.2.1"), ("content-type", "application/json")]);
        headers.push(("x-signature", text(&row, "expected")));
        let mut request = Request::post(&headers, text(&row, "body"));
        assert_eq!(request.verify(SchemeName::LivePush, &credentials, 456_789).as_deref(), Ok("abc123你好"));
        let today = request.verify(SchemeName::LivePush, &credentials, 1_795_219_200);
        assert!(matches!(today, Err(VerifyError::TimestampOutsideWindow { .. })));
        request.headers.retain(|(name, _)| *name != "x-roomid");
        let unsigned_room = request.verify(SchemeName::LivePush, &credentials, 456_789);
        assert_eq!(unsigned_room, Err(VerifyError::SignatureMismatch));
    }
}

#[test]
fn secured_payment_signs_the_message() {
    for row in rows("ecpay_callback") {
        let key = secret(text(&row, "token"));
        let credentials = Credentials::of_secret(&key);
        let body = |sign: &str| {
            serde_json::json!({ "timestamp": row["timestamp"], "nonce": row["nonce"], "msg": row["msg"],
                "type": "payment", "msg_signature": sign })
            .to_string()
        };
        let verify = |body: &str| {
            Request::post(&[], body).verify(SchemeName::SecuredPayment, &credentials, 1_602_507_471)
        };
        let sign = text(&row, "expected_msg_signature");
        assert_eq!(verify(&body(sign)).as_deref(), Ok(text(&row, "msg")));
        assert_eq!(verify(&body(&wrong(sign))), Err(VerifyError::SignatureMismatch));
        assert_eq!(verify("{}"), Err(VerifyError::FieldMissing("timestamp")));
        assert!(matches!(verify("[]"), Err(VerifyError::BodyMalformed(_))));
    }
}

#[test]
fn the_push_handshake_signs_the_message() {
    for row in rows("mp_echo_verify") {
        let key = secret(text(&row, "token"));
        let mut request = Request::post(&[], "");
        request.method = "GET";
        request.query = vec![
            ("signature", text(&row, "expected_signature")),
            ("timestamp", text(&row, "timestamp")),
            ("nonce", text(&row, "nonce")),
            ("msg", text(&row, "msg")),
            ("echostr", "echo"),
        ];
        let received = request.received();
        let now = UnixMillis::from_platform(1_602_507_471);
        let credentials = Credentials::of_secret(&key);
        let verified = verify(SchemeName::MiniAppPush, &received, &credentials, now).unwrap();
        assert_eq!(verified.handshake(), Some(&super::super::Handshake::Echo("echo".to_owned())));
        request.query[3].1 = "hello2";
        let altered = request.verify(SchemeName::MiniAppPush, &credentials, 1_602_507_471);
        assert_eq!(altered, Err(VerifyError::SignatureMismatch));
    }
}

/// A second ciphertext of the SDK's tests, under the same keys as the row of the file.
const TICKET: (&str, &str, &str) = (
    "OheJ/nrK5Liim/H6TjL6ufUBwoxRP4sy2e0mS7IO47WESBIHgIXdGLwhs8iDCgMsPe0I78q2jUNtdO7w6+Vg+gtmEm5mbcljWv18Fs5hw91+hwID9uOGNC5ICeLGMMXW0uaGtqn8XgwXxtROAK220M5oRYK9MvmIoU/Q7Tvx1xnP4Jfunww+2mYqgD3YIYvTFVReX+3BeRuBh7zOK7tRbdqXaPbK/Cko0Vnt82rikDmItgXLUtJC4wxJohhXKZGb/12oFq6L/Uy+CtLqVLZMIH4uxlb5cO9exYfArVocZTc=",
    "e51e71c9087fc57ae1cf8eb25c0d1ba837db5b7c",
    r#"{"FromUserName":"ByteDanceMicroApp","CreateTime":"2019-01-14 12:45:10","Event":"PUSH","MsgType":"Ticket","Ticket":"8c0da4968b0d1e28acbc1d738a56607d"}"#,
);

#[test]
fn encrypted_pushes_verify_and_decrypt_as_json_and_xml() {
    for row in rows("mp_encrypted_push") {
        let keys = serde_json::json!({ "token": row["token"], "encoding_aes_key": row["encoding_aes_key"] });
        let key = secret(&keys.to_string());
        let app_id = text(&row, "app_id");
        let credentials = Credentials { app_id: Some(app_id), ..Credentials::of_secret(&key) };
        let (time, nonce) = (text(&row, "TimeStamp"), text(&row, "Nonce"));
        let first = (text(&row, "Encrypt"), text(&row, "MsgSignature"), text(&row, "plaintext"));
        for (encrypted, sign, plain) in [first, TICKET] {
            let json = |sign: &str| {
                serde_json::json!({ "Nonce": nonce, "TimeStamp": time, "Encrypt": encrypted, "MsgSignature": sign })
                    .to_string()
            };
            let xml = format!(
                "<xml><Nonce>{nonce}</Nonce><TimeStamp>{time}</TimeStamp><Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature>{sign}</MsgSignature></xml>"
            );
            let verify = |body: &str, credentials: &Credentials<'_>| {
                Request::post(&[], body).verify(SchemeName::MiniAppEncrypted, credentials, 1_409_659_813)
            };
            assert_eq!(verify(&json(sign), &credentials).as_deref(), Ok(plain));
            assert_eq!(verify(&xml, &credentials).as_deref(), Ok(plain));
            assert_eq!(verify(&json(&wrong(sign)), &credentials), Err(VerifyError::SignatureMismatch));
            let other = Credentials { app_id: Some("tt-other"), ..credentials };
            assert_eq!(verify(&json(sign), &other), Err(VerifyError::AppMismatch("Encrypt")));
        }
    }
}

#[test]
fn the_published_mobile_number_decrypts() {
    for row in rows("userinfo_encrypt_mobile") {
        let key = secret(text(&row, "client_secret"));
        let opened = mobile::decrypt(&key, text(&row, "cipher_b64")).unwrap();
        assert_eq!(crate::sealed::exposed(&opened), text(&row, "plaintext"));
    }
}

#[test]
fn a_trade_system_signature_made_by_openssl_verifies_under_every_form_of_its_key() {
    let body = include_str!("../../../../../tests/vectors/trade_system/body.json");
    let sign = include_str!("../../../../../tests/vectors/trade_system/signature.txt").trim();
    let spki = include_str!("../../../../../tests/vectors/trade_system/public_key.pem");
    let pkcs1 = include_str!("../../../../../tests/vectors/trade_system/public_key_pkcs1.pem");
    let bare: String = spki.lines().filter(|line| !line.starts_with('-')).collect();
    let headers =
        [("Byte-Timestamp", "1795219200"), ("Byte-Nonce-Str", "openssl-nonce"), ("Byte-Signature", sign)];
    for key in [spki, pkcs1, &bare] {
        let key = secret(key);
        let credentials = Credentials::of_secret(&key);
        let verify = |headers: &[(&str, &str)], body: &str| {
            Request::post(headers, body)
                .verify(SchemeName::TradeSystem, &credentials, 1_795_219_200)
                .map(|_| ())
        };
        assert_eq!(verify(&headers, body), Ok(()));
        assert_eq!(verify(&headers, &format!("{body}\n")), Err(VerifyError::SignatureMismatch));
        let other_nonce = [headers[0], ("Byte-Nonce-Str", "other"), headers[2]];
        assert_eq!(verify(&other_nonce, body), Err(VerifyError::SignatureMismatch));
        let no_base64 = [headers[0], headers[1], ("Byte-Signature", "?")];
        assert_eq!(verify(&no_base64, body), Err(VerifyError::SignatureMismatch));
    }
    let none = secret("no key");
    let unusable =
        Request::post(&headers, body).verify(SchemeName::TradeSystem, &Credentials::of_secret(&none), 0);
    assert!(matches!(unusable, Err(VerifyError::CredentialUnusable(_))));
}
