//! 4: mini-program and service-provider push, encrypted.
//!
//! `MsgSignature` = hex SHA-1 of token, `TimeStamp`, `Nonce` and `Encrypt`, sorted and joined. `Encrypt` is AES-256-CBC with
//! PKCS#7 over blocks of **32**; the plaintext is **32** random bytes ‖ length (4, big-endian) ‖ message ‖ application id.
//! It looks like WeChat's, which has 16 random bytes: the two must not share a decoder.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::callback::{cbc, encoding_key};
use super::mini_app_push::matches;
use super::{Credentials, FlatXml, Received, Verified, VerifyError};
use crate::event::wire::{self, Text};
use crate::source::SchemeName;
use crate::time::UnixMillis;

/// Random bytes before the message.
pub(super) const PREFIX: usize = 32;
/// PKCS#7 pads to multiples of this, not of the cipher's 16.
const PADDING: u8 = 32;

/// The two parts of the secret of an encrypted push, here and at WeCom and WeChat.
#[derive(Deserialize)]
pub(super) struct Secret {
    pub(super) token: SecretString,
    pub(super) encoding_aes_key: SecretString,
}

impl Secret {
    pub(super) fn parse(text: &str) -> Result<Self, VerifyError> {
        serde_json::from_str(text).map_err(|_| WRONG)
    }
}

/// Why a secret is none.
pub(super) const WRONG: VerifyError = VerifyError::CredentialUnusable(
    "the scheme takes JSON with `token` and `encoding_aes_key` (43 characters of base64)",
);

/// The token, and the AES key with its IV.
pub(super) struct Keys {
    token: SecretString,
    key: Zeroizing<[u8; 32]>,
}

impl Keys {
    pub(super) fn parse(secret: &str) -> Result<Self, VerifyError> {
        let Secret { token, encoding_aes_key } = Secret::parse(secret)?;
        let key = encoding_key(&encoding_aes_key).map_err(|_| WRONG)?;
        Ok(Self { token, key })
    }

    pub(super) fn token(&self) -> &str {
        crate::sealed::exposed(&self.token)
    }

    fn iv(&self) -> [u8; 16] {
        self.key.first_chunk::<16>().copied().unwrap_or_default()
    }

    /// The message and the application id in a ciphertext.
    fn open(&self, encrypted: &str) -> Result<(Zeroizing<Vec<u8>>, String), VerifyError> {
        let wrong = VerifyError::NotDecryptable;
        let bytes = STANDARD.decode(encrypted).map_err(|_| wrong("no base64"))?;
        let content = cbc::open(&self.key, &self.iv(), &bytes, PADDING).map(Zeroizing::new);
        let content = content.map_err(|_| wrong("no whole blocks, or bad padding"))?;
        let (_random, rest) = content.split_at_checked(PREFIX).ok_or(wrong("too short"))?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(wrong("too short"))?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| wrong("too long"))?;
        let (message, app_id) = rest.split_at_checked(length).ok_or(wrong("length exceeds the content"))?;
        let app_id = std::str::from_utf8(app_id).map_err(|_| wrong("application id is no text"))?;
        Ok((Zeroizing::new(message.to_vec()), app_id.to_owned()))
    }

    /// Encrypts a message as the platform does.
    pub(super) fn seal(&self, random: [u8; PREFIX], message: &[u8], app_id: &str) -> Option<String> {
        let length = u32::try_from(message.len()).ok()?.to_be_bytes();
        let plain = [&random, length.as_slice(), message, app_id.as_bytes()].concat();
        let sealed = cbc::seal(&self.key, &self.iv(), plain, PADDING).ok()?;
        Some(STANDARD.encode(sealed))
    }
}

/// The outer body, from JSON or XML.
pub(super) struct Envelope {
    pub(super) timestamp: String,
    pub(super) nonce: String,
    pub(super) encrypted: String,
    pub(super) signature: String,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default, rename = "TimeStamp")]
    timestamp: Text<'a>,
    #[serde(borrow, default, rename = "Nonce")]
    nonce: Text<'a>,
    #[serde(borrow, default, rename = "Encrypt")]
    encrypted: Text<'a>,
    #[serde(borrow, default, rename = "MsgSignature")]
    signature: Text<'a>,
}

pub(super) fn envelope(received: &Received<'_>) -> Result<Envelope, VerifyError> {
    let text = received.text()?;
    if let Some(xml) = FlatXml::new(text) {
        let need = |name| xml.get(name).map(str::to_owned).ok_or(VerifyError::FieldMissing(name));
        return Ok(Envelope {
            timestamp: need("TimeStamp")?,
            nonce: need("Nonce")?,
            encrypted: need("Encrypt")?,
            signature: need("MsgSignature")?,
        });
    }
    let body: Body<'_> = wire::object(text).map_err(|_| {
        VerifyError::BodyMalformed("JSON or XML with `TimeStamp`, `Nonce`, `Encrypt` and `MsgSignature`")
    })?;
    let need = |text: Text<'_>, name| text.into_owned().ok_or(VerifyError::FieldMissing(name));
    Ok(Envelope {
        timestamp: need(body.timestamp, "TimeStamp")?,
        nonce: need(body.nonce, "Nonce")?,
        encrypted: need(body.encrypted, "Encrypt")?,
        signature: need(body.signature, "MsgSignature")?,
    })
}

pub(super) fn verify<'a>(
    received: &'a Received<'a>,
    credentials: &Credentials<'_>,
    now: UnixMillis,
) -> Result<Verified<'a>, VerifyError> {
    let envelope = envelope(received)?;
    let secret = credentials.matching(|secret| {
        let keys = Keys::parse(secret)?;
        Ok(matches(
            &envelope.signature,
            [keys.token(), &envelope.timestamp, &envelope.nonce, &envelope.encrypted],
        ))
    })?;
    credentials.fresh(&envelope.timestamp, now)?;
    let (message, app_id) = Keys::parse(credentials.secret(secret))?.open(&envelope.encrypted)?;
    if credentials.app_id.is_some_and(|configured| configured != app_id) {
        return Err(VerifyError::AppMismatch("Encrypt"));
    }
    Ok(Verified::new(SchemeName::MiniAppEncrypted, received, secret).decrypted(message))
}
