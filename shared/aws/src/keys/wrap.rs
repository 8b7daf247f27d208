//! KMS: makes and opens wrapped keys, each bound to its tenant and version.

use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeySpec, EncryptionAlgorithmSpec};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use sluice_domain::id::TenantId;
use sluice_domain::time::UnixMillis;
use sluice_ports::PortError;
use std::collections::HashMap;
use zeroize::{Zeroize as _, Zeroizing};

use super::version::Version;
use crate::answer::Refusal;

/// What errors call it.
pub(super) const WHAT: &str = "KMS key";

/// Wraps under one KMS key.
#[derive(Debug, Clone)]
pub(super) struct Wrapper {
    pub(super) kms: Client,
    /// The key that wraps.
    pub(super) key: String,
    /// Keys that wrapped before it and may still open.
    pub(super) retired: Vec<String>,
}

/// The encryption context: IAM asks for `tenant`; `version` keeps whoever can write the table from putting one wrapped key in
/// another's place (an old data key as the new one, the index key as a data key). Both stand in `CloudTrail`.
fn context(tenant: &TenantId, version: Version) -> HashMap<String, String> {
    HashMap::from([
        ("tenant".to_owned(), tenant.as_str().to_owned()),
        ("version".to_owned(), version.to_string()),
    ])
}

impl Wrapper {
    /// A new wrapped key. Its plaintext never leaves KMS before the wrapped key is stored.
    pub(super) async fn make(
        &self,
        tenant: &TenantId,
        version: Version,
        now: UnixMillis,
    ) -> Result<Vec<u8>, PortError> {
        let made = self
            .kms
            .generate_data_key_without_plaintext()
            .key_id(&self.key)
            .key_spec(DataKeySpec::Aes256)
            .set_encryption_context(Some(context(tenant, version)))
            .send()
            .await
            .map_err(|error| fault(&error, now))?;
        made.ciphertext_blob.map(Blob::into_inner).ok_or_else(|| unfit("KMS gave no wrapped key"))
    }

    /// Opens a wrapped key in its own place only.
    pub(super) async fn open(
        &self,
        tenant: &TenantId,
        version: Version,
        wrapped: &[u8],
        wrapped_by: &str,
        now: UnixMillis,
    ) -> Result<Zeroizing<[u8; 32]>, PortError> {
        self.check(wrapped_by, version)?;
        let opened = self
            .kms
            .decrypt()
            .key_id(wrapped_by)
            .ciphertext_blob(Blob::new(wrapped))
            .set_encryption_context(Some(context(tenant, version)))
            .send()
            .await
            .map_err(|error| fault(&error, now))?;
        let mut plain = opened.plaintext.map(Blob::into_inner).unwrap_or_default();
        let key = <[u8; 32]>::try_from(plain.as_slice()).map(Zeroizing::new);
        plain.zeroize();
        key.map_err(|_| unfit("an opened key is not 32 bytes long"))
    }

    /// Wraps a wrapped key anew under the key in force; the plaintext stays in KMS.
    pub(super) async fn rewrap(
        &self,
        tenant: &TenantId,
        version: Version,
        wrapped: &[u8],
        wrapped_by: &str,
        now: UnixMillis,
    ) -> Result<Vec<u8>, PortError> {
        self.check(wrapped_by, version)?;
        let context = context(tenant, version);
        let again = self
            .kms
            .re_encrypt()
            .ciphertext_blob(Blob::new(wrapped))
            .source_key_id(wrapped_by)
            .source_encryption_algorithm(EncryptionAlgorithmSpec::SymmetricDefault)
            .set_source_encryption_context(Some(context.clone()))
            .destination_key_id(&self.key)
            .set_destination_encryption_context(Some(context))
            .send()
            .await
            .map_err(|error| fault(&error, now))?;
        again.ciphertext_blob.map(Blob::into_inner).ok_or_else(|| unfit("KMS gave no wrapped key"))
    }

    /// Only keys that the set-up names may open: a row must not choose whose key is asked.
    fn check(&self, wrapped_by: &str, version: Version) -> Result<(), PortError> {
        if wrapped_by == self.key || self.retired.iter().any(|key| key == wrapped_by) {
            return Ok(());
        }
        Err(PortError::Missing {
            what: WHAT,
            cause: format!(
                "{version} is wrapped by another key than the configured one: name that key as retired until everything is wrapped anew"
            ),
        })
    }
}

fn unfit(cause: &str) -> PortError {
    PortError::Corrupt { what: "keys", cause: cause.to_owned() }
}

/// KMS's own codes by what helps; the rest as everywhere.
pub(super) fn fault<E: ProvideErrorMetadata>(error: &SdkError<E, Response>, now: UnixMillis) -> PortError {
    let missing = |cause: &str| PortError::Missing { what: WHAT, cause: cause.to_owned() };
    match Refusal::of(error) {
        Refusal::Code(code) => match code.as_str() {
            "InvalidCiphertextException" | "IncorrectKeyException" => {
                unfit("a wrapped key was altered, or belongs to another tenant or version")
            }
            "DisabledException" => missing("the key is disabled: enable it, nothing passes until then"),
            "KMSInvalidStateException" => {
                missing("the key can not be used in its state: cancel its deletion, or finish its import")
            }
            "NotFoundException" => missing("there is no such key: `SLUICE_KMS_KEY` must name it by its ARN"),
            "KeyUnavailableException" | "DependencyTimeoutException" | "KMSInternalException" => {
                PortError::Unavailable { what: WHAT, cause: code }
            }
            other => missing(&format!("{other}: see the key's policy and kind (symmetric, ENCRYPT_DECRYPT)")),
        },
        other => other.into_port(
            WHAT,
            now,
            "the role needs the key's action with the encryption context `tenant`, and the key policy must allow it",
        ),
    }
}
