//! The key that signs the audit log's heads, in files beside the master key.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use sluice_domain::audit::{
    HeadSignature, InvalidKey, PublicKey, SignatureAlgorithm, SignatureBytes, TrustedKeys,
};
use sluice_domain::failure::FailureKind;
use sluice_ports::{HeadSigner, PortError};
use zeroize::Zeroizing;

use crate::private_file::{self, PrivateFileError};

/// The first line of the file.
const HEADER: &str = "sluice audit key v1";
const KEY: &str = "audit.key";
const RETIRED: &str = "audit-retired";

/// Why the signing key can not be used.
#[derive(Debug, thiserror::Error)]
pub enum HeadSignerError {
    /// A key's file.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// It holds something else.
    #[error(
        "`{path}` is no audit key: expected the lines `{HEADER}`, an algorithm and hex digits of such a key"
    )]
    NotAKey {
        /// The file.
        path: String,
    },
    /// A key that was in force before is none.
    #[error("`{path}` is no retired audit key: {cause}")]
    NotAPublicKey {
        /// The file.
        path: String,
        /// What is wrong with it.
        cause: InvalidKey,
    },
    /// The key's algorithm needs another build.
    #[error("`{0}` is not in this build: build it with `--features sm2`")]
    NotInThisBuild(SignatureAlgorithm),
    /// No key could be made.
    #[error("no key could be made: the system gives no randomness")]
    NoRandomness,
}

impl HeadSignerError {
    /// A person must mend the set-up.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Configuration
    }
}

/// Signs with the key in `audit.key` (mode 0600) of a folder; the public keys of those before it lie in `audit-retired/<id>.pem`. Cheap to
/// clone; a rotation is seen by all clones.
#[derive(Clone)]
pub struct LocalHeadSigner {
    folder: PathBuf,
    keys: Arc<Mutex<Keys>>,
}

impl std::fmt::Debug for LocalHeadSigner {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("LocalHeadSigner").field("folder", &self.folder).finish_non_exhaustive()
    }
}

struct Keys {
    in_force: SigningKey,
    retired: Vec<PublicKey>,
}

impl LocalHeadSigner {
    /// The key of a folder; made at first, with ECDSA over P-256.
    ///
    /// # Errors
    /// [`HeadSignerError`].
    pub fn open(folder: &Path) -> Result<Self, HeadSignerError> {
        let file = folder.join(KEY);
        if !file.exists() {
            crate::open::make_private(folder).map_err(unusable(folder))?;
            SigningKey::make(SignatureAlgorithm::EcdsaP256Sha256)?.store(&file)?;
        }
        let keys = Keys { in_force: SigningKey::load(&file)?, retired: retired(&folder.join(RETIRED))? };
        Ok(Self { folder: folder.to_owned(), keys: Arc::new(Mutex::new(keys)) })
    }

    /// Makes a new key, which signs from then on. What the one before it signed still counts: its public key is kept.
    ///
    /// # Errors
    /// [`HeadSignerError`]; the key before it stays in force then.
    pub fn rotate(&self, algorithm: SignatureAlgorithm) -> Result<PublicKey, HeadSignerError> {
        let mut keys = self.keys();
        let (old, new) = (keys.in_force.public, SigningKey::make(algorithm)?);
        let retired = self.folder.join(RETIRED);
        crate::open::make_private(&retired).map_err(unusable(&retired))?;
        let pem = retired.join(format!("{}.pem", old.id()));
        if !pem.exists() {
            private_file::create(&pem, &old.to_pem())?;
        }
        let beside = self.folder.join(format!(".{KEY}.new"));
        // What a process that died left there was never in force.
        let _none_mostly = std::fs::remove_file(&beside);
        new.store(&beside)?;
        std::fs::rename(&beside, self.folder.join(KEY)).map_err(unusable(&beside))?;
        std::fs::File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(unusable(&self.folder))?;
        let public = new.public;
        keys.in_force = new;
        keys.retired.push(old);
        Ok(public)
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HeadSigner for LocalHeadSigner {
    async fn sign(&self, message: &[u8]) -> Result<HeadSignature, PortError> {
        if message.len() > Self::LARGEST {
            return Err(PortError::TooLarge { what: "audit key", limit: Self::LARGEST, got: message.len() });
        }
        self.keys().in_force.sign(message)
    }

    async fn trusted(&self) -> Result<TrustedKeys, PortError> {
        let keys = self.keys();
        Ok(TrustedKeys::new([keys.in_force.public].iter().chain(&keys.retired).copied().collect()))
    }
}

/// A key and its secret.
struct SigningKey {
    public: PublicKey,
    secret: Secret,
    /// As it is stored: PKCS #8 for ECDSA, the scalar for SM2.
    stored: Zeroizing<Vec<u8>>,
}

enum Secret {
    P256(EcdsaKeyPair),
    #[cfg(feature = "sm2")]
    Sm2(sm2::dsa::SigningKey),
}

impl SigningKey {
    fn make(algorithm: SignatureAlgorithm) -> Result<Self, HeadSignerError> {
        let stored = match algorithm {
            SignatureAlgorithm::EcdsaP256Sha256 => {
                let made =
                    EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
                made.map_err(|_| HeadSignerError::NoRandomness)?.as_ref().to_vec()
            }
            SignatureAlgorithm::Sm2Sm3 => random_scalar(),
        };
        Self::of(algorithm, Zeroizing::new(stored))?.ok_or(HeadSignerError::NoRandomness)
    }

    /// The key that is stored as these bytes; `None` when they are none.
    fn of(
        algorithm: SignatureAlgorithm,
        stored: Zeroizing<Vec<u8>>,
    ) -> Result<Option<Self>, HeadSignerError> {
        let parts = match algorithm {
            SignatureAlgorithm::EcdsaP256Sha256 => {
                let pair =
                    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &stored, &SystemRandom::new());
                pair.ok().map(|pair| (pair.public_key().as_ref().to_vec(), Secret::P256(pair)))
            }
            SignatureAlgorithm::Sm2Sm3 => sm2_parts(&stored)?,
        };
        Ok(parts.and_then(|(point, secret)| {
            let public = PublicKey::from_point(algorithm, &point).ok()?;
            Some(Self { public, secret, stored })
        }))
    }

    fn load(file: &Path) -> Result<Self, HeadSignerError> {
        let text = private_file::read(file)?;
        let not_a_key = || HeadSignerError::NotAKey { path: file.display().to_string() };
        let mut lines = text.lines().map(str::trim);
        if lines.next() != Some(HEADER) {
            return Err(not_a_key());
        }
        let algorithm = lines.next().and_then(|line| line.parse().ok()).ok_or_else(not_a_key)?;
        let stored = lines.next().and_then(|line| hex::decode(line).ok()).ok_or_else(not_a_key)?;
        Self::of(algorithm, Zeroizing::new(stored))?.ok_or_else(not_a_key)
    }

    fn store(&self, file: &Path) -> Result<(), HeadSignerError> {
        let digits = Zeroizing::new(hex::encode(self.stored.as_slice()));
        let text = Zeroizing::new(format!("{HEADER}\n{}\n{}\n", self.public.algorithm(), digits.as_str()));
        Ok(private_file::create(file, &text)?)
    }

    fn sign(&self, message: &[u8]) -> Result<HeadSignature, PortError> {
        let unavailable =
            || PortError::Unavailable { what: "audit key", cause: "no signature could be made".to_owned() };
        let value = match &self.secret {
            Secret::P256(pair) => {
                pair.sign(&SystemRandom::new(), message).map_err(|_| unavailable())?.as_ref().to_vec()
            }
            #[cfg(feature = "sm2")]
            Secret::Sm2(key) => {
                use sm2::dsa::signature::Signer as _;
                key.try_sign(message).map_err(|_| unavailable())?.to_bytes().to_vec()
            }
        };
        Ok(HeadSignature {
            algorithm: self.public.algorithm(),
            key: self.public.id(),
            value: SignatureBytes(value),
        })
    }
}

/// 32 random bytes; one in 2³² is no scalar of SM2's curve, and is refused then.
fn random_scalar() -> Vec<u8> {
    let mut bytes = vec![0; 32];
    sluice_ports::Entropy::fill(&crate::SystemEntropy, &mut bytes);
    bytes
}

#[cfg(feature = "sm2")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature it is an error")]
fn sm2_parts(stored: &[u8]) -> Result<Option<(Vec<u8>, Secret)>, HeadSignerError> {
    use sm2::elliptic_curve::sec1::ToSec1Point as _;
    let key = sm2::dsa::SigningKey::from_slice(sluice_domain::audit::SM2_IDENTIFIER, stored).ok();
    Ok(key.map(|key| {
        let point = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
        (point, Secret::Sm2(key))
    }))
}

#[cfg(not(feature = "sm2"))]
fn sm2_parts(_: &[u8]) -> Result<Option<(Vec<u8>, Secret)>, HeadSignerError> {
    Err(HeadSignerError::NotInThisBuild(SignatureAlgorithm::Sm2Sm3))
}

fn unusable(path: &Path) -> impl Fn(std::io::Error) -> HeadSignerError {
    let path = path.to_owned();
    move |cause| PrivateFileError::Unusable { path: path.clone(), cause }.into()
}

/// The public keys of a folder, in the order of their names.
fn retired(folder: &Path) -> Result<Vec<PublicKey>, HeadSignerError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unusable(folder)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry.map_err(unusable(folder))?.path());
    }
    files.sort();
    let key = |file: &PathBuf| {
        let text = private_file::read(file)?;
        PublicKey::from_text(&text)
            .map_err(|cause| HeadSignerError::NotAPublicKey { path: file.display().to_string(), cause })
    };
    files.iter().filter(|file| file.extension().is_some_and(|it| it == "pem")).map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn what_an_older_key_signed_still_counts_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let signer = LocalHeadSigner::open(folder.path()).unwrap();
        let before = signer.sign(b"head").await.unwrap();
        let new = signer.rotate(SignatureAlgorithm::EcdsaP256Sha256).unwrap();
        let after = signer.clone().sign(b"head").await.unwrap();
        assert_eq!((before.key == new.id(), after.key), (false, new.id()));
        let again = LocalHeadSigner::open(folder.path()).unwrap();
        let keys = again.trusted().await.unwrap();
        assert_eq!(keys.all().first(), Some(&new));
        for signature in [before, after, again.sign(b"head").await.unwrap()] {
            assert_eq!(keys.verify(&signature, b"head"), Ok(()));
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_its_owners_alone_and_a_looser_one_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let _signer = LocalHeadSigner::open(folder.path()).unwrap();
        let file = folder.path().join(KEY);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = LocalHeadSigner::open(folder.path()).unwrap_err();
        assert!(matches!(refused, HeadSignerError::File(PrivateFileError::TooOpen { mode: 0o640, .. })));
    }

    #[test]
    fn a_file_of_anything_else_is_named_and_never_quoted() {
        let folder = tempfile::tempdir().unwrap();
        for text in [
            "",
            "sluice master key v1\nff",
            "sluice audit key v1\nrsa\nff",
            "sluice audit key v1\necdsa-p256-sha256\nff",
        ] {
            let file = folder.path().join(KEY);
            let _none = std::fs::remove_file(&file);
            private_file::create(&file, text).unwrap();
            let error = LocalHeadSigner::open(folder.path()).unwrap_err().to_string();
            assert!(error.contains("is no audit key"), "{error}");
        }
    }
}
