//! RSA keys in the forms that consoles hand out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;

/// The PKCS#1 form of a public key given in PEM or bare base64, as SPKI (RFC 5280) or PKCS#1 (RFC 8017).
pub(super) fn public(text: &str) -> Option<Vec<u8>> {
    let der = der(text)?;
    let (inside, _) = element(&der, SEQUENCE)?;
    if inside.first() == Some(&INTEGER) {
        return Some(der);
    }
    let (_algorithm, rest) = element(inside, SEQUENCE)?;
    let (bits, _) = element(rest, BIT_STRING)?;
    let (unused_bits, key) = bits.split_first()?;
    (*unused_bits == 0).then(|| key.to_vec())
}

/// The DER bytes of PEM armour, or of bare base64.
pub(super) fn der(text: &str) -> Option<Vec<u8>> {
    let base64: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("-----"))
        .flat_map(str::split_whitespace)
        .collect();
    STANDARD.decode(base64).ok()
}

/// The content of the element that `bytes` begin with, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    if *found != tag {
        return None;
    }
    if *first < 0x80 {
        return rest.split_at_checked(usize::from(*first));
    }
    let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    if length.is_empty() || length.len() > 3 {
        return None;
    }
    let length = length.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arbitrary_texts_are_no_key_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            use base64::Engine as _;
            let text = base64::engine::general_purpose::STANDARD.encode(&bytes);
            let _ = super::public(&text);
            prop_assert!(super::public("-----BEGIN PUBLIC KEY-----\n!\n").is_none());
        }
    }
}
