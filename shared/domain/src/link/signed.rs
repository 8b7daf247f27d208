//! Signed links: bound to a destination and a campaign, and good for a limited time.
//!
//! A token is `base64url(canonical) "." base64url(tag)`, without padding. The canonical string is UTF-8:
//!
//! ```text
//! l1|tenant|key|campaign|destination|reference|expires|nonce
//! ```
//!
//! `key` is the number of the tenant's data key whose link key signed it, `expires` is in Unix seconds, `nonce` is 96 bits in base64url,
//! `reference` may be empty. None of the fields can hold a `|`. The tag is the first 128 bits of HMAC-SHA256 over the canonical string.
//! Nothing in it is secret or personal: whoever holds the link can read it, and only the tenant's keys can make another.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::{Link, LinkRefusal};
use crate::failure::FailureKind;
use crate::id::{InvalidId, MessageId, TenantId};
use crate::tenant::TenantKeys;
use crate::time::UnixMillis;

/// The first field: what kind of token, in which version.
const VERSION: &str = "l1";
/// The longest token that is looked at, in bytes.
pub const LONGEST_TOKEN: usize = 2_048;
/// Under this name a token is added to a link.
const PARAMETER: &str = "sluice";

/// A campaign: what a link was made for. 1 to 64 bytes of letters and digits of any script, `.`, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Campaign(String);

/// What is wrong with a campaign's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("campaign must be 1 to 64 bytes of letters, digits, `.`, `_` and `-`")]
pub struct InvalidCampaign;

impl Campaign {
    /// Parses a campaign's name.
    ///
    /// # Errors
    /// [`InvalidCampaign`].
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidCampaign> {
        let text = text.into();
        let plain = text.chars().all(|char| char.is_alphanumeric() || "._-".contains(char));
        if plain && (1..=64).contains(&text.len()) { Ok(Self(text)) } else { Err(InvalidCampaign) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Campaign {
    type Error = InvalidCampaign;
    fn try_from(text: String) -> Result<Self, InvalidCampaign> {
        Self::new(text)
    }
}

impl std::str::FromStr for Campaign {
    type Err = InvalidCampaign;
    fn from_str(text: &str) -> Result<Self, InvalidCampaign> {
        Self::new(text)
    }
}

impl From<Campaign> for String {
    fn from(campaign: Campaign) -> Self {
        campaign.0
    }
}

impl fmt::Display for Campaign {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What to sign.
#[derive(Debug, Clone)]
pub struct ToSign<'a> {
    /// What the link is made for.
    pub campaign: &'a Campaign,
    /// The landing page, an `https` link.
    pub destination: &'a str,
    /// What the landing page should know: an id of ours, never anything personal.
    pub reference: Option<MessageId>,
    /// Until when it holds; whole seconds count.
    pub expires_at: UnixMillis,
    /// Makes every token another one.
    pub nonce: [u8; 12],
    /// The number of the data key; `None` for the newest.
    pub key: Option<u32>,
}

/// What a signed link that holds says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedLink {
    /// Whose it is.
    pub tenant: TenantId,
    /// The data key it was signed under.
    pub key: u32,
    /// What it was made for.
    pub campaign: Campaign,
    /// The landing page.
    pub destination: String,
    /// What the landing page should know.
    pub reference: Option<MessageId>,
    /// Until when it holds; at that moment it no longer does.
    pub expires_at: UnixMillis,
    /// Its nonce, in base64url.
    pub nonce: String,
}

/// Why a link can not be signed, or a signed link does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignedLinkError {
    /// Not of our making.
    #[error("signed link's `{0}` can not be read")]
    Malformed(&'static str),
    /// Altered, or of another tenant.
    #[error("signed link's tag does not match")]
    Forged,
    /// Its key is not in the key ring, or no longer trusted.
    #[error("signed link is of data key {0}, which is not known or no longer trusted")]
    Key(u32),
    /// Its time is over.
    #[error("signed link expired {0}")]
    Expired(UnixMillis),
    /// The landing page is no link that can be signed.
    #[error("landing page can not be signed: {0}")]
    Destination(LinkRefusal),
}

impl SignedLinkError {
    /// None of them heals by repeating.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Key(_) | Self::Malformed(_) | Self::Forged | Self::Expired(_) | Self::Destination(_) => {
                FailureKind::Permanent
            }
        }
    }

    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Forged => "forged",
            Self::Key(_) => "key_not_trusted",
            Self::Expired(_) => "expired",
            Self::Destination(_) => "destination",
        }
    }
}

/// The token of a link that [`verify_link`] accepts before `expires_at`.
///
/// # Errors
/// [`SignedLinkError::Key`] without such a data key, [`SignedLinkError::Destination`].
pub fn sign_link(keys: &TenantKeys, what: &ToSign<'_>) -> Result<String, SignedLinkError> {
    let destination = what.destination;
    let parsed = Link::parse(destination).map_err(SignedLinkError::Destination)?;
    // It must fit into the canonical string, and into a `Location` header.
    if destination.contains('|')
        || !destination.is_ascii()
        || !destination.starts_with("https://")
        || parsed.fragment().is_some()
    {
        return Err(SignedLinkError::Destination(LinkRefusal::Malformed));
    }
    let (number, key) = keys.link_key(what.key).ok_or(SignedLinkError::Key(what.key.unwrap_or(0)))?;
    let (tenant, campaign) = (keys.tenant(), what.campaign);
    let reference = what.reference.as_ref().map(MessageId::as_str).unwrap_or_default();
    let (seconds, nonce) = (what.expires_at.as_secs(), URL_SAFE_NO_PAD.encode(what.nonce));
    let canonical =
        format!("{VERSION}|{tenant}|{number}|{campaign}|{destination}|{reference}|{seconds}|{nonce}");
    Ok(token(key, &canonical))
}

/// Checks a token: its tag first, in constant time, then its end. `oldest_key`: data keys before it are not trusted.
///
/// # Errors
/// [`SignedLinkError`], by cause.
pub fn verify_link(
    keys: &TenantKeys,
    token: &str,
    oldest_key: u32,
    now: UnixMillis,
) -> Result<SignedLink, SignedLinkError> {
    let (canonical, given) = parts(token)?;
    let link = read(&canonical)?;
    if link.tenant != *keys.tenant() {
        return Err(SignedLinkError::Forged);
    }
    let (_, key) = keys
        .link_key(Some(link.key))
        .filter(|(number, _)| *number >= oldest_key)
        .ok_or(SignedLinkError::Key(link.key))?;
    if !bool::from(tag(key, &canonical).ct_eq(&given)) {
        return Err(SignedLinkError::Forged);
    }
    if link.expires_at <= now {
        return Err(SignedLinkError::Expired(link.expires_at));
    }
    Ok(link)
}

/// Whose token it claims to be; nothing of it is proven yet.
///
/// # Errors
/// [`SignedLinkError::Malformed`].
pub fn claimed_tenant(token: &str) -> Result<TenantId, SignedLinkError> {
    read(&parts(token)?.0).map(|link| link.tenant)
}

/// A link to a page that carries a token: `{page}?sluice={token}`.
pub fn link_to(page: &str, token: &str) -> String {
    format!("{page}{}{PARAMETER}={token}", if page.contains('?') { '&' } else { '?' })
}

/// The token of a link by [`link_to`], of `…/links/{token}`, or the token itself.
pub fn token_of(text: &str) -> &str {
    let after = |mark: &str| text.rsplit_once(mark).map(|(_, token)| token);
    let token = after("?sluice=").or_else(|| after("&sluice=")).or_else(|| after("/links/")).unwrap_or(text);
    token.split(['&', '#', '?']).next().unwrap_or_default()
}

fn parts(token: &str) -> Result<(String, [u8; 16]), SignedLinkError> {
    if token.len() > LONGEST_TOKEN {
        return Err(SignedLinkError::Malformed("token"));
    }
    let (canonical, tag) = token.split_once('.').ok_or(SignedLinkError::Malformed("token"))?;
    let bytes = |text: &str, what| URL_SAFE_NO_PAD.decode(text).map_err(|_| SignedLinkError::Malformed(what));
    let tag = bytes(tag, "tag")?.try_into().map_err(|_| SignedLinkError::Malformed("tag"))?;
    let canonical = String::from_utf8(bytes(canonical, "token")?);
    Ok((canonical.map_err(|_| SignedLinkError::Malformed("token"))?, tag))
}

fn read(canonical: &str) -> Result<SignedLink, SignedLinkError> {
    let fields: Vec<_> = canonical.split('|').collect();
    let [VERSION, tenant, key, campaign, destination, reference, expires, nonce] = fields[..] else {
        return Err(SignedLinkError::Malformed("token"));
    };
    let malformed = |what| move |_| SignedLinkError::Malformed(what);
    let reference = (!reference.is_empty()).then(|| MessageId::new(reference)).transpose();
    let seconds: i64 = expires.parse().map_err(|_| SignedLinkError::Malformed("expires"))?;
    Ok(SignedLink {
        tenant: TenantId::new(tenant).map_err(malformed("tenant"))?,
        key: key.parse().map_err(|_| SignedLinkError::Malformed("key"))?,
        campaign: Campaign::new(campaign).map_err(|_| SignedLinkError::Malformed("campaign"))?,
        destination: destination.to_owned(),
        reference: reference.map_err(|_: InvalidId| SignedLinkError::Malformed("reference"))?,
        expires_at: UnixMillis(seconds.saturating_mul(1_000)),
        nonce: nonce.to_owned(),
    })
}

/// `base64url(canonical) "." base64url(tag)`.
fn token(key: &[u8], canonical: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(canonical), URL_SAFE_NO_PAD.encode(tag(key, canonical)))
}

fn tag(key: &[u8], canonical: &str) -> [u8; 16] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(canonical.as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(mac.finalize().into_bytes().split_at(16).0);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_click_ids_have_the_same_form_and_tag() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../../tests/vectors/click_id_hmac.json")).unwrap();
        let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap().to_owned();
        for row in vectors["click_ids"].as_array().unwrap() {
            let (key, canonical) = (text(row, "key_utf8"), text(row, "canonical"));
            assert_eq!(token(key.as_bytes(), &canonical), text(row, "token"));
            let (read, given) = parts(&text(row, "token")).unwrap();
            assert_eq!((read, given), (canonical.clone(), tag(key.as_bytes(), &canonical)));
            assert!(text(row, "mac_hex").starts_with(&hex::encode(given)));
            // Its fields are others: it is no link of ours.
            assert_eq!(claimed_tenant(&text(row, "token")), Err(SignedLinkError::Malformed("token")));
            Campaign::new(canonical.split('|').nth(1).unwrap()).unwrap();
        }
        // RFC 4231 §4.2 and §4.3, cut to 128 bits.
        for (key, case) in [(vec![0x0b; 20], "rfc4231_case1"), (b"Jefe".to_vec(), "rfc4231_case2")] {
            let expected = text(&vectors[case], "hmac_sha256");
            assert!(expected.starts_with(&hex::encode(tag(&key, &text(&vectors[case], "data")))), "{case}");
        }
    }
}
