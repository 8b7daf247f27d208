//! 12: events of a Feishu application with an *Encrypt Key* (Feishu, event subscription guide).
//!
//! `X-Lark-Signature` = hex SHA-256 of `X-Lark-Request-Timestamp`, `X-Lark-Request-Nonce`, the key and the raw body, one after the other.
//! The body is `{"encrypt": …}`. The question of the console (`url_verification`) comes without a signature: it opens under the key, and
//! its verification token is compared, if one is configured.

use secrecy::SecretString;
use serde::Deserialize;
use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::callback::FeishuEvents;
use super::tencent_push::told;
use super::{Credentials, Handshake, Received, SecretVersion, Verified, VerifyError};
use crate::event::wire::{self, Text};
use crate::sealed::exposed;
use crate::source::SchemeName;
use crate::time::UnixMillis;

pub(super) const SIGNATURE: &str = "X-Lark-Signature";
pub(super) const TIMESTAMP: &str = "X-Lark-Request-Timestamp";
pub(super) const NONCE: &str = "X-Lark-Request-Nonce";

/// The parts of the secret.
#[derive(Deserialize)]
pub(super) struct Secret {
    pub(super) encrypt_key: SecretString,
    #[serde(default)]
    verification_token: Option<SecretString>,
}

impl Secret {
    pub(super) fn parse(text: &str) -> Result<Self, VerifyError> {
        serde_json::from_str(text).map_err(|_| {
            VerifyError::CredentialUnusable(
                "`feishu-events` takes JSON with `encrypt_key` and, where there is one, `verification_token`",
            )
        })
    }

    fn knows(&self, token: &str) -> bool {
        let expected = self.verification_token.as_ref();
        expected.is_none_or(|expected| exposed(expected).as_bytes().ct_eq(token.as_bytes()).into())
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    encrypt: Text<'a>,
}

/// What is read before anything is believed: the console's question, and whose event it is.
#[derive(Deserialize)]
struct Opened<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    challenge: Text<'a>,
    #[serde(borrow, default)]
    token: Text<'a>,
    #[serde(borrow, default)]
    header: Option<Header<'a>>,
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow, default)]
    app_id: Text<'a>,
    #[serde(borrow, default)]
    token: Text<'a>,
}

pub(super) fn verify<'a>(
    received: &'a Received<'a>,
    credentials: &Credentials<'_>,
    now: UnixMillis,
) -> Result<Verified<'a>, VerifyError> {
    let envelope: Envelope<'_> =
        wire::object(received.text()?).map_err(|_| VerifyError::BodyMalformed("JSON with `encrypt`"))?;
    let sealed = envelope.encrypt.get().ok_or(VerifyError::FieldMissing("encrypt"))?;
    if received.find_header(SIGNATURE)?.is_none() {
        return question(received, credentials, sealed);
    }
    let sign = received.signature_header(SIGNATURE)?;
    let (timestamp, nonce) = (received.need_header(TIMESTAMP)?, received.need_header(NONCE)?);
    let secret = credentials.matching(|secret| {
        let events = FeishuEvents::new(Secret::parse(secret)?.encrypt_key);
        Ok(Choice::from(u8::from(events.verify(timestamp, nonce, received.body(), sign).is_ok())))
    })?;
    credentials.fresh(timestamp, now)?;
    let secrets = Secret::parse(credentials.secret(secret))?;
    let message = open(&secrets, sealed)?;
    let (is_ours, handshake) = {
        let opened = read(&message)?;
        let header = opened.header.as_ref();
        let app_id = header.and_then(|header| header.app_id.get());
        let token = header.and_then(|header| header.token.get()).or(opened.token.get());
        let ours =
            credentials.app_id.is_none_or(|configured| app_id.is_none_or(|app_id| app_id == configured))
                && secrets.knows(token.unwrap_or_default());
        (ours, challenge(&opened))
    };
    if !is_ours {
        return Err(VerifyError::AppMismatch("header"));
    }
    let verified = Verified::new(SchemeName::FeishuEvents, received, secret);
    Ok(match handshake {
        Some(handshake) => verified.handshake_of(handshake),
        None => verified.decrypted(message),
    })
}

/// The one thing that may come without a signature. It changes nothing here, and the answer holds what was asked.
fn question<'a>(
    received: &'a Received<'a>,
    credentials: &Credentials<'_>,
    sealed: &str,
) -> Result<Verified<'a>, VerifyError> {
    let versions = [Some(SecretVersion::Current), credentials.previous.map(|_| SecretVersion::Previous)];
    for version in versions.into_iter().flatten() {
        let secrets = Secret::parse(credentials.secret(version))?;
        let Ok(message) = open(&secrets, sealed) else { continue };
        let opened = read(&message)?;
        if let (Some(handshake), true) = (challenge(&opened), secrets.knows(opened.token.or_empty())) {
            return Ok(Verified::new(SchemeName::FeishuEvents, received, version).handshake_of(handshake));
        }
    }
    Err(VerifyError::HeaderMissing(SIGNATURE))
}

fn challenge(opened: &Opened<'_>) -> Option<Handshake> {
    let asks = opened.kind.get() == Some("url_verification");
    asks.then(|| Handshake::FeishuChallenge(opened.challenge.or_empty().to_owned()))
}

fn open(secrets: &Secret, sealed: &str) -> Result<Zeroizing<Vec<u8>>, VerifyError> {
    FeishuEvents::new(secrets.encrypt_key.clone()).open(sealed).map(Zeroizing::new).map_err(told)
}

fn read(message: &[u8]) -> Result<Opened<'_>, VerifyError> {
    const FORM: VerifyError = VerifyError::BodyMalformed("JSON in `encrypt`");
    let text = std::str::from_utf8(message).map_err(|_| FORM)?;
    wire::object(text).map_err(|_| FORM)
}
