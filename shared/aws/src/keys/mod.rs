//! The key ring: every tenant's keys, wrapped by KMS, in one table.
//!
//! A tenant has one index key (keyed hashes; it never changes) and numbered data keys (seals). Each is a row of the `keys` table,
//! wrapped by the KMS key with the encryption context `{tenant, version}`. webhook-verify makes a tenant's keys at its first
//! callback; the other functions may only open them.
//!
//! # How long unwrapped keys are used
//! After the caching materials manager of the AWS Encryption SDK: bounded by time, by uses and by number.
//!
//! * *Time*: asked for again after four minutes, never used after five. Whoever loses access to the KMS key loses the data keys
//!   within five minutes in every warm function; the minute between is for a KMS that answers late. There is no longer grace: with
//!   KMS down and the keys expired, [`PortError`] comes back and nothing is sealed or opened ("fail closed").
//! * *Uses*: 100 000 handings-out, so that one process asks KMS again (and is counted by it) however busy it is. AES-GCM with random nonces
//!   allows 2^32 seals a key (NIST SP 800-38D, 8.3): at a million sealed fields a day a data key lasts eleven years, so a yearly
//!   rotation is far inside.
//! * *Tenants*: 1 024, about 1 KiB each; the longest unused goes first.
//!
//! # Rotation
//! A new data key opens at once and seals from eleven minutes later: by then no function is left that does not know it. So
//! no step ever meets a value sealed under a key that its cache lacks.

mod operator;
mod table;
mod version;
mod wrap;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use sluice_domain::id::TenantId;
use sluice_domain::sealed::DataKey;
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, KeyRing, PortError};

pub use operator::{KeyOperator, KeyRow, Rewrapped};

use crate::cache::{Cache, Limits};
use table::{KeysTable, Row};
use version::Version;
use wrap::Wrapper;

/// Unwrapped keys are never used longer.
pub const KEPT_MS: i64 = 300_000;

const LIMITS: Limits = Limits {
    fresh_ms: KEPT_MS - 60_000,
    usable_ms: KEPT_MS,
    uses: 100_000,
    pause_ms: 1_000,
    patience: Duration::from_secs(1),
    entries: 1_024,
};

/// From this long after a rotation the new key seals: twice the cache's time, and a minute for clocks that differ.
const SEALS_AFTER_MS: i64 = 2 * KEPT_MS + 60_000;

/// Who may make the keys of a tenant that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Making {
    /// webhook-verify.
    OnFirstUse,
    /// Everybody else: a tenant without keys is an error that says so.
    Never,
}

/// Where wrapped keys are and what wraps them.
#[derive(Debug, Clone)]
pub struct KeyPlace {
    /// The table (`SLUICE_TABLE_KEYS`).
    pub table: String,
    /// The ARN of the KMS key (`SLUICE_KMS_KEY`).
    pub kms_key: String,
    /// KMS keys that wrapped before it, until everything is wrapped anew.
    pub retired: Vec<String>,
}

/// The key ring over KMS and DynamoDB. Cheap to clone.
#[derive(Clone)]
pub struct KmsKeyRing {
    inner: Arc<Ring>,
}

struct Ring {
    vault: Vault,
    making: Making,
    clock: Arc<dyn Clock>,
    kept: Cache<TenantId, TenantKeys>,
}

impl std::fmt::Debug for KmsKeyRing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("KmsKeyRing")
    }
}

impl KmsKeyRing {
    /// A key ring; it asks for nothing yet.
    pub fn new(
        kms: aws_sdk_kms::Client,
        dynamodb: aws_sdk_dynamodb::Client,
        place: KeyPlace,
        making: Making,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let kept = Cache::new(wrap::WHAT, LIMITS, Arc::clone(&clock));
        Self { inner: Arc::new(Ring { vault: Vault::new(kms, dynamodb, place), making, clock, kept }) }
    }
}

impl KeyRing for KmsKeyRing {
    async fn keys(&self, tenant: &TenantId) -> Result<Arc<TenantKeys>, PortError> {
        let ring = &self.inner;
        ring.kept.get(tenant, || ring.load(tenant)).await
    }
}

impl Ring {
    async fn load(&self, tenant: &TenantId) -> Result<TenantKeys, PortError> {
        let now = self.clock.now();
        let rows = self.vault.rows(tenant, now).await?;
        if is_complete(&rows) {
            return self.vault.open(tenant, &rows, now).await;
        }
        match self.making {
            Making::Never => Err(PortError::Missing {
                what: "tenant keys",
                cause: format!(
                    "tenant `{tenant}` has none yet: webhook-verify makes them at its first callback"
                ),
            }),
            Making::OnFirstUse => {
                self.vault.make_first(tenant, now).await?;
                // Read again: of functions that race, all use the rows that won.
                let rows = self.vault.rows(tenant, now).await?;
                self.vault.open(tenant, &rows, now).await
            }
        }
    }
}

/// KMS and the table together.
#[derive(Debug, Clone)]
struct Vault {
    table: KeysTable,
    wrapper: Wrapper,
}

impl Vault {
    fn new(kms: aws_sdk_kms::Client, dynamodb: aws_sdk_dynamodb::Client, place: KeyPlace) -> Self {
        let KeyPlace { table, kms_key, retired } = place;
        Self {
            table: KeysTable { client: dynamodb, name: table },
            wrapper: Wrapper { kms, key: kms_key, retired },
        }
    }

    /// A tenant's rows.
    ///
    /// # Errors
    /// [`PortError::Missing`] when its keys were destroyed.
    async fn rows(&self, tenant: &TenantId, now: UnixMillis) -> Result<Vec<Row>, PortError> {
        let rows = self.table.rows(tenant, now).await?;
        match rows.iter().find(|row| row.version == Version::Destroyed) {
            None => Ok(rows),
            Some(row) => Err(PortError::Missing {
                what: "tenant keys",
                cause: format!(
                    "those of tenant `{tenant}` were destroyed at {}: take the tenant out of the configuration",
                    row.made_at
                ),
            }),
        }
    }

    async fn make_first(&self, tenant: &TenantId, now: UnixMillis) -> Result<(), PortError> {
        for version in [Version::Index, Version::Data(1)] {
            self.make(tenant, version, UnixMillis(0), now).await?;
        }
        Ok(())
    }

    /// Makes a key and stores it, unless there is one of that version; says whether it is ours.
    async fn make(
        &self,
        tenant: &TenantId,
        version: Version,
        seals_from: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool, PortError> {
        let wrapped = self.wrapper.make(tenant, version, now).await?;
        let wrapped_by = self.wrapper.key.clone();
        let row = Row { version, wrapped, wrapped_by, made_at: now, seals_from };
        let ours = self.table.put_new(tenant, &row, now).await? == row;
        if ours {
            tracing::info!(tenant = %tenant, version = %version, "made a tenant's key: {version}");
        }
        Ok(ours)
    }

    async fn open(&self, tenant: &TenantId, rows: &[Row], now: UnixMillis) -> Result<TenantKeys, PortError> {
        if !is_complete(rows) {
            return Err(PortError::Corrupt {
                what: table::WHAT,
                cause: format!("the rows of tenant `{tenant}` are not complete although they were written"),
            });
        }
        let opened = try_join_all(rows.iter().map(|row| async move {
            let key = self.wrapper.open(tenant, row.version, &row.wrapped, &row.wrapped_by, now).await?;
            Ok::<_, PortError>((row, key))
        }));
        let (mut index, mut data) = (None, Vec::new());
        for (row, key) in opened.await? {
            match row.version {
                Version::Index => index = Some(key),
                Version::Data(number) => data.push((row.seals_from <= now, DataKey::new(number, &key))),
                Version::Destroyed => {}
            }
        }
        // The last one seals: those whose time has not come stand before those whose time has, each in the order of their numbers.
        data.sort_by_key(|(seals, key)| (*seals, key.number()));
        let data = data.into_iter().map(|(_, key)| key).collect();
        let index = index.ok_or_else(|| PortError::Corrupt {
            what: table::WHAT,
            cause: format!("tenant `{tenant}` has no index key"),
        })?;
        Ok(TenantKeys::new(tenant.clone(), index, data))
    }
}

fn is_complete(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.version == Version::Index)
        && rows.iter().any(|row| matches!(row.version, Version::Data(_)))
}
