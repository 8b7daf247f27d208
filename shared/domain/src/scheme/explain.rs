use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::formula::{self, Formula};
use super::mini_app_encrypted::Keys;
use super::{Credentials, Received, SecretVersion, VerifyError, digest, doudian, life_spi, live_push};
use super::{callback, feishu_events, tencent_push};
use super::{
    mini_app_encrypted, mini_app_push, ocean_engine, open_platform, secured_payment, trade_system, verify,
};
use crate::source::{Digest, SchemeName};
use crate::time::UnixMillis;

/// Whether a callback is genuine, and if not, what probably went wrong. It never holds the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The scheme it was checked by.
    pub scheme: SchemeName,
    /// Is it genuine?
    pub valid: bool,
    /// The refusal's stable code.
    pub code: Option<&'static str>,
    /// The outcome in words.
    pub message: String,
    /// What the scheme signs.
    pub algorithm: &'static str,
    /// The signature that came.
    pub received: Option<String>,
    /// The signature that the current secret makes; for the holder of the secret only. `None` where it takes a private key.
    pub expected: Option<String>,
    /// Which secret matched.
    pub secret: Option<SecretVersion>,
    /// What would match, or what to look at; most telling first.
    pub hints: Vec<Hint>,
}

/// One thing that was noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hint {
    /// Stable: `other_formula`, `body_altered`, `previous_secret`, …
    pub code: &'static str,
    /// In words.
    pub message: String,
}

/// Checks a callback and says why the check ends as it does.
pub fn explain(
    scheme: SchemeName,
    received: &Received<'_>,
    credentials: &Credentials<'_>,
    now: UnixMillis,
) -> Explanation {
    let signature = received_signature(scheme, received);
    let mut out = Explanation {
        scheme,
        valid: false,
        code: None,
        message: String::new(),
        algorithm: algorithm(scheme, credentials.digest),
        expected: expected(scheme, received, credentials),
        secret: None,
        hints: Vec::new(),
        received: signature,
    };
    match verify(scheme, received, credentials, now) {
        Ok(verified) => {
            out.valid = true;
            out.secret = Some(verified.secret());
            "signature is valid".clone_into(&mut out.message);
            if verified.secret() == SecretVersion::Previous {
                out.hint(
                    "previous_secret",
                    "it was signed with the previous secret: the rotation is not finished",
                );
            }
        }
        Err(error) => {
            out.code = Some(error.code());
            out.message = error.to_string();
            out.hints_of(&error, received, credentials);
        }
    }
    out
}

impl Explanation {
    fn hint(&mut self, code: &'static str, message: impl Into<String>) {
        self.hints.push(Hint { code, message: message.into() });
    }

    fn hints_of(&mut self, error: &VerifyError, received: &Received<'_>, credentials: &Credentials<'_>) {
        match error {
            VerifyError::SignatureMismatch => self.hints_of_mismatch(received, credentials),
            VerifyError::TimestampOutsideWindow { .. } => self.hint(
                "signature_matches",
                "the signature itself is right: check the clocks, or whether an old callback is replayed",
            ),
            VerifyError::HeaderMissing(_) | VerifyError::QueryMissing(_) | VerifyError::FieldMissing(_) => {
                self.hints_of_another_scheme(received);
            }
            VerifyError::AppMismatch(_) => {
                self.hint("other_app", "the signature is right, but it is another application's callback");
            }
            _ => {}
        }
    }

    /// Some other scheme's signature came instead.
    fn hints_of_another_scheme(&mut self, received: &Received<'_>) {
        for other in SchemeName::ALL {
            if other != self.scheme && received_signature(other, received).is_some() {
                self.hint("other_scheme", format!("it carries the signature of scheme `{other}`"));
            }
        }
    }

    fn hints_of_mismatch(&mut self, received: &Received<'_>, credentials: &Credentials<'_>) {
        let Some(signature) = self.received.clone() else { return };
        let app_id = credentials.app_id.unwrap_or_default().as_bytes();
        let secret = credentials.current.expose_secret();
        for formula in &formula::ALL {
            if formula::is(&signature, &(formula.compute)(secret.as_bytes(), app_id, received.body())) {
                self.hint_of_formula(formula);
            }
        }
        for (alteration, body) in formula::altered_bodies(received.body()) {
            let altered = received.with_body(&body);
            if verify(self.scheme, &altered, &credentials.at_any_time(), UnixMillis(0)).is_ok() {
                self.hint("body_altered", format!("the body is not the one that was signed: {alteration}"));
            }
        }
        let trimmed = secrecy::SecretString::from(secret.trim());
        if trimmed.expose_secret() != secret {
            let trimmed = Credentials { current: &trimmed, ..credentials.at_any_time() };
            if verify(self.scheme, received, &trimmed, UnixMillis(0)).is_ok() {
                self.hint(
                    "secret_has_white_space",
                    "the secret has white space around it that does not belong to it",
                );
            }
        }
        if !self.hints.is_empty() {
            return;
        }
        if self.expected.as_ref().is_some_and(|expected| expected.len() != signature.len()) {
            self.hint(
                "other_length",
                format!("a signature of this scheme has another length: {}", self.algorithm),
            );
        }
        self.hint(
            "secret_or_body",
            "no known formula matches: the secret is another one (a webhook may have a secret of its own), or the body was changed",
        );
    }

    fn hint_of_formula(&mut self, formula: &Formula) {
        let mut message = format!("this is {}, the scheme signs {}", formula.name, self.algorithm);
        if self.scheme == SchemeName::OpenPlatform && formula.name == "SHA-256(secret ‖ body)" {
            message.push_str("; set `digest: sha256` if your own front re-signs");
        }
        if self.scheme == SchemeName::OpenPlatform && formula.name == "SHA-1(secret ‖ body)" {
            message.push_str("; remove `digest: sha256`: this is what the platform documents");
        }
        self.hint("other_formula", message);
    }
}

fn algorithm(scheme: SchemeName, digest: Digest) -> &'static str {
    match (scheme, digest) {
        (SchemeName::OpenPlatform, Digest::Sha1) => "hex SHA-1(secret ‖ body)",
        (SchemeName::OpenPlatform, Digest::Sha256) => "hex SHA-256(secret ‖ body)",
        (SchemeName::LifeSpi, _) => "hex SHA-256(secret & sorted query & http_body=body)",
        (SchemeName::MiniAppPush | SchemeName::SecuredPayment, _) => {
            "hex SHA-1(sorted token, timestamp, nonce, msg)"
        }
        (SchemeName::MiniAppEncrypted, _) => "hex SHA-1(sorted token, TimeStamp, Nonce, Encrypt)",
        (SchemeName::TradeSystem, _) => "base64 RSA-SHA256(timestamp ↵ nonce ↵ body ↵)",
        (SchemeName::LivePush, _) => "base64 MD5(sorted x- headers ‖ body ‖ secret)",
        (SchemeName::Doudian, _) => "hex MD5(app_key ‖ body ‖ app_secret)",
        (SchemeName::OceanEngine, _) => "hex HMAC-SHA256(secret, body)",
        (SchemeName::WecomCallback | SchemeName::WechatPush, _) => {
            "hex SHA-1(sorted token, timestamp, nonce, Encrypt)"
        }
        (SchemeName::FeishuEvents, _) => "hex SHA-256(timestamp ‖ nonce ‖ encrypt key ‖ body)",
    }
}

/// The signature that came, where this scheme carries it.
fn received_signature(scheme: SchemeName, received: &Received<'_>) -> Option<String> {
    let header = |name| received.find_header(name).ok().flatten().map(str::to_owned);
    match scheme {
        SchemeName::OpenPlatform => header(open_platform::SIGNATURE),
        SchemeName::LifeSpi => header(life_spi::SIGNATURE),
        SchemeName::MiniAppPush => received.find_query("signature").ok().flatten().map(str::to_owned),
        SchemeName::MiniAppEncrypted => Some(mini_app_encrypted::envelope(received).ok()?.signature),
        SchemeName::SecuredPayment => Some(secured_payment::parts(received).ok()?.signature.into_owned()),
        SchemeName::TradeSystem => header(trade_system::SIGNATURE),
        SchemeName::LivePush => header(live_push::SIGNATURE),
        SchemeName::Doudian => header(doudian::SIGNATURE),
        SchemeName::OceanEngine => header(ocean_engine::SIGNATURE),
        SchemeName::WecomCallback | SchemeName::WechatPush => {
            received.find_query("msg_signature").ok().flatten().map(str::to_owned)
        }
        SchemeName::FeishuEvents => header(feishu_events::SIGNATURE),
    }
}

/// The signature that the current secret makes of what came.
fn expected(scheme: SchemeName, received: &Received<'_>, credentials: &Credentials<'_>) -> Option<String> {
    let secret = credentials.current.expose_secret();
    let body = received.body();
    let hex = |digest: Vec<u8>| Some(hex::encode(digest));
    match scheme {
        SchemeName::OpenPlatform => hex(open_platform::expected(secret, body, credentials.digest)),
        SchemeName::LifeSpi => {
            hex(digest::sha256(&[secret.as_bytes(), life_spi::signed_text(received).as_slice()]))
        }
        SchemeName::MiniAppPush => {
            let query = |name| received.need_query(name).ok();
            let message = mini_app_push::message(received).ok()?;
            hex(digest::sha1_sorted([secret, query("timestamp")?, query("nonce")?, message]))
        }
        SchemeName::MiniAppEncrypted => {
            let envelope = mini_app_encrypted::envelope(received).ok()?;
            let keys = Keys::parse(secret).ok()?;
            let texts = [keys.token(), &envelope.timestamp, &envelope.nonce, &envelope.encrypted];
            hex(digest::sha1_sorted(texts))
        }
        SchemeName::SecuredPayment => {
            let parts = secured_payment::parts(received).ok()?;
            hex(digest::sha1_sorted([secret, &parts.timestamp, &parts.nonce, &parts.message]))
        }
        SchemeName::TradeSystem => None,
        SchemeName::LivePush => {
            let head = live_push::signed_head(received).ok()?;
            Some(STANDARD.encode(digest::md5(&[head.as_bytes(), body, secret.as_bytes()])))
        }
        SchemeName::Doudian => hex(digest::md5(&[credentials.app_id?.as_bytes(), body, secret.as_bytes()])),
        SchemeName::OceanEngine => hex(digest::hmac_sha256(secret.as_bytes(), body)),
        SchemeName::WecomCallback | SchemeName::WechatPush => {
            let query = |name| received.need_query(name).ok();
            let sealed = tencent_push::sealed(received).ok()?;
            let callback = tencent_push::callback(secret, credentials).ok()?;
            Some(callback.sign(query("timestamp")?, query("nonce")?, &sealed))
        }
        SchemeName::FeishuEvents => {
            let header = |name| received.need_header(name).ok();
            let key = feishu_events::Secret::parse(secret).ok()?.encrypt_key;
            let (timestamp, nonce) = (header(feishu_events::TIMESTAMP)?, header(feishu_events::NONCE)?);
            Some(callback::event_signature(timestamp, nonce, key.expose_secret(), body))
        }
    }
}
