//! The digests of the schemes, and their comparison in constant time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

fn hashed<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hasher = D::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().to_vec()
}

/// SHA-1 of the parts, one after the other.
pub(super) fn sha1(parts: &[&[u8]]) -> Vec<u8> {
    hashed::<Sha1>(parts)
}

/// SHA-256 of the parts, one after the other.
pub(super) fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    hashed::<Sha256>(parts)
}

/// MD5 of the parts, one after the other.
pub(super) fn md5(parts: &[&[u8]]) -> Vec<u8> {
    hashed::<Md5>(parts)
}

/// HMAC-SHA-256 of the body.
pub(super) fn hmac_sha256(key: &[u8], body: &[u8]) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

/// HMAC-SHA-1 of the body.
pub(super) fn hmac_sha1(key: &[u8], body: &[u8]) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104)")]
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("any length");
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

/// SHA-1 of the texts in byte order, one after the other: the form of the mini-program pushes.
pub(super) fn sha1_sorted(mut texts: [&str; 4]) -> Vec<u8> {
    texts.sort_unstable();
    sha1(&texts.map(str::as_bytes))
}

/// Is `received` the digest in hex? Hex is compared without case; lengths are no secret.
pub(super) fn is_hex_of(received: &str, digest: &[u8]) -> Choice {
    let mut bytes = [0_u8; 32];
    let Some(bytes) = bytes.get_mut(..digest.len()) else { return Choice::from(0) };
    if hex::decode_to_slice(received, bytes).is_err() {
        return Choice::from(0);
    }
    (*bytes).ct_eq(digest)
}

/// Is `received` the digest in base64?
pub(super) fn is_base64_of(received: &str, digest: &[u8]) -> Choice {
    STANDARD.encode(digest).as_bytes().ct_eq(received.as_bytes())
}
