//! 10 and 11: callbacks of WeCom (WW91144) and message pushes of WeChat in safe mode (消息推送): one scheme.
//!
//! `msg_signature` = hex SHA-1 of token, `timestamp`, `nonce` and the sealed text, sorted and joined. The sealed text is `echostr` of the GET
//! handshake and `Encrypt` of a POST's XML or JSON. WeChat's own handshake is older: `signature` over token, `timestamp` and `nonce`, and the
//! echo is not sealed.
//!
//! WeChat's plain mode is refused: its `signature` does not cover the body, so whoever saw one address could send what they like.

use serde::Deserialize;
use subtle::Choice;
use zeroize::Zeroizing;

use super::callback::{CallbackError, TencentCallback};
use super::mini_app_encrypted::{Secret, WRONG};
use super::mini_app_push::matches;
use super::{Credentials, FlatXml, Handshake, Received, Verified, VerifyError};
use crate::event::wire::{self, Text};
use crate::sealed::exposed;
use crate::source::SchemeName;
use crate::time::UnixMillis;

/// The crypto of a source's secret and application.
pub(super) fn callback(secret: &str, credentials: &Credentials<'_>) -> Result<TencentCallback, VerifyError> {
    let Secret { token, encoding_aes_key } = Secret::parse(secret)?;
    TencentCallback::new(token, &encoding_aes_key, credentials.need_app_id()?).map_err(told)
}

pub(super) fn verify<'a>(
    scheme: SchemeName,
    received: &'a Received<'a>,
    credentials: &Credentials<'_>,
    now: UnixMillis,
) -> Result<Verified<'a>, VerifyError> {
    if scheme == SchemeName::WechatPush && received.is_get() {
        return handshake_of_wechat(received, credentials, now);
    }
    let sealed = sealed(received)?;
    let sign = received.find_query("msg_signature")?;
    if sign.is_none() && received.find_query("signature")?.is_some() {
        return Err(VerifyError::BodyMalformed("safe mode (安全模式): a plain push does not sign its body"));
    }
    let sign = sign.ok_or(VerifyError::QueryMissing("msg_signature"))?;
    let (timestamp, nonce) = (received.need_query("timestamp")?, received.need_query("nonce")?);
    let secret = credentials.matching(|secret| {
        let genuine = callback(secret, credentials)?.verify(timestamp, nonce, &sealed, sign);
        Ok(Choice::from(u8::from(genuine.is_ok())))
    })?;
    credentials.fresh(timestamp, now)?;
    let message = callback(credentials.secret(secret), credentials)?.open(&sealed).map_err(told)?;
    let verified = Verified::new(scheme, received, secret);
    if received.is_get() {
        let echo = String::from_utf8(message).map_err(|_| VerifyError::NotDecryptable("echo is no text"))?;
        return Ok(verified.handshake_of(Handshake::Echo(echo)));
    }
    Ok(verified.decrypted(Zeroizing::new(message)))
}

fn handshake_of_wechat<'a>(
    received: &'a Received<'a>,
    credentials: &Credentials<'_>,
    now: UnixMillis,
) -> Result<Verified<'a>, VerifyError> {
    let sign = received.need_query("signature")?;
    let (timestamp, nonce) = (received.need_query("timestamp")?, received.need_query("nonce")?);
    let secret = credentials.matching(|secret| {
        Ok(matches(sign, [exposed(&Secret::parse(secret)?.token), timestamp, nonce, ""]))
    })?;
    credentials.fresh(timestamp, now)?;
    let echo = received.need_query("echostr")?.to_owned();
    Ok(Verified::new(SchemeName::WechatPush, received, secret).handshake_of(Handshake::Echo(echo)))
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default, rename = "Encrypt")]
    encrypt: Text<'a>,
}

/// The sealed text: what the signature covers.
pub(super) fn sealed(received: &Received<'_>) -> Result<String, VerifyError> {
    if received.is_get() {
        return received.need_query("echostr").map(str::to_owned);
    }
    let text = received.text()?;
    let found = match FlatXml::new(text) {
        Some(xml) => xml.get("Encrypt").map(str::to_owned),
        None => wire::object::<Body<'_>>(text)
            .map_err(|_| VerifyError::BodyMalformed("XML or JSON with `Encrypt`"))?
            .encrypt
            .into_owned(),
    };
    found.filter(|sealed| !sealed.is_empty()).ok_or(VerifyError::FieldMissing("Encrypt"))
}

/// In the words of the schemes.
pub(super) fn told(error: CallbackError) -> VerifyError {
    match error {
        CallbackError::InvalidKey => WRONG,
        CallbackError::SignatureMismatch => VerifyError::SignatureMismatch,
        CallbackError::MalformedCiphertext => VerifyError::NotDecryptable("no base64, or no whole blocks"),
        CallbackError::WrongKey => VerifyError::NotDecryptable("it is nonsense under this key"),
        CallbackError::WrongReceiver => VerifyError::AppMismatch("Encrypt"),
    }
}
