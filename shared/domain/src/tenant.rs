//! The keys of a tenant and what is derived with them: seals, pseudonyms, clearance and link tags.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::SecretString;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::audit::{Commitment, Salt};
use crate::id::{PersonId, TenantId};
use crate::sealed::{DataKey, Place, SealError, Sealed};

/// What a keyed hash is for: two purposes never share a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashPurpose {
    /// Open id → [`PersonId`].
    Person,
    /// The tag by which channel-dispatch knows that the compliance engine cleared an event.
    Clearance,
    /// The tag by which channel-dispatch knows that script and destination are those that bucket-assignment chose.
    Assignment,
    /// The tag of the `customer_channel` of a customer-acquisition link.
    CustomerChannel,
    /// Pseudonyms of anything else in logs.
    LogPseudonym,
    /// The salt of the commitments to callbacks' bodies.
    Payload,
    /// The tag that binds a review to the decision it waits for.
    Review,
    /// The tag of one voice in a review.
    ReviewVoice,
    /// The name of a text that a remote check answered for.
    CheckedText,
}

impl HashPurpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Person => b"sluice/person/v1",
            Self::Clearance => b"sluice/clearance/v1",
            Self::Assignment => b"sluice/assignment/v1",
            Self::CustomerChannel => b"sluice/customer-channel/v1",
            Self::LogPseudonym => b"sluice/log/v1",
            Self::Payload => b"sluice/payload/v1",
            Self::Review => b"sluice/review/v1",
            Self::ReviewVoice => b"sluice/review-voice/v1",
            Self::CheckedText => b"sluice/checked-text/v1",
        }
    }
}

/// The unwrapped keys of one tenant, as a key ring hands them out.
pub struct TenantKeys {
    tenant: TenantId,
    /// Keys of hashes; never rotates, or every person would become a stranger.
    index: Zeroizing<[u8; 32]>,
    /// Oldest first; the last one seals.
    data: Vec<DataKey>,
}

impl std::fmt::Debug for TenantKeys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "TenantKeys({}, {} data keys)", self.tenant, self.data.len())
    }
}

impl TenantKeys {
    /// The keys of `tenant`; `data` is oldest first and must not be empty for sealing to work.
    pub fn new(tenant: TenantId, index: Zeroizing<[u8; 32]>, data: Vec<DataKey>) -> Self {
        Self { tenant, index, data }
    }

    /// Whose keys.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// HMAC-SHA256 of the parts, length-prefixed, under a key of the purpose's own.
    pub fn keyed_hash(&self, purpose: HashPurpose, parts: &[&str]) -> [u8; 32] {
        let mut mac = keyed(self.index.as_slice());
        mac.update(purpose.label());
        let derived = Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
        let mut mac = keyed(derived.as_slice());
        for part in parts {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }

    /// The pseudonym of a person: 128 bits of the keyed hash of the open id, in hex after `p-`.
    pub fn person(&self, open_id: &str) -> PersonId {
        self.pseudonym(HashPurpose::Person, "p-", open_id)
    }

    /// The commitment to a callback's raw body, from the body's SHA-256 in lower-case hex: records, consents and deliveries hold this, and not the
    /// hash itself, by which a short body could be guessed. The same body gives the same commitment for as long as the tenant has its keys.
    pub fn payload(&self, sha256: &str) -> Commitment {
        Commitment::to("payload", sha256.as_bytes(), &Salt::new(self.keyed_hash(HashPurpose::Payload, &[])))
    }

    fn pseudonym(&self, purpose: HashPurpose, prefix: &str, value: &str) -> PersonId {
        let hash = self.keyed_hash(purpose, &[value]);
        let (half, _) = hash.split_at(16);
        let text = format!("{prefix}{}", hex::encode(half));
        #[expect(clippy::expect_used, reason = "34 characters of [p0-9a-f-] are always a person id")]
        PersonId::new(text).expect("prefix and hex")
    }

    /// Seals a text under the newest data key. `place.tenant` must be this tenant.
    ///
    /// # Errors
    /// [`SealError::UnknownKey`] when the tenant has no data key.
    pub fn seal(
        &self,
        table: &str,
        field: &str,
        record: &str,
        text: &str,
        nonce: [u8; 12],
    ) -> Result<Sealed, SealError> {
        let key = self.data.last().ok_or(SealError::UnknownKey(0))?;
        key.seal(Place { tenant: &self.tenant, table, field, record }, text, nonce)
    }

    /// The number and link key of a data key; of the newest for `None`.
    pub(crate) fn link_key(&self, number: Option<u32>) -> Option<(u32, &[u8; 32])> {
        let key = match number {
            Some(number) => self.data.iter().find(|key| key.number() == number),
            None => self.data.last(),
        };
        key.map(|key| (key.number(), key.link_key()))
    }

    /// Opens a value of this tenant.
    ///
    /// # Errors
    /// [`SealError`], by cause.
    pub fn open(
        &self,
        table: &str,
        field: &str,
        record: &str,
        sealed: &Sealed,
    ) -> Result<SecretString, SealError> {
        sealed.open(&self.data, Place { tenant: &self.tenant, table, field, record })
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104)")]
    Hmac::<Sha256>::new_from_slice(key).expect("any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(tenant: &str, index: u8) -> TenantKeys {
        TenantKeys::new(
            TenantId::new(tenant).unwrap(),
            Zeroizing::new([index; 32]),
            vec![DataKey::new(1, &[1; 32])],
        )
    }

    #[test]
    fn a_person_has_one_pseudonym_per_tenant_and_never_their_open_id() {
        let (one, other) = (keys("a", 1), keys("b", 2));
        assert_eq!(one.person("open-1"), one.person("open-1"));
        assert_ne!(one.person("open-1"), one.person("open-2"));
        assert_ne!(one.person("open-1"), other.person("open-1"));
        assert!(!one.person("open-1").as_str().contains("open"));
    }

    #[test]
    fn a_body_is_committed_to_per_tenant_and_never_by_its_hash() {
        let (one, other) = (keys("a", 1), keys("b", 2));
        assert_eq!(one.payload("00"), one.payload("00"));
        assert_ne!(one.payload("00"), one.payload("01"));
        assert_ne!(one.payload("00"), other.payload("00"));
    }

    #[test]
    fn hashes_of_two_purposes_or_two_splits_differ() {
        let keys = keys("a", 1);
        assert_ne!(
            keys.keyed_hash(HashPurpose::LogPseudonym, &["x"]),
            keys.keyed_hash(HashPurpose::Clearance, &["x"])
        );
        assert_ne!(
            keys.keyed_hash(HashPurpose::LogPseudonym, &["ab", "c"]),
            keys.keyed_hash(HashPurpose::LogPseudonym, &["a", "bc"])
        );
    }
}
