//! 8: 抖店 push (op.jinritemai.com/docs/guide-docs/153/99).
//!
//! `event-sign` = hex MD5 of `app_key` ‖ raw body ‖ `app_secret`; the header `app-id` is the `app_key`. There is no timestamp:
//! `msg_id` is the only replay protection. The body is hashed as it is, whitespace and all.

use super::digest::{is_hex_of, md5};
use super::{Credentials, Received, Verified, VerifyError};
use crate::source::SchemeName;

pub(super) const SIGNATURE: &str = "event-sign";
pub(super) const APP_ID: &str = "app-id";

pub(super) fn verify<'a>(
    received: &'a Received<'a>,
    credentials: &Credentials<'_>,
) -> Result<Verified<'a>, VerifyError> {
    let signature = received.signature_header(SIGNATURE)?;
    let came = received.need_header(APP_ID)?;
    let app_key = credentials.need_app_id()?;
    let secret = credentials.matching(|secret| {
        Ok(is_hex_of(signature, &md5(&[app_key.as_bytes(), received.body(), secret.as_bytes()])))
    })?;
    if came != app_key {
        return Err(VerifyError::AppMismatch(APP_ID));
    }
    Ok(Verified::new(SchemeName::Doudian, received, secret))
}
