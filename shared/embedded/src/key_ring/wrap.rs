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
