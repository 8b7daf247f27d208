//! 6: callbacks of the trade system (`DOC/mini-app/develop/server/signature-algorithm`).
//!
//! `Byte-Signature` = base64 of an RSA signature (SHA-256, PKCS#1 v1.5; the page says `SHA256-RSA2048`) by the platform's
//! key over `Byte-Timestamp`, `Byte-Nonce-Str` and the raw body, each with a line feed after it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use subtle::Choice;

use super::{Credentials, Received, Verified, VerifyError, rsa_key};
use crate::source::SchemeName;
use crate::time::UnixMillis;

pub(super) const SIGNATURE: &str = "Byte-Signature";
pub(super) const TIMESTAMP: &str = "Byte-Timestamp";
pub(super) const NONCE: &str = "Byte-Nonce-Str";

pub(super) fn verify<'a>(
    received: &'a Received<'a>,
    credentials: &Credentials<'_>,
    now: UnixMillis,
) -> Result<Verified<'a>, VerifyError> {
    let signature = received.signature_header(SIGNATURE)?;
    let timestamp = received.need_header(TIMESTAMP)?;
    let nonce = received.need_header(NONCE)?;
    let signature = STANDARD.decode(signature).map_err(|_| VerifyError::SignatureMismatch)?;
    let signed = signed_bytes(timestamp, nonce, received.body());
    let secret = credentials.matching(|key| {
        let key = rsa_key::public(key).ok_or(VerifyError::CredentialUnusable(
            "`trade-system` takes the platform's RSA public key (2048 bits or more) in PEM",
        ))?;
        // Everything in this comparison is public, so its timing tells nothing.
        let right = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(&signed, &signature);
        Ok(Choice::from(u8::from(right.is_ok())))
    })?;
    credentials.fresh(timestamp, now)?;
    Ok(Verified::new(SchemeName::TradeSystem, received, secret))
}

pub(super) fn signed_bytes(timestamp: &str, nonce: &str, body: &[u8]) -> Vec<u8> {
    [timestamp.as_bytes(), b"\n", nonce.as_bytes(), b"\n", body, b"\n"].concat()
}
