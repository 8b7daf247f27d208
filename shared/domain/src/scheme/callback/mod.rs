//! The cryptography of callbacks from Feishu, WeCom and WeChat: signatures and sealed bodies. What the callbacks say is not read here.

pub(super) mod cbc;
mod feishu;
mod tencent;

pub use feishu::{FeishuEvents, event_signature};
pub(super) use tencent::encoding_key;
pub use tencent::{TencentCallback, signature};

use crate::failure::FailureKind;

/// Why a callback can not be trusted or read. Says nothing about the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallbackError {
    /// The configured `EncodingAESKey` is not 43 characters of base64.
    #[error("the encoding key must be 43 characters of base64")]
    InvalidKey,
    /// The signature is not the one of this body and secret.
    #[error("signature mismatch")]
    SignatureMismatch,
    /// The sealed text is no base64, or of no whole number of blocks.
    #[error("sealed text malformed")]
    MalformedCiphertext,
    /// Opened with this key it is nonsense: wrong key, or tampered with.
    #[error("sealed text does not open with this key")]
    WrongKey,
    /// It was sealed for somebody else.
    #[error("sealed for another receiver")]
    WrongReceiver,
}

impl CallbackError {
    /// A wrong key is the operator's fault; everything else is final for the callback.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::InvalidKey => FailureKind::Configuration,
            Self::SignatureMismatch | Self::MalformedCiphertext | Self::WrongKey | Self::WrongReceiver => {
                FailureKind::Permanent
            }
        }
    }
}
