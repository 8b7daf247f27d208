use std::path::Path;

use aes_gcm::{Aes256Gcm, KeyInit as _};
use sluice_domain::id::TenantId;
use sluice_ports::Entropy;
use zeroize::Zeroizing;

use super::KeyRingError;
use super::wrap::{self, Purpose, Wrapped};
use crate::key::Key;
use crate::private_file;

/// The first line of the file.
const HEADER: &str = "sluice master key v1";

/// The key that wraps every tenant's keys.
pub struct MasterKey {
    cipher: Aes256Gcm,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("MasterKey")
    }
}

impl MasterKey {
    /// The key of 32 random bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self { cipher: Aes256Gcm::new(bytes.into()) }
    }

    /// A new random key that is kept nowhere: whatever it wraps is lost with it.
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self::new(&random(entropy))
    }

    /// Reads the key's file, which must have mode 0600 or stricter.
    pub fn load(file: &Path) -> Result<Self, KeyRingError> {
        let text = private_file::read(file)?;
        parse(&text)
            .map(|bytes| Self::new(&bytes))
            .ok_or_else(|| KeyRingError::NotAMasterKey { path: file.display().to_string() })
    }

    /// Makes a new key and its file (mode 0600), and the folder it is to be in.
    pub fn create(file: &Path, entropy: &dyn Entropy) -> Result<Self, KeyRingError> {
        if let Some(dir) = file.parent() {
            let unusable = |cause| private_file::PrivateFileError::Unusable { path: dir.to_owned(), cause };
            crate::open::make_private(dir).map_err(unusable)?;
        }
        let bytes = random(entropy);
        let digits = Zeroizing::new(hex::encode(bytes.as_slice()));
        let text = Zeroizing::new(format!("{HEADER}\n{}\n", digits.as_str()));
        private_file::create(file, &text)?;
        Ok(Self::new(&bytes))
    }

    pub(super) fn wrap(
        &self,
        tenant: &TenantId,
        purpose: Purpose,
        number: u32,
        key: &[u8; 32],
        entropy: &dyn Entropy,
    ) -> Wrapped {
        wrap::seal(&self.cipher, &wrap::place(tenant, purpose, number), key, entropy)
    }

    pub(super) fn unwrap(
        &self,
        tenant: &TenantId,
        purpose: Purpose,
        number: u32,
        wrapped: &Wrapped,
    ) -> Result<Zeroizing<[u8; 32]>, KeyRingError> {
        wrap::open(&self.cipher, &wrap::place(tenant, purpose, number), wrapped)
            .ok_or_else(|| KeyRingError::Altered(tenant.clone()))
    }

    /// What only this key can have made, so that another one is noticed before it wraps anything.
    pub(super) fn proof(&self, entropy: &dyn Entropy) -> Vec<u8> {
        wrap::seal(&self.cipher, &Key::default(), &[0; 32], entropy).0
    }

    pub(super) fn proves(&self, proof: &[u8]) -> bool {
        wrap::open(&self.cipher, &Key::default(), &Wrapped(proof.to_vec())).is_some()
    }
}

fn random(entropy: &dyn Entropy) -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    entropy.fill(bytes.as_mut_slice());
    bytes
}

fn parse(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut lines = text.lines();
    let (header, digits) = (lines.next()?, lines.next()?);
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(digits.trim(), bytes.as_mut_slice()).ok()?;
    (header.trim() == HEADER && lines.all(|line| line.trim().is_empty())).then_some(bytes)
}
