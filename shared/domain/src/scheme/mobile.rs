//! The encrypted mobile number of the OAuth user information (`encrypt_mobile`).

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// Why a mobile number does not decrypt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MobileError {
    /// The key is the client secret, byte for byte.
    #[error("client secret must be 32 bytes")]
    SecretLength,
    /// No base64, no whole blocks, bad padding or no text.
    #[error("encrypted mobile number does not decrypt")]
    Malformed,
}

/// Decrypts it: AES-256-CBC with PKCS#7, key = client secret, IV = its first 16 bytes.
///
/// # Errors
/// [`MobileError`].
pub fn decrypt(client_secret: &SecretString, encrypted: &str) -> Result<SecretString, MobileError> {
    let key = client_secret.expose_secret().as_bytes();
    let iv = key.get(..16).ok_or(MobileError::SecretLength)?;
    let mut bytes = Zeroizing::new(STANDARD.decode(encrypted).map_err(|_| MobileError::Malformed)?);
    let plain = cbc::Decryptor::<Aes256>::new_from_slices(key, iv)
        .map_err(|_| MobileError::SecretLength)?
        .decrypt_padded::<Pkcs7>(&mut bytes)
        .map_err(|_| MobileError::Malformed)?;
    std::str::from_utf8(plain).map(SecretString::from).map_err(|_| MobileError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_number_decrypts_and_altered_ones_do_not() {
        let secret = SecretString::from("0123456789abcdef0123456789abcdef");
        let opened = decrypt(&secret, "tyUWQwYuUmVFJtElAL+D7Q==").unwrap();
        assert_eq!(opened.expose_secret(), "12345678910");
        assert_eq!(decrypt(&secret, "tyUWQwYuUmVFJtElAL+D").unwrap_err(), MobileError::Malformed);
        let short = SecretString::from("short");
        assert_eq!(decrypt(&short, "tyUWQwYuUmVFJtElAL+D7Q==").unwrap_err(), MobileError::SecretLength);
    }
}
