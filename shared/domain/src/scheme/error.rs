use crate::failure::FailureKind;

/// Why a callback is not proven genuine. Messages name headers and fields, never their values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A header that the scheme needs did not come.
    #[error("header `{0}` is missing")]
    HeaderMissing(&'static str),
    /// A header that the scheme trusts came more than once: which one was signed can't be known.
    #[error("header `{0}` came more than once")]
    HeaderDuplicated(&'static str),
    /// A header is no visible ASCII.
    #[error("header `{0}` is no text")]
    HeaderNotText(&'static str),
    /// A query parameter that the scheme needs did not come.
    #[error("query parameter `{0}` is missing")]
    QueryMissing(&'static str),
    /// A query parameter that the scheme trusts came more than once.
    #[error("query parameter `{0}` came more than once")]
    QueryDuplicated(&'static str),
    /// A field of the body that the scheme needs did not come.
    #[error("body field `{0}` is missing")]
    FieldMissing(&'static str),
    /// The body is no UTF-8.
    #[error("body is no UTF-8")]
    BodyNotUtf8,
    /// The body does not have the scheme's form.
    #[error("body is malformed: expected {0}")]
    BodyMalformed(&'static str),
    /// The signature is another one.
    #[error("signature does not match")]
    SignatureMismatch,
    /// The timestamp is no integer.
    #[error("timestamp is no integer")]
    TimestampMalformed,
    /// The signed timestamp is too old, or too far in the future.
    #[error("timestamp is {off_seconds} s off, at most {window_seconds} s are allowed")]
    TimestampOutsideWindow {
        /// How far, either way.
        off_seconds: i64,
        /// The configured window.
        window_seconds: u32,
    },
    /// The callback names another application than the source is configured for.
    #[error("`{0}` names another application than the source is configured for")]
    AppMismatch(&'static str),
    /// The signature is right, but the content does not decrypt.
    #[error("content does not decrypt: {0}")]
    NotDecryptable(&'static str),
    /// The scheme does not use this method.
    #[error("method is not allowed: expected {0}")]
    MethodNotAllowed(&'static str),
    /// The configured secret or application id can not be used with the scheme.
    #[error("configured credentials can not be used: {0}")]
    CredentialUnusable(&'static str),
}

impl VerifyError {
    /// Stable, for logs, metrics and callers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::HeaderMissing(_) => "header_missing",
            Self::HeaderDuplicated(_) => "header_duplicated",
            Self::HeaderNotText(_) => "header_not_text",
            Self::QueryMissing(_) => "query_missing",
            Self::QueryDuplicated(_) => "query_duplicated",
            Self::FieldMissing(_) => "field_missing",
            Self::BodyNotUtf8 => "body_not_utf8",
            Self::BodyMalformed(_) => "body_malformed",
            Self::SignatureMismatch => "signature_mismatch",
            Self::TimestampMalformed => "timestamp_malformed",
            Self::TimestampOutsideWindow { .. } => "timestamp_outside_window",
            Self::AppMismatch(_) => "app_mismatch",
            Self::NotDecryptable(_) => "not_decryptable",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::CredentialUnusable(_) => "credential_unusable",
        }
    }

    /// What the pipeline does: a person mends credentials; nothing else heals by repeating.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::CredentialUnusable(_) => FailureKind::Configuration,
            _ => FailureKind::Permanent,
        }
    }

    /// 401 where nothing is proven, 400 where the request has no form that could be, 503 while our own set-up is wrong.
    pub fn http_status(&self) -> u16 {
        match self {
            Self::HeaderMissing(_)
            | Self::QueryMissing(_)
            | Self::FieldMissing(_)
            | Self::SignatureMismatch
            | Self::TimestampOutsideWindow { .. }
            | Self::AppMismatch(_) => 401,
            Self::HeaderDuplicated(_)
            | Self::HeaderNotText(_)
            | Self::QueryDuplicated(_)
            | Self::BodyNotUtf8
            | Self::BodyMalformed(_)
            | Self::TimestampMalformed
            | Self::NotDecryptable(_) => 400,
            Self::MethodNotAllowed(_) => 405,
            Self::CredentialUnusable(_) => 503,
        }
    }
}
