//! 3: mini-program message push, plain (`DOC/mini-game/develop/server/message-push-customer-service`).
//!
//! `signature` = hex SHA-1 of token, timestamp, nonce and message, sorted and joined. The message of the GET handshake is
//! the `msg` parameter; that of a POST is the raw body, so that the body itself is what is proven.

use subtle::Choice;

use super::digest::{is_hex_of, sha1_sorted};
use super::{Credentials, Handshake, Received, Verified, VerifyError};
use crate::source::SchemeName;
use crate::time::UnixMillis;

pub(super) fn verify<'a>(
    received: &'a Received<'a>,
    credentials: &Credentials<'_>,
    now: UnixMillis,
) -> Result<Verified<'a>, VerifyError> {
    let signature = received.need_query("signature")?;
    let timestamp = received.need_query("timestamp")?;
    let nonce = received.need_query("nonce")?;
    let message = message(received)?;
    let secret = credentials.matching(|token| Ok(matches(signature, [token, timestamp, nonce, message])))?;
    credentials.fresh(timestamp, now)?;
    let verified = Verified::new(SchemeName::MiniAppPush, received, secret);
    if !received.is_get() {
        return Ok(verified);
    }
    let echo = received.need_query("echostr")?.to_owned();
    Ok(verified.handshake_of(Handshake::Echo(echo)))
}

pub(super) fn message<'a>(received: &'a Received<'_>) -> Result<&'a str, VerifyError> {
    if received.is_get() { Ok(received.find_query("msg")?.unwrap_or_default()) } else { received.text() }
}

pub(super) fn matches(signature: &str, texts: [&str; 4]) -> Choice {
    is_hex_of(signature, &sha1_sorted(texts))
}
