use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use super::{CallbackError, cbc};

/// Events of a Feishu application with an *Encrypt Key* (Feishu, event subscription guide).
pub struct FeishuEvents {
    encrypt_key: secrecy::SecretString,
}

impl FeishuEvents {
    /// With the application's *Encrypt Key*, whatever its length.
    pub fn new(encrypt_key: secrecy::SecretString) -> Self {
        Self { encrypt_key }
    }

    /// Checks `X-Lark-Signature` over `X-Lark-Request-Timestamp`, `X-Lark-Request-Nonce` and the raw body, in constant time.
    ///
    /// # Errors
    /// [`CallbackError::SignatureMismatch`].
    pub fn verify(
        &self,
        timestamp: &str,
        nonce: &str,
        raw_body: &[u8],
        signature: &str,
    ) -> Result<(), CallbackError> {
        let expected = event_signature(timestamp, nonce, self.key(), raw_body);
        if bool::from(expected.as_bytes().ct_eq(signature.as_bytes())) {
            Ok(())
        } else {
            Err(CallbackError::SignatureMismatch)
        }
    }

    /// Opens the field `encrypt`: base64 of the IV and the ciphertext, under SHA-256 of the key.
    ///
    /// # Errors
    /// [`CallbackError::MalformedCiphertext`] and [`CallbackError::WrongKey`].
    pub fn open(&self, encrypt: &str) -> Result<Vec<u8>, CallbackError> {
        let sealed = STANDARD.decode(encrypt).map_err(|_| CallbackError::MalformedCiphertext)?;
        let (iv, ciphertext) =
            sealed.split_first_chunk::<{ cbc::BLOCK }>().ok_or(CallbackError::MalformedCiphertext)?;
        let key: [u8; 32] = Sha256::digest(self.key()).into();
        cbc::open(&key, iv, ciphertext, 16)
    }

    /// Seals as the platform does. `iv` comes from outside.
    ///
    /// # Errors
    /// [`CallbackError::MalformedCiphertext`]; it does not happen with blocks of 16 bytes.
    pub fn seal(&self, message: &[u8], iv: [u8; cbc::BLOCK]) -> Result<String, CallbackError> {
        let key: [u8; 32] = Sha256::digest(self.key()).into();
        let sealed = cbc::seal(&key, &iv, message.to_vec(), 16)?;
        Ok(STANDARD.encode([iv.as_slice(), &sealed].concat()))
    }

    fn key(&self) -> &str {
        secrecy::ExposeSecret::expose_secret(&self.encrypt_key)
    }
}

/// `X-Lark-Signature`: lower-case hex SHA-256 of timestamp, nonce, key and raw body, one after the other. No HMAC.
pub fn event_signature(timestamp: &str, nonce: &str, encrypt_key: &str, raw_body: &[u8]) -> String {
    let mut digest = Sha256::new();
    for part in [timestamp.as_bytes(), nonce.as_bytes(), encrypt_key.as_bytes(), raw_body] {
        digest.update(part);
    }
    hex::encode(digest.finalize())
}
