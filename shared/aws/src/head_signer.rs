use std::sync::Arc;

use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use sluice_domain::audit::{
    HeadSignature, InvalidKey, PublicKey, SignatureAlgorithm, SignatureBytes, TrustedKeys,
};
use sluice_ports::{Clock, HeadSigner, PortError};
use tokio::sync::OnceCell;

use crate::answer::Refusal;

const WHAT: &str = "audit key";

/// Signs with an asymmetric KMS key (`ECC_NIST_P256`), which never leaves KMS. Cheap to clone.
#[derive(Clone)]
pub struct KmsHeadSigner {
    kms: Client,
    key: String,
    retired: Vec<PublicKey>,
    clock: Arc<dyn Clock>,
    /// The key behind an ARN does not change.
    public: Arc<OnceCell<PublicKey>>,
}

impl std::fmt::Debug for KmsHeadSigner {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("KmsHeadSigner").field("key", &self.key).finish_non_exhaustive()
    }
}

impl KmsHeadSigner {
    /// Signs with the key of this ARN; what `retired` ones signed still counts.
    pub fn new(kms: Client, key: impl Into<String>, retired: Vec<PublicKey>, clock: Arc<dyn Clock>) -> Self {
        Self { kms, key: key.into(), retired, clock, public: Arc::default() }
    }

    /// The public keys in `SLUICE_AUDIT_KEYS_RETIRED`: what `aws kms get-public-key --query PublicKey --output text` prints, with commas
    /// between.
    ///
    /// # Errors
    /// [`InvalidKey`] when one is none.
    pub fn retired(list: &str) -> Result<Vec<PublicKey>, InvalidKey> {
        list.split(',').map(str::trim).filter(|text| !text.is_empty()).map(PublicKey::from_text).collect()
    }

    /// The public key of the key in force, asked for once.
    async fn public(&self) -> Result<PublicKey, PortError> {
        let ask = async || {
            let answer = self.kms.get_public_key().key_id(&self.key).send().await;
            let der = answer.map_err(|error| self.fault(&error))?.public_key.map(Blob::into_inner);
            let key = PublicKey::from_der(&der.unwrap_or_default()).ok();
            key.filter(|key| key.algorithm() == SignatureAlgorithm::EcdsaP256Sha256).ok_or_else(|| {
                PortError::Missing { what: WHAT, cause: "expected a key of kind ECC_NIST_P256".to_owned() }
            })
        };
        self.public.get_or_try_init(ask).await.copied()
    }

    /// KMS's own codes by what helps; the rest as everywhere.
    fn fault<E: ProvideErrorMetadata>(&self, error: &SdkError<E, Response>) -> PortError {
        let missing = |cause: &str| PortError::Missing { what: WHAT, cause: cause.to_owned() };
        match Refusal::of(error) {
            Refusal::Code(code) => match code.as_str() {
                "DisabledException" => missing("the key is disabled: enable it, no day is sealed until then"),
                "KMSInvalidStateException" => {
                    missing("the key can not be used in its state: cancel its deletion")
                }
                "NotFoundException" => {
                    missing("there is no such key: `SLUICE_AUDIT_KEY` must name it by its ARN")
                }
                "KeyUnavailableException" | "DependencyTimeoutException" | "KMSInternalException" => {
                    PortError::Unavailable { what: WHAT, cause: code }
                }
                other => missing(&format!(
                    "{other}: see the key's policy and kind (asymmetric, SIGN_VERIFY, ECC_NIST_P256)"
                )),
            },
            other => other.into_port(
                WHAT,
                self.clock.now(),
                "the role needs `kms:Sign` and `kms:GetPublicKey` on the key, and the key policy must allow it",
            ),
        }
    }
}

impl HeadSigner for KmsHeadSigner {
    async fn sign(&self, message: &[u8]) -> Result<HeadSignature, PortError> {
        if message.len() > Self::LARGEST {
            return Err(PortError::TooLarge { what: WHAT, limit: Self::LARGEST, got: message.len() });
        }
        let key = self.public().await?.id();
        let answer = self
            .kms
            .sign()
            .key_id(&self.key)
            .message(Blob::new(message))
            .message_type(MessageType::Raw)
            .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
            .send()
            .await
            .map_err(|error| self.fault(&error))?;
        let value = answer.signature.map(Blob::into_inner).ok_or_else(|| PortError::Unavailable {
            what: WHAT,
            cause: "KMS gave no signature".to_owned(),
        })?;
        Ok(HeadSignature {
            algorithm: SignatureAlgorithm::EcdsaP256Sha256,
            key,
            value: SignatureBytes(value),
        })
    }

    async fn trusted(&self) -> Result<TrustedKeys, PortError> {
        let in_force = self.public().await?;
        Ok(TrustedKeys::new([in_force].into_iter().chain(self.retired.iter().copied()).collect()))
    }
}
