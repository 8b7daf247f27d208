use super::super::formula;
use super::super::{Explanation, explain};
use super::*;
use crate::source::Digest;

const BODY: &str = r#"{"event":"verify_webhook","client_key":"abc","content":{"challenge":12345}}"#;
const RIGHT: &str = "ff779a3b9e9daa2d1484d22450cd02e9fcfc4e62";

fn open_platform(signature: &str, body: &str, digest: Digest) -> Explanation {
    let key = secret("test_secret");
    let credentials = Credentials { digest, ..Credentials::of_secret(&key) };
    let request = Request::post(&[("X-Douyin-Signature", signature)], body);
    let out = explain(SchemeName::OpenPlatform, &request.received(), &credentials, UnixMillis(0));
    assert!(!serde_json::to_string(&out).unwrap().contains("test_secret"), "the secret shows");
    out
}

fn codes(explanation: &Explanation) -> Vec<&'static str> {
    explanation.hints.iter().map(|hint| hint.code).collect()
}

#[test]
fn a_valid_signature_needs_no_hint() {
    let out = open_platform(RIGHT, BODY, Digest::Sha1);
    assert!(out.valid && out.hints.is_empty() && out.code.is_none());
    assert_eq!(out.expected.as_deref(), Some(RIGHT));
}

#[test]
fn an_hmac_is_named_for_what_it_is() {
    let hmac = "6776e26ee6880239bbdd525d4ddd02cfa530c9f4450f8092704f61c4e20b01f9";
    let out = open_platform(hmac, BODY, Digest::Sha1);
    assert_eq!((out.code, codes(&out)), (Some("signature_mismatch"), vec!["other_formula"]));
    assert_eq!(
        out.hints[0].message,
        "this is HMAC-SHA256(secret, body), the scheme signs hex SHA-1(secret ‖ body)"
    );
}

#[test]
fn the_other_digest_of_the_open_platform_names_the_setting() {
    let sha256 = hex::encode(super::super::digest::sha256(&[b"test_secret", BODY.as_bytes()]));
    assert!(open_platform(&sha256, BODY, Digest::Sha256).valid);
    let out = open_platform(&sha256, BODY, Digest::Sha1);
    assert!(out.hints[0].message.contains("set `digest: sha256`"), "{out:?}");
    let out = open_platform(RIGHT, BODY, Digest::Sha256);
    assert!(out.hints[0].message.contains("remove `digest: sha256`"), "{out:?}");
}

#[test]
fn altered_bodies_are_recognised() {
    let spaced = BODY.replace(':', ": ");
    for body in [format!("{BODY}\n"), format!("{BODY}\r\n"), format!("\u{feff}{BODY}"), spaced] {
        let out = open_platform(RIGHT, &body, Digest::Sha1);
        assert!(codes(&out).contains(&"body_altered"), "{body:?}: {out:?}");
    }
}

#[test]
fn white_space_of_the_secret_and_unknown_secrets_are_told_apart() {
    let key = secret("test_secret\n");
    let request = Request::post(&[("X-Douyin-Signature", RIGHT)], BODY);
    let credentials = Credentials::of_secret(&key);
    let out = explain(SchemeName::OpenPlatform, &request.received(), &credentials, UnixMillis(0));
    assert_eq!(codes(&out), ["secret_has_white_space"]);
    let out = open_platform(&RIGHT.replace('f', "0"), BODY, Digest::Sha1);
    assert_eq!(codes(&out), ["secret_or_body"]);
    let out = open_platform("abcd", BODY, Digest::Sha1);
    assert_eq!(codes(&out), ["other_length", "secret_or_body"]);
}

#[test]
fn another_schemes_signature_and_the_previous_secret_are_named() {
    let (current, previous) = (secret("new"), secret("test_secret"));
    let credentials = Credentials { previous: Some(&previous), ..Credentials::of_secret(&current) };
    let request = Request::post(&[("X-Douyin-Signature", RIGHT)], BODY);
    let out = explain(SchemeName::OpenPlatform, &request.received(), &credentials, UnixMillis(0));
    assert!(out.valid);
    assert_eq!(codes(&out), ["previous_secret"]);
    let out = explain(SchemeName::OceanEngine, &request.received(), &credentials, UnixMillis(0));
    assert_eq!((out.code, codes(&out)), (Some("header_missing"), vec!["other_scheme"]));
    assert_eq!(out.hints[0].message, "it carries the signature of scheme `open-platform`");
}

#[test]
fn every_formula_gives_another_digest() {
    let digests: std::collections::BTreeSet<_> =
        formula::ALL.iter().map(|formula| (formula.compute)(b"s", b"a", b"b")).collect();
    assert_eq!(digests.len(), formula::ALL.len());
}
