//! Tenants' keys, wrapped under the master key, in place of a key management service.
//!
//! Each tenant has one index key, which never changes, and numbered data keys. A rotation adds a data key: it seals from then
//! on, and the ones before it still open what they sealed.

mod master;
mod wrap;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::ReadableTable as _;
use sluice_domain::failure::FailureKind;
use sluice_domain::id::TenantId;
use sluice_domain::sealed::DataKey;
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, Entropy, KeyRing, PortError};
use zeroize::Zeroizing;

use crate::fault::{Fault, malformed, storage};
use crate::generation::Snapshot;
use crate::key::{Key, Parts};
use crate::private_file::PrivateFileError;
use crate::store::Store;
use crate::tables::{self, Name, Tables};

pub use master::MasterKey;
use wrap::{Purpose, Wrapped};

/// How long unwrapped keys are kept: a rotation by another process shows after this time at the latest.
const KEPT_MS: i64 = 300_000;
/// How often they are handed out before they are read anew.
const USES: u32 = 1_000_000;
/// How many tenants' keys are kept unwrapped.
const TENANTS: usize = 1_024;
/// Where the proof of the master key lies.
const PROOF: &[u8] = b"master_key_proof";

/// Why the key ring can not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The master key's file.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// It holds something else.
    #[error(
        "`{path}` is no master key: it must hold the line `sluice master key v1` and a line of 64 hex digits"
    )]
    NotAMasterKey {
        /// The file.
        path: String,
    },
    /// Keys are wrapped, but the master key is gone.
    #[error(
        "master key `{path}` is missing, but the store's keys are wrapped under it: restore the file from its backup"
    )]
    Lost {
        /// Where it was expected.
        path: String,
    },
    /// Another master key than the one that wrapped the keys.
    #[error("the master key is not the one that wrapped this store's keys: restore the file from its backup")]
    WrongMasterKey,
    /// A wrapped key was altered.
    #[error("a wrapped key of tenant `{0}` was altered")]
    Altered(TenantId),
    /// The store.
    #[error(transparent)]
    Store(#[from] PortError),
}

impl KeyRingError {
    /// What the pipeline does.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::File(_) | Self::NotAMasterKey { .. } | Self::Lost { .. } | Self::WrongMasterKey => {
                FailureKind::Configuration
            }
            Self::Altered(_) => FailureKind::Permanent,
        }
    }
}

impl From<KeyRingError> for PortError {
    fn from(error: KeyRingError) -> Self {
        match error {
            KeyRingError::Store(error) => error,
            KeyRingError::Altered(_) => Self::Corrupt { what: "key ring", cause: error.to_string() },
            other => Self::Missing { what: "master key", cause: other.to_string() },
        }
    }
}

/// The key ring of one store. Cheap to clone.
#[derive(Clone)]
pub struct LocalKeyRing {
    inner: Arc<Ring>,
}

struct Ring {
    store: Store,
    master: MasterKey,
    entropy: Arc<dyn Entropy>,
    kept: Mutex<HashMap<TenantId, Kept>>,
}

struct Kept {
    keys: Arc<TenantKeys>,
    since: UnixMillis,
    uses: u32,
}

impl std::fmt::Debug for LocalKeyRing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("LocalKeyRing")
    }
}

impl LocalKeyRing {
    /// The key ring under the master key of a file, which is made (mode 0600) when the store has no keys yet.
    pub async fn open(store: Store, file: &Path, entropy: Arc<dyn Entropy>) -> Result<Self, KeyRingError> {
        let proven = proof(&store)?.is_some();
        let path = || file.display().to_string();
        let master = match (file.exists(), proven) {
            (true, _) => MasterKey::load(file)?,
            (false, true) => return Err(KeyRingError::Lost { path: path() }),
            (false, false) => MasterKey::create(file, entropy.as_ref())?,
        };
        Self::with(store, master, entropy).await
    }

    /// The key ring under a given master key.
    pub async fn with(
        store: Store,
        master: MasterKey,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, KeyRingError> {
        match proof(&store)? {
            Some(proof) if master.proves(&proof) => {}
            Some(_) => return Err(KeyRingError::WrongMasterKey),
            None => {
                let proof = master.proof(entropy.as_ref());
                store.write(move |tables| tables.put(Name::About, PROOF, &proof)).await?;
            }
        }
        Ok(Self { inner: Arc::new(Ring { store, master, entropy, kept: Mutex::default() }) })
    }

    /// Adds a data key to a tenant, which seals from now on; gives its number. Older keys still open what they sealed.
    pub async fn rotate(&self, tenant: &TenantId) -> Result<u32, KeyRingError> {
        let _made = self.load_or_make(tenant).await?;
        let ring = Arc::clone(&self.inner);
        let owner = tenant.clone();
        let number = self
            .inner
            .store
            .write(move |tables| {
                let newest = newest_number(tables, &owner)?;
                let number = newest.saturating_add(1);
                ring.put_new(tables, &owner, Purpose::Data, number)?;
                Ok(number)
            })
            .await?;
        self.kept().remove(tenant);
        Ok(number)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<TenantId, Kept>> {
        self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cached(&self, tenant: &TenantId, now: UnixMillis) -> Option<Arc<TenantKeys>> {
        let mut kept = self.kept();
        let entry = kept.get_mut(tenant)?;
        if entry.uses >= USES || now.since(entry.since) >= KEPT_MS {
            kept.remove(tenant);
            return None;
        }
        entry.uses += 1;
        Some(Arc::clone(&entry.keys))
    }

    async fn load_or_make(&self, tenant: &TenantId) -> Result<Arc<TenantKeys>, KeyRingError> {
        if let Some(keys) = self.inner.load(tenant)? {
            return Ok(Arc::new(keys));
        }
        let ring = Arc::clone(&self.inner);
        let owner = tenant.clone();
        self.inner
            .store
            .write(move |tables| {
                // Another caller may have made them meanwhile: one transaction decides.
                if tables
                    .bytes(Name::TenantKeys, wrap::place(&owner, Purpose::Index, 0).as_slice())?
                    .is_none()
                {
                    ring.put_new(tables, &owner, Purpose::Index, 0)?;
                    ring.put_new(tables, &owner, Purpose::Data, 1)?;
                }
                Ok(())
            })
            .await?;
        let made = self.inner.load(tenant)?.ok_or(PortError::Missing {
            what: "tenant keys",
            cause: "they were written and are not there".to_owned(),
        })?;
        Ok(Arc::new(made))
    }
}

impl KeyRing for LocalKeyRing {
    async fn keys(&self, tenant: &TenantId) -> Result<Arc<TenantKeys>, PortError> {
        let now = self.inner.store.inner.clock.now();
        if let Some(keys) = self.cached(tenant, now) {
            return Ok(keys);
        }
        let keys = self.load_or_make(tenant).await?;
        let mut kept = self.kept();
        if kept.len() >= TENANTS {
            kept.clear();
        }
        kept.insert(tenant.clone(), Kept { keys: Arc::clone(&keys), since: now, uses: 1 });
        Ok(keys)
    }
}

impl Ring {
    fn put_new(
        &self,
        tables: &mut Tables<'_>,
        tenant: &TenantId,
        purpose: Purpose,
        number: u32,
    ) -> Result<(), Fault> {
        let mut key = Zeroizing::new([0; 32]);
        self.entropy.fill(key.as_mut_slice());
        let wrapped = self.master.wrap(tenant, purpose, number, &key, self.entropy.as_ref());
        tables.put(Name::TenantKeys, wrap::place(tenant, purpose, number).as_slice(), &wrapped.0)
    }

    fn load(&self, tenant: &TenantId) -> Result<Option<TenantKeys>, KeyRingError> {
        let (mut index, mut data) = (None, Vec::new());
        for (purpose, number, wrapped) in stored(&self.store.snapshot()?, tenant)? {
            let key = self.master.unwrap(tenant, purpose, number, &wrapped)?;
            match purpose {
                Purpose::Index => index = Some(key),
                Purpose::Data => data.push(DataKey::new(number, &key)),
            }
        }
        Ok(index.map(|index| TenantKeys::new(tenant.clone(), index, data)))
    }
}

fn stored(snapshot: &Snapshot, tenant: &TenantId) -> Result<Vec<(Purpose, u32, Wrapped)>, PortError> {
    let table = tables::read(snapshot, Name::TenantKeys)?;
    let prefix = Key::of(tenant);
    let end = prefix.after_prefix();
    let range = prefix.as_slice()..end.as_slice();
    let mut keys = Vec::new();
    for entry in table.range::<&[u8]>(range).map_err(storage)? {
        let (key, value) = entry.map_err(storage)?;
        let (purpose, number) = named(key.value()).ok_or_else(|| malformed("tenant_keys"))?;
        keys.push((purpose, number, Wrapped(value.value().to_vec())));
    }
    Ok(keys)
}

fn named(key: &[u8]) -> Option<(Purpose, u32)> {
    let mut parts = Parts::of(key);
    let _tenant = parts.part()?;
    let [purpose] = parts.fixed()?;
    Some((Purpose::of(purpose)?, u32::from_be_bytes(parts.fixed()?)))
}

fn newest_number(tables: &mut Tables<'_>, tenant: &TenantId) -> Result<u32, Fault> {
    let prefix = Key::of(tenant).bytes(&[Purpose::Data as u8]);
    let end = prefix.after_prefix();
    let range = prefix.as_slice()..end.as_slice();
    let mut entries = tables.table(Name::TenantKeys)?.range::<&[u8]>(range).map_err(Fault::store)?;
    match entries.next_back() {
        None => Ok(0),
        Some(entry) => {
            let (key, _) = entry.map_err(Fault::store)?;
            named(key.value()).map(|(_, number)| number).ok_or_else(|| malformed("tenant_keys").into())
        }
    }
}

fn proof(store: &Store) -> Result<Option<Vec<u8>>, PortError> {
    let table = tables::read(&store.snapshot()?, Name::About)?;
    Ok(table.get(PROOF).map_err(storage)?.map(|found| found.value().to_vec()))
}
