//! Signatures over heads, by keys that others can check without asking anybody.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use super::tree::Hash;
use crate::failure::FailureKind;

/// How a head is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SignatureAlgorithm {
    /// ECDSA over P-256 with SHA-256 (FIPS 186-5); the signature is DER, as KMS and OpenSSL write it.
    #[serde(rename = "ecdsa-p256-sha256")]
    EcdsaP256Sha256,
    /// SM2 with SM3 (GB/T 32918.2), with the usual distinguishing identifier `1234567812345678`; the signature is r ‖ s, 64 bytes. Only a
    /// build with the feature `sm2` makes and verifies it.
    #[serde(rename = "sm2-sm3")]
    Sm2Sm3,
}

impl SignatureAlgorithm {
    /// As it is written in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Self::Sm2Sm3 => "sm2-sm3",
        }
    }

    /// What an uncompressed public key of the algorithm is preceded by as `SubjectPublicKeyInfo` (RFC 5480; GM/T 0010 for SM2).
    fn spki_prefix(self) -> &'static [u8; SPKI_PREFIX] {
        match self {
            // id-ecPublicKey, prime256v1
            Self::EcdsaP256Sha256 => {
                b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00"
            }
            // id-ecPublicKey, sm2p256v1 (1.2.156.10197.1.301)
            Self::Sm2Sm3 => {
                b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d\x03\x42\x00"
            }
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for SignatureAlgorithm {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::EcdsaP256Sha256, Self::Sm2Sm3]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text)
            .ok_or_else(|| "expected `ecdsa-p256-sha256` or `sm2-sm3`".to_owned())
    }
}

const SPKI_PREFIX: usize = 26;
/// An uncompressed point: 0x04, x, y.
const POINT: usize = 65;
const PEM_LABEL: &str = "PUBLIC KEY";

/// A key that heads are verified with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: SignatureAlgorithm,
    point: [u8; POINT],
}

/// Why bytes are no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// They are not PEM or base64.
    #[error("expected a public key in PEM (`-----BEGIN PUBLIC KEY-----`) or its DER in base64")]
    Encoding,
    /// It is a key of something else.
    #[error("expected an uncompressed public key on P-256 (or SM2's curve) as SubjectPublicKeyInfo")]
    Kind,
}

impl InvalidKey {
    /// A person must give another file.
    pub fn kind(self) -> FailureKind {
        FailureKind::Configuration
    }
}

impl PublicKey {
    /// From an uncompressed point.
    ///
    /// # Errors
    /// [`InvalidKey::Kind`].
    pub fn from_point(algorithm: SignatureAlgorithm, point: &[u8]) -> Result<Self, InvalidKey> {
        let point: [u8; POINT] = point.try_into().map_err(|_| InvalidKey::Kind)?;
        if point.first() == Some(&4) { Ok(Self { algorithm, point }) } else { Err(InvalidKey::Kind) }
    }

    /// From the DER of a `SubjectPublicKeyInfo`, as `kms:GetPublicKey` gives it.
    ///
    /// # Errors
    /// [`InvalidKey::Kind`].
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidKey> {
        [SignatureAlgorithm::EcdsaP256Sha256, SignatureAlgorithm::Sm2Sm3]
            .into_iter()
            .find_map(|algorithm| Some((algorithm, der.strip_prefix(algorithm.spki_prefix())?)))
            .ok_or(InvalidKey::Kind)
            .and_then(|(algorithm, point)| Self::from_point(algorithm, point))
    }

    /// From PEM (RFC 7468), or from what `aws kms get-public-key --query PublicKey --output text` prints.
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn from_text(text: &str) -> Result<Self, InvalidKey> {
        let text = text.trim();
        let der = if text.starts_with("-----") {
            let (label, der) = pem_rfc7468::decode_vec(text.as_bytes()).map_err(|_| InvalidKey::Encoding)?;
            if label != PEM_LABEL {
                return Err(InvalidKey::Kind);
            }
            der
        } else {
            STANDARD.decode(text).map_err(|_| InvalidKey::Encoding)?
        };
        Self::from_der(&der)
    }

    /// Its DER.
    pub fn to_der(&self) -> Vec<u8> {
        [self.algorithm.spki_prefix().as_slice(), &self.point].concat()
    }

    /// Its PEM, as OpenSSL reads it.
    pub fn to_pem(&self) -> String {
        // 91 bytes are never too long for PEM.
        pem_rfc7468::encode_string(PEM_LABEL, pem_rfc7468::LineEnding::LF, &self.to_der()).unwrap_or_default()
    }

    /// How it signs.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Its name: the SHA-256 of its DER.
    pub fn id(&self) -> Hash {
        Hash::of(&self.to_der())
    }

    fn is_signature_of(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.algorithm {
            SignatureAlgorithm::EcdsaP256Sha256 => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.point)
                    .verify(message, signature)
                    .is_ok()
            }
            SignatureAlgorithm::Sm2Sm3 => sm2_sm3(&self.point, message, signature),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PublicKey({}, {})", self.algorithm, self.id())
    }
}

/// The distinguishing identifier that GM/T 0009 has for signers without one of their own.
#[cfg(feature = "sm2")]
pub const SM2_IDENTIFIER: &str = "1234567812345678";

#[cfg(feature = "sm2")]
fn sm2_sm3(point: &[u8], message: &[u8], signature: &[u8]) -> bool {
    use sm2::dsa::signature::Verifier as _;
    let key = sm2::dsa::VerifyingKey::from_sec1_bytes(SM2_IDENTIFIER, point);
    let signature = sm2::dsa::Signature::try_from(signature);
    matches!((key, signature), (Ok(key), Ok(signature)) if key.verify(message, &signature).is_ok())
}

#[cfg(not(feature = "sm2"))]
fn sm2_sm3(_: &[u8], _: &[u8], _: &[u8]) -> bool {
    false
}

/// Bytes; base64 as text, in its one canonical spelling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SignatureBytes(pub Vec<u8>);

impl TryFrom<String> for SignatureBytes {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, &'static str> {
        STANDARD.decode(text).map(Self).map_err(|_| "a signature is base64")
    }
}

impl From<SignatureBytes> for String {
    fn from(bytes: SignatureBytes) -> Self {
        STANDARD.encode(bytes.0)
    }
}

/// Who signed, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadSignature {
    /// How.
    pub algorithm: SignatureAlgorithm,
    /// [`PublicKey::id`] of the key.
    pub key: Hash,
    /// The signature itself.
    pub value: SignatureBytes,
}

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The key is none of those that count.
    #[error("it is signed by key {0}, which is none of the keys that count here")]
    UnknownKey(Hash),
    /// This build can not tell.
    #[error("it is signed with {0}, which this build can not verify: build it with `--features sm2`")]
    NotInThisBuild(SignatureAlgorithm),
    /// The bytes are not what the key signed.
    #[error("its signature is not one of key {0} over it")]
    Wrong(Hash),
}

impl SignatureError {
    /// What helps: another key, another build, or nothing.
    pub fn kind(self) -> FailureKind {
        match self {
            Self::UnknownKey(_) | Self::NotInThisBuild(_) => FailureKind::Configuration,
            Self::Wrong(_) => FailureKind::Permanent,
        }
    }
}

/// The keys whose signatures count: the one in force and those before it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustedKeys(Vec<PublicKey>);

impl TrustedKeys {
    /// These, the one in force first.
    pub fn new(keys: Vec<PublicKey>) -> Self {
        Self(keys)
    }

    /// All of them.
    pub fn all(&self) -> &[PublicKey] {
        &self.0
    }

    /// Is it a signature over the message by one of them?
    ///
    /// # Errors
    /// [`SignatureError`] when it is not.
    pub fn verify(&self, signature: &HeadSignature, message: &[u8]) -> Result<(), SignatureError> {
        let key = self.0.iter().find(|key| key.id() == signature.key);
        let key = key.ok_or(SignatureError::UnknownKey(signature.key))?;
        if key.algorithm == SignatureAlgorithm::Sm2Sm3 && cfg!(not(feature = "sm2")) {
            return Err(SignatureError::NotInThisBuild(key.algorithm));
        }
        // The key says how it signs, not the document.
        let holds = signature.algorithm == key.algorithm && key.is_signature_of(message, &signature.value.0);
        if holds { Ok(()) } else { Err(SignatureError::Wrong(signature.key)) }
    }
}
