//! AES-256-CBC with PKCS#7 padding up to a block of 16 bytes (Feishu) or 32 (Tencent and Douyin, who pad beyond the cipher's own block).

use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};

use super::CallbackError;

/// Bytes of a cipher block and of an IV.
pub(in crate::scheme) const BLOCK: usize = 16;

/// Opens; `padded_to` is 16 or 32.
pub(in crate::scheme) fn open(
    key: &[u8; 32],
    iv: &[u8; BLOCK],
    ciphertext: &[u8],
    padded_to: u8,
) -> Result<Vec<u8>, CallbackError> {
    if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(BLOCK) {
        return Err(CallbackError::MalformedCiphertext);
    }
    let mut buffer = ciphertext.to_vec();
    cbc::Decryptor::<Aes256>::new(key.into(), iv.into())
        .decrypt_padded::<NoPadding>(&mut buffer)
        .map_err(|_| CallbackError::MalformedCiphertext)?;
    let padding = *buffer.last().ok_or(CallbackError::MalformedCiphertext)?;
    let text = buffer.len().checked_sub(usize::from(padding)).ok_or(CallbackError::WrongKey)?;
    let tail = buffer.get(text..).unwrap_or_default();
    if padding == 0 || padding > padded_to || tail.iter().any(|byte| *byte != padding) {
        return Err(CallbackError::WrongKey);
    }
    buffer.truncate(text);
    Ok(buffer)
}

/// Seals; `padded_to` is 16 or 32.
pub(in crate::scheme) fn seal(
    key: &[u8; 32],
    iv: &[u8; BLOCK],
    mut text: Vec<u8>,
    padded_to: u8,
) -> Result<Vec<u8>, CallbackError> {
    let block = usize::from(padded_to);
    let padding = block - text.len() % block;
    // Between 1 and 32.
    let byte = u8::try_from(padding).map_err(|_| CallbackError::MalformedCiphertext)?;
    text.resize(text.len() + padding, byte);
    let whole = text.len();
    cbc::Encryptor::<Aes256>::new(key.into(), iv.into())
        .encrypt_padded::<NoPadding>(&mut text, whole)
        .map_err(|_| CallbackError::MalformedCiphertext)?;
    Ok(text)
}
