//! Commitments: what a sealed record may hold of a personal value.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::tree::Hash;

/// What commitments are computed under; a different computation gets a different label.
const LABEL: &[u8] = b"sluice/commitment/v1";

/// The secret half of a commitment: 32 bytes of secure randomness, or of a key derivation.
///
/// A salt that is kept apart from the record and destroyed takes the value with it: the commitment stays, byte for byte, and so does every proof
/// over the record, but nobody can tell any more what was committed to, however few values there might have been (PIPL art. 47, 73: what can
/// not be linked and not be restored is no personal information).
#[derive(Clone)]
pub struct Salt(Zeroizing<[u8; 32]>);

impl Salt {
    /// The salt of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, to seal them where they can be destroyed.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Salt {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Salt")
    }
}

/// A salted commitment to a value: HMAC-SHA256 under the salt, over label, purpose and value, each but the last with its length before it. It tells nothing
/// about the value without the salt, and with it nobody can show another value for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Commitment(Hash);

impl Commitment {
    /// The commitment to a value. `purpose` names the field, so that two fields of one value and salt don't look alike.
    pub fn to(purpose: &str, value: &[u8], salt: &Salt) -> Self {
        Self(Hash(mac(purpose, value, salt).finalize().into_bytes().into()))
    }

    /// Is this the value that was committed to? Compared in constant time.
    pub fn is_to(&self, purpose: &str, value: &[u8], salt: &Salt) -> bool {
        mac(purpose, value, salt).verify_slice(&self.0.0).is_ok()
    }
}

impl std::fmt::Display for Commitment {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, out)
    }
}

fn mac(purpose: &str, value: &[u8], salt: &Salt) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(salt.0.as_slice()).expect("any length");
    for part in [LABEL, purpose.as_bytes()] {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    mac.update(value);
    mac
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Computed by Python:
    /// `part = lambda b: len(b).to_bytes(8, "big") + b`, then
    /// `hmac.new(bytes(range(32)), part(b"sluice/commitment/v1") + part(b"phone") + b"13800138000", "sha256").hexdigest()`
    #[test]
    fn a_commitment_is_what_another_program_computes() {
        let salt = Salt::new(std::array::from_fn(|at| u8::try_from(at).unwrap()));
        let commitment = Commitment::to("phone", b"13800138000", &salt);
        assert_eq!(
            commitment.to_string(),
            "e76af3bfbd2b0551716bcb05091a8d4cdffc3e4306bd5c00ff66648038359a22"
        );
        assert!(commitment.is_to("phone", b"13800138000", &salt));
        assert_eq!(format!("{salt:?}"), "Salt");
    }

    proptest! {
        #[test]
        fn it_opens_to_its_own_value_purpose_and_salt_alone(
            purpose in "[a-z]{0,5}", value: Vec<u8>, salt: [u8; 32],
            other_purpose in "[a-z]{0,5}", other_value: Vec<u8>, other_salt: [u8; 32],
        ) {
            let (salt, other_salt) = (Salt::new(salt), Salt::new(other_salt));
            let commitment = Commitment::to(&purpose, &value, &salt);
            prop_assert!(commitment.is_to(&purpose, &value, &salt));
            prop_assert_eq!(commitment.is_to(&other_purpose, &value, &salt), purpose == other_purpose);
            prop_assert_eq!(commitment.is_to(&purpose, &other_value, &salt), value == other_value);
            prop_assert!(!commitment.is_to(&purpose, &value, &other_salt));
            let json = serde_json::to_string(&commitment).unwrap();
            prop_assert_eq!(serde_json::from_str::<Commitment>(&json).unwrap(), commitment);
        }
    }
}
