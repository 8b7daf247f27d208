use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use subtle::Choice;

use super::VerifyError;
use crate::source::{Digest, Source};
use crate::time::UnixMillis;

/// What a source's callbacks are checked with.
///
/// The secret is a text for most schemes. `mini-app-encrypted` takes JSON with `token` and `encoding_aes_key`,
/// `trade-system` the platform's public key (PEM, or base64 of its DER form).
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'a> {
    /// The secret in force.
    pub current: &'a SecretString,
    /// The one before it, during a rotation.
    pub previous: Option<&'a SecretString>,
    /// The application's public key or id.
    pub app_id: Option<&'a str>,
    /// The digest of `open-platform`.
    pub digest: Digest,
    /// How far a signed timestamp may be off, either way.
    pub freshness_seconds: u32,
}

/// Which of the two secrets a callback was signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretVersion {
    /// The one in force.
    Current,
    /// The one before it: the rotation is not finished on the platform's side.
    Previous,
}

impl<'a> Credentials<'a> {
    /// One secret, no application id, the default digest and window.
    pub fn of_secret(current: &'a SecretString) -> Self {
        Self { current, previous: None, app_id: None, digest: Digest::Sha1, freshness_seconds: 300 }
    }

    /// The credentials of a configured source.
    pub fn of_source(
        source: &'a Source,
        current: &'a SecretString,
        previous: Option<&'a SecretString>,
    ) -> Self {
        Self {
            current,
            previous,
            app_id: source.app_id.as_deref(),
            digest: source.digest,
            freshness_seconds: source.freshness_seconds,
        }
    }

    /// Which secret matches. Both are always tried, so that the time taken doesn't tell which one did.
    pub(super) fn matching(
        &self,
        matches: impl Fn(&str) -> Result<Choice, VerifyError>,
    ) -> Result<SecretVersion, VerifyError> {
        let current = matches(self.current.expose_secret())?;
        let previous = match self.previous {
            Some(secret) => matches(secret.expose_secret())?,
            None => Choice::from(0),
        };
        if current.into() {
            Ok(SecretVersion::Current)
        } else if previous.into() {
            Ok(SecretVersion::Previous)
        } else {
            Err(VerifyError::SignatureMismatch)
        }
    }

    /// The same, whatever the timestamp: for explaining a mismatch, never for accepting.
    pub(super) fn at_any_time(&self) -> Self {
        Self { freshness_seconds: u32::MAX, ..*self }
    }

    /// The text of one of the secrets.
    pub(super) fn secret(&self, version: SecretVersion) -> &'a str {
        match (version, self.previous) {
            (SecretVersion::Previous, Some(previous)) => previous.expose_secret(),
            _ => self.current.expose_secret(),
        }
    }

    /// The application id, where the scheme can't do without.
    pub(super) fn need_app_id(&self) -> Result<&'a str, VerifyError> {
        self.app_id.ok_or(VerifyError::CredentialUnusable("the scheme needs `app_id`"))
    }

    /// Is a platform's integer time (s or ms) within the window around `now`?
    pub(super) fn fresh(&self, timestamp: &str, now: UnixMillis) -> Result<UnixMillis, VerifyError> {
        let value: i64 = timestamp.trim().parse().map_err(|_| VerifyError::TimestampMalformed)?;
        let at = UnixMillis::from_platform(value);
        let off = now.since(at).saturating_abs();
        if off > i64::from(self.freshness_seconds).saturating_mul(1_000) {
            return Err(VerifyError::TimestampOutsideWindow {
                off_seconds: off / 1_000,
                window_seconds: self.freshness_seconds,
            });
        }
        Ok(at)
    }
}
