use std::fmt;
use std::str::FromStr;

use sluice_domain::audit::tree::Hash;
use sluice_domain::failure::FailureKind;
use sluice_domain::id::TenantId;
use sluice_domain::time::{BusinessDay, DAY_MS};
use sluice_ports::{Digests, PortError, Written};

use crate::answer::Refusal;
use crate::reports::{S3Reports, folder, refused};
use crate::s3::{Get, Got, Marker, Put, Stored, When};

const WHAT: &str = "digests";
/// Ours are below four KiB.
const LARGEST: usize = 64 * 1024;
/// Four million records.
const LARGEST_LEAVES: usize = 192 * 1024 * 1024;
/// Pages of a listing at most. A day has one version; whoever makes thousands of them does not stop the night.
const PAGES: usize = 20;
const TO_DO: &str = "the role needs PutObject, PutObjectRetention and GetObjectVersion on `digests/*` and ListBucketVersions on the bucket that `SLUICE_DIGESTS` names";

/// Who may shorten a digest's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Whoever has `s3:BypassGovernanceRetention`.
    Governance,
    /// Nobody, the account's owner included.
    Compliance,
}

/// A lock mode that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a lock mode must be GOVERNANCE or COMPLIANCE, got `{0}`")]
pub struct InvalidLockMode(String);

impl InvalidLockMode {
    /// A person must mend the set-up.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Configuration
    }
}

impl FromStr for LockMode {
    type Err = InvalidLockMode;
    fn from_str(text: &str) -> Result<Self, InvalidLockMode> {
        match text {
            "GOVERNANCE" => Ok(Self::Governance),
            "COMPLIANCE" => Ok(Self::Compliance),
            other => Err(InvalidLockMode(other.to_owned())),
        }
    }
}

/// As S3 spells it.
impl fmt::Display for LockMode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Governance => "GOVERNANCE",
            Self::Compliance => "COMPLIANCE",
        })
    }
}

/// Objects `digests/<tenant>/<day>.json`, each under an object lock of its own, and the leaf lists as `digests/.leaves/<tenant>/<day>.<sha256>`,
/// which no tenant's folder can be.
///
/// What counts is a day's **oldest** version: a lock keeps a version from being deleted, not a newer one from being put on top of it,
/// by somebody who may write to the bucket.
impl Digests for S3Reports {
    async fn seal(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        document: Vec<u8>,
    ) -> Result<Written<Vec<u8>>, PortError> {
        if self.put_first(key(tenant, day), "application/json", document).await? {
            return Ok(Written::New);
        }
        match self.sealed(tenant, day).await? {
            Some(sealed) => Ok(Written::Existing(sealed)),
            None => Err(PortError::Unavailable {
                what: WHAT,
                cause: "a document is there and is not listed yet".to_owned(),
            }),
        }
    }

    async fn sealed(&self, tenant: &TenantId, day: BusinessDay) -> Result<Option<Vec<u8>>, PortError> {
        self.first(key(tenant, day), LARGEST).await
    }

    async fn last_sealed(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
    ) -> Result<Option<BusinessDay>, PortError> {
        let prefix = format!("digests/{}/", folder(tenant));
        let days: Vec<_> = sluice_ports::days_before(day, Self::LOOKS_BACK_DAYS).collect();
        let Some(before_all) = days.last().map(|earliest| earliest.previous()) else { return Ok(None) };
        let found = self.versions(&prefix, Some(key(tenant, before_all))).await?;
        let found: std::collections::BTreeSet<_> = found.into_iter().map(|stored| stored.key).collect();
        Ok(days.into_iter().find(|day| found.contains(&key(tenant, *day))))
    }

    async fn keep_leaves(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        leaves: Vec<u8>,
    ) -> Result<(), PortError> {
        let sha256 = Hash::of(&leaves);
        let key = leaves_key(tenant, day, sha256);
        if self.put_first(key, "application/octet-stream", leaves).await? {
            return Ok(());
        }
        match self.leaves(tenant, day, sha256).await? {
            Some(stored) if Hash::of(&stored) == sha256 => Ok(()),
            _ => Err(PortError::Corrupt {
                what: WHAT,
                cause: format!("a leaf list of {day} is not what its name says"),
            }),
        }
    }

    async fn leaves(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        sha256: Hash,
    ) -> Result<Option<Vec<u8>>, PortError> {
        self.first(leaves_key(tenant, day, sha256), LARGEST_LEAVES).await
    }
}

impl S3Reports {
    /// Puts a locked object, unless there is one of its key; says whether it did.
    async fn put_first(
        &self,
        key: String,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> Result<bool, PortError> {
        let until = self.clock.now().plus_ms(i64::from(self.place.keep_days).saturating_mul(DAY_MS));
        let put = Put {
            bucket: &self.place.digests,
            key: &key,
            content_type,
            bytes: &body,
            when: When::Absent,
            lock: Some((self.place.lock, until)),
        };
        match self.client.put(put).await {
            Ok(()) => Ok(true),
            Err(Refusal::Code(code)) if code == "PreconditionFailed" => Ok(false),
            Err(refusal) => Err(self.digest_error(&refusal)),
        }
    }

    /// The oldest version of an object.
    async fn first(&self, key: String, largest: usize) -> Result<Option<Vec<u8>>, PortError> {
        let mut versions = self.versions(&key, None).await?;
        versions.retain(|stored| stored.key == key);
        let Some(first) = versions.last() else { return Ok(None) };
        if versions.len() > 1 {
            let later = versions.len().saturating_sub(1);
            tracing::error!(object = %key, later, "somebody stored {later} more documents over a sealed digest");
        }
        let get = Get {
            bucket: &self.place.digests,
            key: &key,
            version: Some(&first.version),
            unless: None,
            range: None,
            limit: largest,
        };
        match self.client.get(get).await.map_err(|refusal| self.digest_error(&refusal))? {
            Got::Object { bytes, .. } => Ok(Some(bytes.to_vec())),
            Got::TooLong | Got::Same => {
                let cause = format!("`{key}` is larger than any of ours");
                Err(PortError::Corrupt { what: WHAT, cause })
            }
        }
    }

    /// The versions of the keys with a prefix, after a key.
    async fn versions(&self, prefix: &str, after: Option<String>) -> Result<Vec<Stored>, PortError> {
        let mut found = Vec::new();
        let mut marker = Marker { key: after, version: None };
        for _ in 0..PAGES {
            let page = self.client.versions(&self.place.digests, prefix, &marker).await;
            let (stored, next) = page.map_err(|refusal| self.digest_error(&refusal))?;
            found.extend(stored);
            match next {
                Some(next) => marker = next,
                None => return Ok(found),
            }
        }
        Err(PortError::Corrupt {
            what: WHAT,
            cause: format!("`{prefix}` has more versions than any of ours"),
        })
    }

    fn digest_error(&self, refusal: &Refusal) -> PortError {
        refused(refusal, WHAT, self.clock.now(), TO_DO)
    }
}

fn key(tenant: &TenantId, day: BusinessDay) -> String {
    format!("digests/{}/{day}.json", folder(tenant))
}

fn leaves_key(tenant: &TenantId, day: BusinessDay, sha256: Hash) -> String {
    format!("digests/.leaves/{}/{day}.{sha256}", folder(tenant))
}
