use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use secrecy::{ExposeSecret as _, SecretString};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{CallbackError, cbc};

/// 43 characters carry 258 bits; what the last two are is not laid down.
const ENCODING_KEY: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Random bytes in front of every sealed text.
const RANDOM: usize = 16;
/// Padding goes up to 32 bytes, twice the cipher's block.
const PADDED_TO: u8 = 32;

/// Callbacks of WeCom (WW91144) and of WeChat in safe mode: one scheme.
pub struct TencentCallback {
    token: SecretString,
    key: Zeroizing<[u8; 32]>,
    receiver: String,
}

impl TencentCallback {
    /// With the configured token, `EncodingAESKey` and receiver (corp id, suite id or app id).
    ///
    /// # Errors
    /// [`CallbackError::InvalidKey`].
    pub fn new(
        token: SecretString,
        encoding_aes_key: &SecretString,
        receiver: impl Into<String>,
    ) -> Result<Self, CallbackError> {
        Ok(Self { token, key: encoding_key(encoding_aes_key)?, receiver: receiver.into() })
    }

    /// Checks `msg_signature` over the sealed text, in constant time.
    ///
    /// # Errors
    /// [`CallbackError::SignatureMismatch`].
    pub fn verify(
        &self,
        timestamp: &str,
        nonce: &str,
        sealed: &str,
        msg_signature: &str,
    ) -> Result<(), CallbackError> {
        let expected = self.sign(timestamp, nonce, sealed);
        if bool::from(expected.as_bytes().ct_eq(msg_signature.as_bytes())) {
            Ok(())
        } else {
            Err(CallbackError::SignatureMismatch)
        }
    }

    /// The `msg_signature` of a sealed text.
    pub fn sign(&self, timestamp: &str, nonce: &str, sealed: &str) -> String {
        signature(&[self.token.expose_secret(), timestamp, nonce, sealed])
    }

    /// Opens a sealed text that was verified; what is inside must name this receiver.
    ///
    /// # Errors
    /// [`CallbackError::MalformedCiphertext`], [`CallbackError::WrongKey`] and [`CallbackError::WrongReceiver`].
    pub fn open(&self, sealed: &str) -> Result<Vec<u8>, CallbackError> {
        let ciphertext = STANDARD.decode(sealed).map_err(|_| CallbackError::MalformedCiphertext)?;
        let text = cbc::open(&self.key, self.iv()?, &ciphertext, PADDED_TO)?;
        let rest = text.get(RANDOM..).ok_or(CallbackError::WrongKey)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(CallbackError::WrongKey)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| CallbackError::WrongKey)?;
        let (message, receiver) = rest.split_at_checked(length).ok_or(CallbackError::WrongKey)?;
        if receiver != self.receiver.as_bytes() {
            return Err(CallbackError::WrongReceiver);
        }
        Ok(message.to_vec())
    }

    /// Seals an answer. `random` comes from outside and must be unpredictable.
    ///
    /// # Errors
    /// [`CallbackError::MalformedCiphertext`] for a message of 4 GiB or more.
    pub fn seal(&self, message: &[u8], random: [u8; RANDOM]) -> Result<String, CallbackError> {
        let length = u32::try_from(message.len()).map_err(|_| CallbackError::MalformedCiphertext)?;
        let mut text = random.to_vec();
        text.extend_from_slice(&length.to_be_bytes());
        text.extend_from_slice(message);
        text.extend_from_slice(self.receiver.as_bytes());
        Ok(STANDARD.encode(cbc::seal(&self.key, self.iv()?, text, PADDED_TO)?))
    }

    /// The key's first half.
    fn iv(&self) -> Result<&[u8; cbc::BLOCK], CallbackError> {
        self.key.first_chunk().ok_or(CallbackError::InvalidKey)
    }
}

/// The AES key of an `EncodingAESKey`, here and at Douyin's mini-programs.
pub(in crate::scheme) fn encoding_key(text: &SecretString) -> Result<Zeroizing<[u8; 32]>, CallbackError> {
    let bytes = ENCODING_KEY.decode(text.expose_secret()).map(Zeroizing::new);
    let bytes = bytes.map_err(|_| CallbackError::InvalidKey)?;
    let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| CallbackError::InvalidKey)?;
    Ok(Zeroizing::new(key))
}

/// Lower-case hex SHA-1 of the sorted parts, one after the other: `msg_signature` over token, timestamp, nonce and sealed text,
/// and WeChat's plain `signature` over the first three.
pub fn signature(parts: &[&str]) -> String {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    hex::encode(Sha1::digest(sorted.concat()))
}
