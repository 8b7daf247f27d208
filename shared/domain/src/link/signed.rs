//! Lead links: opaque, bound to an event and a destination, and good for a limited time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use super::query;
use crate::failure::FailureKind;
use crate::id::{DestinationId, TraceId};
use crate::tenant::{HashPurpose, TenantKeys};
use crate::time::UnixMillis;

/// What a signed link that holds says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedLink {
    /// The event it leads to.
    pub trace_id: TraceId,
    /// The destination it was made for.
    pub destination: DestinationId,
    /// Until when it holds.
    pub expires_at: UnixMillis,
}

/// Why a signed link does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignedLinkError {
    /// Not of our making.
    #[error("signed link lacks or repeats `{0}`, or it can not be read")]
    Malformed(&'static str),
    /// Altered, of another tenant, or for another address.
    #[error("signed link's tag does not match")]
    Forged,
    /// Its time is over.
    #[error("signed link expired {0}")]
    Expired(UnixMillis),
}

impl SignedLinkError {
    /// None of them heals by repeating.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Malformed(_) | Self::Forged | Self::Expired(_) => FailureKind::Permanent,
        }
    }
}

/// A link to `base` (no query, no fragment) that [`verify_link`] accepts until `expires_at`, in whole seconds.
///
/// `?t=` trace, `d=` destination, `e=` Unix seconds, `s=` the first 128 bits of HMAC-SHA256, base64url.
pub fn sign_link(
    keys: &TenantKeys,
    base: &str,
    trace_id: TraceId,
    destination: &DestinationId,
    expires_at: UnixMillis,
) -> String {
    let seconds = expires_at.as_secs();
    let tag = tag(keys, base, trace_id, destination, seconds);
    format!("{base}?t={trace_id}&d={}&e={seconds}&s={tag}", query::encode(destination.as_str()))
}

/// Checks a link: tag first, in constant time, then its end.
///
/// # Errors
/// [`SignedLinkError`], by cause.
pub fn verify_link(keys: &TenantKeys, link: &str, now: UnixMillis) -> Result<VerifiedLink, SignedLinkError> {
    let (base, values) = link.split_once('?').ok_or(SignedLinkError::Malformed("t"))?;
    let trace_id = one(values, "t")?.parse().map_err(|_| SignedLinkError::Malformed("t"))?;
    let destination = query::decode(one(values, "d")?).ok_or(SignedLinkError::Malformed("d"))?;
    let destination = DestinationId::new(destination).map_err(|_| SignedLinkError::Malformed("d"))?;
    let seconds: i64 = one(values, "e")?.parse().map_err(|_| SignedLinkError::Malformed("e"))?;
    let given = one(values, "s")?;
    let expected = tag(keys, base, trace_id, &destination, seconds);
    if !bool::from(expected.as_bytes().ct_eq(given.as_bytes())) {
        return Err(SignedLinkError::Forged);
    }
    let expires_at = UnixMillis(seconds.saturating_mul(1_000));
    if expires_at <= now {
        return Err(SignedLinkError::Expired(expires_at));
    }
    Ok(VerifiedLink { trace_id, destination, expires_at })
}

fn tag(keys: &TenantKeys, base: &str, trace: TraceId, destination: &DestinationId, seconds: i64) -> String {
    let parts = [base, &trace.to_string(), destination.as_str(), &seconds.to_string()];
    let hash = keys.keyed_hash(HashPurpose::Link, &parts);
    URL_SAFE_NO_PAD.encode(hash.split_at(16).0)
}

/// The one value of a name.
fn one<'a>(values: &'a str, name: &'static str) -> Result<&'a str, SignedLinkError> {
    let mut found = values.split('&').filter_map(|pair| pair.split_once('=')).filter(|(key, _)| *key == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Ok(value),
        _ => Err(SignedLinkError::Malformed(name)),
    }
}
