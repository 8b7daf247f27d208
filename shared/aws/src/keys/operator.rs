use std::sync::Arc;

use serde::Serialize;
use sluice_domain::id::TenantId;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, PortError};

use super::table::Row;
use super::version::Version;
use super::{KeyPlace, SEALS_AFTER_MS, Vault};

/// More data keys would make every cold start ask KMS so often; rotating monthly reaches it after eight years.
const MOST_DATA_KEYS: usize = 100;

/// What operators do to tenants' keys: look, rotate, wrap anew, destroy. No function has these permissions.
#[derive(Clone)]
pub struct KeyOperator {
    vault: Vault,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for KeyOperator {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("KeyOperator")
    }
}

/// One key as operators see it: never its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyRow {
    /// `index`, `data-0000000001`, … or `destroyed`.
    pub version: String,
    /// The KMS key that wraps it.
    pub wrapped_by: String,
    /// When it was made, in milliseconds.
    pub made_at: UnixMillis,
    /// From when on it seals, in milliseconds.
    pub seals_from: UnixMillis,
}

/// What a round of wrapping anew did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rewrapped {
    /// Wrapped anew.
    pub done: usize,
    /// Somebody else did it meanwhile.
    pub overtaken: usize,
}

impl KeyOperator {
    /// Over the same table and key as the functions' ring.
    pub fn new(
        kms: aws_sdk_kms::Client,
        dynamodb: aws_sdk_dynamodb::Client,
        place: KeyPlace,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { vault: Vault::new(kms, dynamodb, place), clock }
    }

    /// Every tenant that has keys. It reads the whole table, a few rows a tenant.
    pub async fn tenants(&self) -> Result<Vec<TenantId>, PortError> {
        self.vault.table.tenants(self.clock.now()).await
    }

    /// The keys of a tenant.
    pub async fn list(&self, tenant: &TenantId) -> Result<Vec<KeyRow>, PortError> {
        let rows = self.vault.table.rows(tenant, self.clock.now()).await?;
        let shown = |row: Row| KeyRow {
            version: row.version.to_string(),
            wrapped_by: row.wrapped_by,
            made_at: row.made_at,
            seals_from: row.seals_from,
        };
        Ok(rows.into_iter().map(shown).collect())
    }

    /// Adds a data key, which seals eleven minutes from now, when every function knows it. Older keys still open what they sealed.
    /// Gives its number. Of two rotations at the same moment both get the one key that was made.
    ///
    /// # Errors
    /// [`PortError::Missing`] when the tenant has no keys, or has as many as are good for it.
    pub async fn rotate(&self, tenant: &TenantId) -> Result<u32, PortError> {
        let now = self.clock.now();
        let rows = self.vault.rows(tenant, now).await?;
        let numbers: Vec<_> = rows.iter().filter_map(|row| number(row.version)).collect();
        let missing = |cause| PortError::Missing { what: "tenant keys", cause };
        let newest = numbers.iter().max().ok_or_else(|| {
            missing(format!("tenant `{tenant}` has none to rotate: webhook-verify makes the first ones"))
        })?;
        if numbers.len() >= MOST_DATA_KEYS {
            return Err(missing(format!(
                "tenant `{tenant}` has {MOST_DATA_KEYS} data keys already: rotate less often"
            )));
        }
        let next = newest.saturating_add(1);
        self.vault.make(tenant, Version::Data(next), now.plus_ms(SEALS_AFTER_MS), now).await?;
        Ok(next)
    }

    /// Wraps every key of a tenant anew under the KMS key in force: after another KMS key was configured, or its material rotated.
    /// What was sealed stays as it is, for the keys themselves do not change.
    pub async fn rewrap(&self, tenant: &TenantId) -> Result<Rewrapped, PortError> {
        let now = self.clock.now();
        let mut result = Rewrapped { done: 0, overtaken: 0 };
        let Vault { table, wrapper } = &self.vault;
        for row in self.vault.rows(tenant, now).await? {
            let wrapped = wrapper.rewrap(tenant, row.version, &row.wrapped, &row.wrapped_by, now).await?;
            if table.exchange(tenant, &row, &wrapped, &wrapper.key, now).await? {
                result.done += 1;
            } else {
                result.overtaken += 1;
            }
        }
        Ok(result)
    }

    /// Destroys a tenant's keys: what they sealed can never be opened again, and its people become strangers. A mark stays, so
    /// that no function makes new ones. Functions forget the keys within five minutes; **backups of the table hold them until
    /// they end** (35 days with point-in-time recovery). Gives how many there were.
    pub async fn destroy(&self, tenant: &TenantId) -> Result<usize, PortError> {
        let now = self.clock.now();
        let mark = Row {
            version: Version::Destroyed,
            wrapped: Vec::new(),
            wrapped_by: String::new(),
            made_at: now,
            seals_from: now,
        };
        // The mark first: from here on nobody loads or makes a key.
        self.vault.table.put_new(tenant, &mark, now).await?;
        let mut destroyed = 0;
        for row in self.vault.table.rows(tenant, now).await? {
            if row.version != Version::Destroyed {
                self.vault.table.delete(tenant, row.version, now).await?;
                destroyed += 1;
            }
        }
        tracing::warn!(tenant = %tenant, "destroyed: {destroyed} keys of a tenant");
        Ok(destroyed)
    }
}

fn number(version: Version) -> Option<u32> {
    match version {
        Version::Data(number) => Some(number),
        Version::Index | Version::Destroyed => None,
    }
}
