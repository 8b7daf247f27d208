//! 5: 担保支付 callbacks (`DOC/mini-app/develop/server/ecpay/pay-list/callback`).
//!
//! The body carries everything: `msg_signature` = hex SHA-1 of token, `timestamp`, `nonce` and `msg` (a JSON text), sorted
//! and joined.

use std::borrow::Cow;

use serde::Deserialize;

use super::mini_app_push::matches;
use super::{Credentials, Received, Verified, VerifyError};
use crate::event::wire::{self, Text};
use crate::source::SchemeName;
use crate::time::UnixMillis;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    timestamp: Text<'a>,
    #[serde(borrow, default)]
    nonce: Text<'a>,
    #[serde(borrow, default)]
    msg: Text<'a>,
    #[serde(borrow, default)]
    msg_signature: Text<'a>,
}

/// What is signed, and by what.
pub(super) struct Parts<'a> {
    pub(super) timestamp: Cow<'a, str>,
    pub(super) nonce: Cow<'a, str>,
    pub(super) message: Cow<'a, str>,
    pub(super) signature: Cow<'a, str>,
}

pub(super) fn verify<'a>(
    received: &'a Received<'a>,
    credentials: &Credentials<'_>,
    now: UnixMillis,
) -> Result<Verified<'a>, VerifyError> {
    let parts = parts(received)?;
    let secret = credentials.matching(|token| {
        Ok(matches(&parts.signature, [token, &parts.timestamp, &parts.nonce, &parts.message]))
    })?;
    credentials.fresh(&parts.timestamp, now)?;
    let message = parts.message.into_owned().into_bytes().into();
    Ok(Verified::new(SchemeName::SecuredPayment, received, secret).decrypted(message))
}

pub(super) fn parts<'a>(received: &Received<'a>) -> Result<Parts<'a>, VerifyError> {
    let body: Body<'a> = wire::object(received.text()?).map_err(|_| {
        VerifyError::BodyMalformed("a JSON object with `timestamp`, `nonce`, `msg` and `msg_signature`")
    })?;
    let need = |text: Text<'a>, name| text.into_inner().ok_or(VerifyError::FieldMissing(name));
    Ok(Parts {
        timestamp: need(body.timestamp, "timestamp")?,
        nonce: need(body.nonce, "nonce")?,
        message: need(body.msg, "msg")?,
        signature: need(body.msg_signature, "msg_signature")?,
    })
}
