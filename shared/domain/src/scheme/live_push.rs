//! 7: live-room data and mini-game push (`DOC/interaction/develop/server/live-room-scope/data-open/data-open-desc`).
//!
//! `x-signature` = base64 MD5 of the scheme's headers (`k=v`, sorted, joined with `&`) ‖ raw body ‖ secret.
//! Gateways and proxies add `x-` headers of their own, so the signed ones are named here.

use super::digest::{is_base64_of, md5};
use super::{Credentials, Received, Verified, VerifyError};
use crate::source::SchemeName;
use crate::time::UnixMillis;

pub(super) const SIGNATURE: &str = "x-signature";
/// Sorted: the order of the signed text.
pub(super) const SIGNED_HEADERS: [&str; 5] =
    ["x-appid", "x-msg-type", "x-nonce-str", "x-roomid", "x-timestamp"];

pub(super) fn verify<'a>(
    received: &'a Received<'a>,
    credentials: &Credentials<'_>,
    now: UnixMillis,
) -> Result<Verified<'a>, VerifyError> {
    let signature = received.signature_header(SIGNATURE)?;
    let timestamp = received.need_header("x-timestamp")?;
    received.need_header("x-nonce-str")?;
    received.need_header("x-msg-type")?;
    let head = signed_head(received)?;
    let secret = credentials.matching(|secret| {
        Ok(is_base64_of(signature, &md5(&[head.as_bytes(), received.body(), secret.as_bytes()])))
    })?;
    if let (Some(app_id), Some(came)) = (credentials.app_id, received.find_header("x-appid")?)
        && app_id != came
    {
        return Err(VerifyError::AppMismatch("x-appid"));
    }
    credentials.fresh(timestamp, now)?;
    Ok(Verified::new(SchemeName::LivePush, received, secret))
}

/// What precedes the body in the signed text.
pub(super) fn signed_head(received: &Received<'_>) -> Result<String, VerifyError> {
    let mut head = String::with_capacity(128);
    for name in SIGNED_HEADERS {
        let Some(value) = received.find_header(name)? else { continue };
        if !head.is_empty() {
            head.push('&');
        }
        head.push_str(name);
        head.push('=');
        head.push_str(value);
    }
    Ok(head)
}
