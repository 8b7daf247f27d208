//! The envelope of a wrapped key: `version (1) ‖ nonce (12) ‖ AES-256-GCM of 32 bytes (32) ‖ tag (16)`. The associated data
//! names tenant, purpose and number, so that a wrapped key opens in its own place only.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use sluice_domain::id::TenantId;
use sluice_ports::{Entropy, Nonces as _};
use zeroize::Zeroizing;

use crate::key::Key;

const VERSION: u8 = 1;
/// Separates this use of the master key from every other.
const LABEL: &[u8] = b"sluice/tenant-key/v1";

/// What a wrapped key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Purpose {
    Index = b'i',
    Data = b'd',
}

impl Purpose {
    pub(super) fn of(byte: u8) -> Option<Self> {
        [Self::Index, Self::Data].into_iter().find(|purpose| *purpose as u8 == byte)
    }
}

/// A key as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Wrapped(pub(super) Vec<u8>);

/// Where a wrapped key lies.
pub(super) fn place(tenant: &TenantId, purpose: Purpose, number: u32) -> Key {
    Key::of(tenant).bytes(&[purpose as u8]).bytes(&number.to_be_bytes())
}

fn associated_data(place: &Key) -> Vec<u8> {
    [LABEL, &[VERSION], place.as_slice()].concat()
}

pub(super) fn seal(cipher: &Aes256Gcm, place: &Key, key: &[u8; 32], entropy: &dyn Entropy) -> Wrapped {
    let nonce = entropy.nonce();
    let aad = associated_data(place);
    #[expect(clippy::expect_used, reason = "AES-GCM refuses only texts beyond 64 GiB")]
    let sealed = cipher
        .encrypt(&Nonce::from(nonce), Payload { msg: key.as_slice(), aad: &aad })
        .expect("32 bytes can be sealed");
    Wrapped([&[VERSION], nonce.as_slice(), &sealed].concat())
}

/// `None` when it was altered, belongs elsewhere or is under another master key.
pub(super) fn open(cipher: &Aes256Gcm, place: &Key, wrapped: &Wrapped) -> Option<Zeroizing<[u8; 32]>> {
    let (&version, rest) = wrapped.0.split_first()?;
    let (nonce, sealed) = rest.split_first_chunk::<12>()?;
    let aad = associated_data(place);
    let plain = cipher.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: &aad }).ok()?;
    let plain = Zeroizing::new(plain);
    let key: [u8; 32] = plain.as_slice().try_into().ok()?;
    (version == VERSION).then(|| Zeroizing::new(key))
}

#[cfg(test)]
mod tests {
    use aes_gcm::KeyInit as _;

    use super::*;
    use crate::SystemEntropy;

    fn cipher(byte: u8) -> Aes256Gcm {
        Aes256Gcm::new(&[byte; 32].into())
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    #[test]
    fn a_wrapped_key_opens_in_its_place_under_its_master_key_alone() {
        let at = place(&tenant("brand"), Purpose::Data, 1);
        let wrapped = seal(&cipher(1), &at, &[9; 32], &SystemEntropy);
        assert_eq!(open(&cipher(1), &at, &wrapped).as_deref(), Some(&[9; 32]));
        assert!(open(&cipher(2), &at, &wrapped).is_none());
        let elsewhere = [
            place(&tenant("other"), Purpose::Data, 1),
            place(&tenant("brand"), Purpose::Index, 1),
            place(&tenant("brand"), Purpose::Data, 2),
        ];
        for place in elsewhere {
            assert!(open(&cipher(1), &place, &wrapped).is_none());
        }
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_rejected() {
        let at = place(&tenant("brand"), Purpose::Index, 0);
        let wrapped = seal(&cipher(1), &at, &[9; 32], &SystemEntropy);
        assert_eq!(wrapped.0.len(), 1 + 12 + 32 + 16);
        for index in 0..wrapped.0.len() {
            let mut altered = wrapped.clone();
            altered.0[index] ^= 1;
            assert!(open(&cipher(1), &at, &altered).is_none(), "byte {index}");
            let cut = Wrapped(wrapped.0[..index].to_vec());
            assert!(open(&cipher(1), &at, &cut).is_none(), "cut to {index}");
        }
    }
}
