//! 2: 生活服务 SPI, where Douyin asks and waits (`DOC/local-life/connect/spi-signature-rules`).
//!
//! `x-life-sign` = hex SHA-256 of `client_secret`, then `&k=v` for every query parameter but `sign` with ascending names,
//! then `&http_body=` and the raw body for a POST. Parameters the platform adds later are signed, too, so all are read.
//! The older `sign` parameter (MD5 of the same text) proves nothing here.

use super::digest::{is_hex_of, sha256};
use super::{Credentials, Received, Verified, VerifyError};
use crate::source::SchemeName;
use crate::time::UnixMillis;

pub(super) const SIGNATURE: &str = "x-life-sign";
const CLIENT_KEY: &str = "x-life-clientkey";

pub(super) fn verify<'a>(
    received: &'a Received<'a>,
    credentials: &Credentials<'_>,
    now: UnixMillis,
) -> Result<Verified<'a>, VerifyError> {
    let signature = received.signature_header(SIGNATURE)?;
    let timestamp = received.need_query("timestamp")?;
    let client_key = received.find_query("client_key")?;
    let header_key = received.find_header(CLIENT_KEY)?;
    let signed = signed_text(received);
    let secret = credentials
        .matching(|secret| Ok(is_hex_of(signature, &sha256(&[secret.as_bytes(), signed.as_slice()]))))?;
    if let Some(app_id) = credentials.app_id {
        if client_key.is_some_and(|key| key != app_id) {
            return Err(VerifyError::AppMismatch("client_key"));
        }
        if header_key.is_some_and(|key| key != app_id) {
            return Err(VerifyError::AppMismatch(CLIENT_KEY));
        }
    }
    credentials.fresh(timestamp, now)?;
    Ok(Verified::new(SchemeName::LifeSpi, received, secret))
}

/// What follows the secret in the signed text.
pub(super) fn signed_text(received: &Received<'_>) -> Vec<u8> {
    let mut pairs: Vec<_> = received.query().filter(|(name, _)| *name != "sign").collect();
    pairs.sort_unstable();
    let mut out = Vec::with_capacity(received.body().len() + 128);
    for (name, value) in pairs {
        out.push(b'&');
        out.extend_from_slice(name.as_bytes());
        out.push(b'=');
        out.extend_from_slice(value.as_bytes());
    }
    if !received.is_get() {
        out.extend_from_slice(b"&http_body=");
        out.extend_from_slice(received.body());
    }
    out
}
