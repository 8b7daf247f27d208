//! 1: Open Platform webhooks, those of mini-programs and of 生活服务 among them (`DOC/dop/develop/webhooks/summarize`).
//!
//! `X-Douyin-Signature` = hex SHA-1 of `client_secret` ‖ raw body: a plain concatenation, no HMAC. There is neither a
//! timestamp nor a nonce, so a signature can be replayed for ever: `Msg-Id` is the only replay protection.

use super::digest::{is_hex_of, sha1, sha256};
use super::{Credentials, Received, Verified, VerifyError};
use crate::source::{Digest, SchemeName};

pub(super) const SIGNATURE: &str = "X-Douyin-Signature";

pub(super) fn verify<'a>(
    received: &'a Received<'a>,
    credentials: &Credentials<'_>,
) -> Result<Verified<'a>, VerifyError> {
    let signature = received.signature_header(SIGNATURE)?;
    let secret = credentials.matching(|secret| {
        Ok(is_hex_of(signature, &expected(secret, received.body(), credentials.digest)))
    })?;
    Ok(Verified::new(SchemeName::OpenPlatform, received, secret))
}

pub(super) fn expected(secret: &str, body: &[u8], digest: Digest) -> Vec<u8> {
    match digest {
        Digest::Sha1 => sha1(&[secret.as_bytes(), body]),
        Digest::Sha256 => sha256(&[secret.as_bytes(), body]),
    }
}
