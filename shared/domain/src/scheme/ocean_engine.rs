//! 9: 巨量引擎 SPI push (open.oceanengine.com/labels/14/docs/1708600831239183).
//!
//! `X-Open-Signature` = hex HMAC-SHA-256 of the raw body. The body's `timestamp` (ms) is looked at only after the signature.
//! The GET handshake carries no body and no signature; all it can get is its own integer back.

use serde::Deserialize;

use super::digest::{hmac_sha256, is_hex_of};
use super::{Credentials, Handshake, Received, SecretVersion, Verified, VerifyError};
use crate::event::wire::{self, Text};
use crate::source::SchemeName;
use crate::time::UnixMillis;

pub(super) const SIGNATURE: &str = "X-Open-Signature";

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    timestamp: Text<'a>,
}

pub(super) fn verify<'a>(
    received: &'a Received<'a>,
    credentials: &Credentials<'_>,
    now: UnixMillis,
) -> Result<Verified<'a>, VerifyError> {
    if received.is_get() {
        return handshake(received);
    }
    let signature = received.signature_header(SIGNATURE)?;
    let secret = credentials
        .matching(|secret| Ok(is_hex_of(signature, &hmac_sha256(secret.as_bytes(), received.body()))))?;
    let body: Body<'_> = wire::object(received.text()?)
        .map_err(|_| VerifyError::BodyMalformed("a JSON object with `message_id` and `data`"))?;
    // Not every label carries one; `message_id` catches replays of those that don't.
    if let Some(timestamp) = body.timestamp.into_inner() {
        credentials.fresh(&timestamp, now)?;
    }
    Ok(Verified::new(SchemeName::OceanEngine, received, secret))
}

fn handshake<'a>(received: &'a Received<'a>) -> Result<Verified<'a>, VerifyError> {
    if received.need_query("event")? != "verify_webhook" {
        return Err(VerifyError::MethodNotAllowed("POST"));
    }
    let challenge: i64 = received
        .need_query("challenge")?
        .parse()
        .map_err(|_| VerifyError::BodyMalformed("an integer in `challenge`"))?;
    let verified = Verified::new(SchemeName::OceanEngine, received, SecretVersion::Current);
    Ok(verified.handshake_of(Handshake::OceanChallenge(challenge.into())))
}

/// The body with its top-level `timestamp` set to `now`, for signing; unchanged when it has none.
pub(super) fn restamped(body: &[u8], now: UnixMillis) -> Vec<u8> {
    #[derive(Deserialize)]
    struct Stamp<'a> {
        #[serde(borrow)]
        timestamp: Option<&'a serde_json::value::RawValue>,
    }
    let splice = || {
        let text = std::str::from_utf8(body).ok()?;
        let old = serde_json::from_str::<Stamp<'_>>(text).ok()?.timestamp?.get();
        let start = (old.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
        let (head, rest) = text.split_at_checked(start)?;
        let (_, tail) = rest.split_at_checked(old.len())?;
        Some(format!("{head}{}{tail}", now.0).into_bytes())
    };
    splice().unwrap_or_else(|| body.to_vec())
}
