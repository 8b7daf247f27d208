//! Sealing: AES-256-GCM under a tenant's data key, bound to where the value belongs.
//!
//! Envelope (bytes, then base64url without padding in JSON):
//! `version (1) ‖ key number (4, big-endian) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`.
//! The header is part of the associated data, so a flipped version or key number fails like a flipped ciphertext.

use std::fmt;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::failure::FailureKind;
use crate::id::TenantId;

const VERSION: u8 = 1;
const HEADER: usize = 5;
const NONCE: usize = 12;
const TAG: usize = 16;

/// Where a sealed value belongs. Opening it anywhere else fails.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Whose value.
    pub tenant: &'a TenantId,
    /// The table or queue it lives in.
    pub table: &'a str,
    /// The field.
    pub field: &'a str,
    /// The record: an event key, an order id, …
    pub record: &'a str,
}

impl Place<'_> {
    /// Length-prefixed, so that no two places share their bytes.
    fn associated_data(&self, header: &[u8]) -> Vec<u8> {
        let parts = [
            header,
            self.tenant.as_str().as_bytes(),
            self.table.as_bytes(),
            self.field.as_bytes(),
            self.record.as_bytes(),
        ];
        let mut out = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
        for part in parts {
            out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(part);
        }
        out
    }
}

/// A sealed value as it is stored and queued.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl fmt::Debug for Sealed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sealed({} characters)", self.0.len())
    }
}

/// Why a sealed value does not open, or a value does not seal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The envelope is not base64url, too short, or of another version.
    #[error("sealed value is malformed: {0}")]
    Malformed(&'static str),
    /// The data key of that number is not in the key ring.
    #[error("data key {0} is not in the tenant's key ring")]
    UnknownKey(u32),
    /// Altered, or opened in another place than it was sealed for.
    #[error("sealed value was altered or belongs to another tenant, table, field or record")]
    Rejected,
    /// The plaintext is longer than the cipher allows, or is no text.
    #[error("value can not be sealed or is no text")]
    Unusable,
}

impl SealError {
    /// What the pipeline does: a missing key may come back with the key ring, the rest never heals.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::UnknownKey(_) => FailureKind::Configuration,
            Self::Malformed(_) | Self::Rejected | Self::Unusable => FailureKind::Permanent,
        }
    }
}

/// One data key with its schedule computed: sealing many small fields pays for it once.
pub struct DataKey {
    number: u32,
    cipher: Aes256Gcm,
    link: Zeroizing<[u8; 32]>,
}

impl DataKey {
    /// A data key of a tenant; numbers never repeat within the tenant.
    pub fn new(number: u32, key: &[u8; 32]) -> Self {
        Self { number, cipher: Aes256Gcm::new(key.into()), link: link_key(key) }
    }

    /// The key of signed links that comes and goes with this data key.
    pub(crate) fn link_key(&self) -> &[u8; 32] {
        &self.link
    }

    /// The number that envelopes name it by.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Seals a text for one place.
    ///
    /// # Errors
    /// [`SealError::Unusable`] when the text exceeds the cipher's limit (64 GiB).
    pub fn seal(&self, place: Place<'_>, text: &str, nonce: [u8; NONCE]) -> Result<Sealed, SealError> {
        let mut envelope = Vec::with_capacity(HEADER + NONCE + text.len() + TAG);
        envelope.push(VERSION);
        envelope.extend_from_slice(&self.number.to_be_bytes());
        let aad = place.associated_data(&envelope);
        let sealed = self
            .cipher
            .encrypt(&Nonce::from(nonce), Payload { msg: text.as_bytes(), aad: &aad })
            .map_err(|_| SealError::Unusable)?;
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(&sealed);
        Ok(Sealed(URL_SAFE_NO_PAD.encode(envelope)))
    }

    fn open(&self, place: Place<'_>, envelope: &[u8]) -> Result<SecretString, SealError> {
        let (header, rest) = envelope.split_at_checked(HEADER).ok_or(SealError::Malformed("too short"))?;
        let (nonce, sealed) = rest.split_at_checked(NONCE).ok_or(SealError::Malformed("too short"))?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| SealError::Malformed("too short"))?;
        let aad = place.associated_data(header);
        let plain = self
            .cipher
            .decrypt(&Nonce::from(nonce), Payload { msg: sealed, aad: &aad })
            .map_err(|_| SealError::Rejected)?;
        String::from_utf8(plain).map(SecretString::from).map_err(|_| SealError::Unusable)
    }
}

impl Sealed {
    /// Opens the value with whichever of the tenant's data keys it names.
    ///
    /// # Errors
    /// [`SealError`], by cause.
    pub fn open(&self, keys: &[DataKey], place: Place<'_>) -> Result<SecretString, SealError> {
        let envelope = URL_SAFE_NO_PAD.decode(&self.0).map_err(|_| SealError::Malformed("no base64url"))?;
        let number = match envelope.first_chunk::<HEADER>() {
            Some([VERSION, number @ ..]) => u32::from_be_bytes(*number),
            Some(_) => return Err(SealError::Malformed("unknown version")),
            None => return Err(SealError::Malformed("too short")),
        };
        let key = keys.iter().find(|key| key.number == number).ok_or(SealError::UnknownKey(number))?;
        key.open(place, &envelope)
    }

    /// The number of the data key it was sealed under, for rotation.
    pub fn key_number(&self) -> Option<u32> {
        let envelope = URL_SAFE_NO_PAD.decode(&self.0).ok()?;
        envelope.first_chunk::<HEADER>().map(|[_, number @ ..]| u32::from_be_bytes(*number))
    }
}

/// HMAC-SHA256 of a label of its own: a tag under it says nothing about the data key.
fn link_key(key: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104)")]
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("any length");
    mac.update(b"sluice/link/v1");
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// The plaintext of an opened value, for the moment it is needed.
pub fn exposed(secret: &SecretString) -> &str {
    secret.expose_secret()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place<'a>(tenant: &'a TenantId, record: &'a str) -> Place<'a> {
        Place { tenant, table: "events", field: "phone", record }
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_in_its_place_only(text in ".{0,200}", nonce: [u8; 12], record in "[a-z]{1,9}") {
            let tenant = TenantId::new("brand").unwrap();
            let keys = [DataKey::new(7, &[3; 32])];
            let sealed = keys[0].seal(place(&tenant, &record), &text, nonce).unwrap();
            let opened = sealed.open(&keys, place(&tenant, &record)).unwrap();
            prop_assert_eq!(exposed(&opened), &text);
            prop_assert_eq!(sealed.open(&keys, place(&tenant, "other!")).unwrap_err(), SealError::Rejected);
            let other = TenantId::new("other").unwrap();
            prop_assert_eq!(sealed.open(&keys, place(&other, &record)).unwrap_err(), SealError::Rejected);
        }
    }

    #[test]
    fn every_flipped_byte_is_rejected() {
        let tenant = TenantId::new("brand").unwrap();
        let keys = [DataKey::new(1, &[9; 32])];
        let sealed = keys[0].seal(place(&tenant, "r"), "13800138000", [5; 12]).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&sealed.0).unwrap();
        for index in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[index] ^= 1;
            let altered = Sealed(URL_SAFE_NO_PAD.encode(altered));
            assert!(altered.open(&keys, place(&tenant, "r")).is_err(), "byte {index}");
        }
    }

    #[test]
    fn a_sealed_value_never_prints_its_content() {
        let tenant = TenantId::new("brand").unwrap();
        let sealed = DataKey::new(1, &[9; 32]).seal(place(&tenant, "r"), "13800138000", [5; 12]).unwrap();
        assert!(!format!("{sealed:?}").contains("138"));
        assert_eq!(sealed.key_number(), Some(1));
    }
}
