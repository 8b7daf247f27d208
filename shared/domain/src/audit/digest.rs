use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{AuditRecord, canonical, tree};
use crate::failure::FailureKind;
use crate::id::{EventKey, MessageId, SourceId, TenantId, TraceId};
use crate::time::{BusinessDay, UnixMillis};

/// A record decided longer after its callback came is in no digest. Queues hold a message four days and retry for minutes; what was given up is
/// put back by the next nightly run.
pub const LATEST_DECISION_DAYS: usize = 3;

/// What is hashed and how; another way gets another name.
pub const ALGORITHM: &str = "sha256-rfc6962-rfc8785";

/// The digest of one tenant's day: it shows later that no audit record of the day was changed, added or taken away.
///
/// It covers every record **decided** on the day (whose callback came on that day or up to [`LATEST_DECISION_DAYS`] before), so that
/// it is final soon after midnight. Records are in the order of (arrival, source, message id); each is a leaf of its canonical bytes
/// (RFC 8785, nulls left out); the root is that of RFC 6962. The document names the SHA-256 of the document before it,
/// so that the days form a chain: whoever holds the newest document holds all of them.
///
/// It holds no personal value: ids of messages, counts and hashes only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayDigest {
    /// [`ALGORITHM`].
    pub algorithm: String,
    /// Whose day.
    pub tenant: TenantId,
    /// The day, in China Standard Time.
    pub day: BusinessDay,
    /// How many records.
    pub records: u64,
    /// The first of them in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Mark>,
    /// The last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Mark>,
    /// The root over the records, in lower-case hex.
    pub root: String,
    /// The document before it; none at the beginning of the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Link>,
}

/// Where a record stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// When its callback came.
    pub received_at: UnixMillis,
    /// Its source.
    pub source: SourceId,
    /// The platform's id of it.
    pub message: MessageId,
    /// Its trace.
    pub trace_id: TraceId,
}

/// The document of an earlier day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Which day.
    pub day: BusinessDay,
    /// The SHA-256 of its bytes, in lower-case hex.
    pub sha256: String,
}

/// Why stored bytes are no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stored digest can not be read: {0}")]
pub struct InvalidDigest(String);

impl InvalidDigest {
    /// It never heals.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Permanent
    }
}

/// What differs between a stored digest and the records that are there now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Comparison {
    /// Nothing.
    Same,
    /// The records, in words: counts and roots.
    Changed(String),
}

/// Gathers a day's records, in any order.
#[derive(Debug, Clone)]
pub struct DayRecords {
    tenant: TenantId,
    day: BusinessDay,
    leaves: Vec<(Mark, tree::Hash)>,
}

impl DayRecords {
    /// Nothing of a tenant's day yet.
    pub fn new(tenant: TenantId, day: BusinessDay) -> Self {
        Self { tenant, day, leaves: Vec::new() }
    }

    /// The days on which the callbacks of this day's decisions may have come, latest first.
    pub fn arrivals(day: BusinessDay) -> impl Iterator<Item = BusinessDay> {
        std::iter::successors(Some(day), |day| Some(day.previous())).take(LATEST_DECISION_DAYS + 1)
    }

    /// Takes a record, if it belongs to the tenant and was decided on the day.
    pub fn add(&mut self, record: &AuditRecord) {
        let EventKey { tenant, source, message } = &record.key;
        if *tenant != self.tenant || !self.day.contains(record.decided_at) {
            return;
        }
        let mark = Mark {
            received_at: record.received_at,
            source: source.clone(),
            message: message.clone(),
            trace_id: record.trace_id,
        };
        self.leaves.push((mark, tree::leaf(&canonical::canonical(record))));
    }

    /// The digest that follows `previous`.
    pub fn digest(mut self, previous: Option<Link>) -> DayDigest {
        self.leaves.sort();
        let hashes: Vec<_> = self.leaves.iter().map(|(_, hash)| *hash).collect();
        DayDigest {
            algorithm: ALGORITHM.to_owned(),
            tenant: self.tenant,
            day: self.day,
            records: u64::try_from(hashes.len()).unwrap_or(u64::MAX),
            first: self.leaves.first().map(|(mark, _)| mark.clone()),
            last: self.leaves.last().map(|(mark, _)| mark.clone()),
            root: hex::encode(tree::root(&hashes)),
            previous,
        }
    }
}

impl DayDigest {
    /// The document as it is stored: canonical JSON, so that `sha256sum` of the file is the hash that the next day names.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(768);
        if let Ok(value) = serde_json::to_value(self) {
            canonical::write(&value, &mut out);
        }
        out
    }

    /// A stored document of this tenant and day.
    ///
    /// # Errors
    /// [`InvalidDigest`] when it is none, or another's.
    pub fn parse(bytes: &[u8], tenant: &TenantId, day: BusinessDay) -> Result<Self, InvalidDigest> {
        let digest: Self = serde_json::from_slice(bytes)
            .map_err(|error| InvalidDigest(format!("line {} column {}", error.line(), error.column())))?;
        if digest.algorithm != ALGORITHM {
            return Err(InvalidDigest(format!("expected algorithm `{ALGORITHM}`, got another")));
        }
        if (&digest.tenant, digest.day) != (tenant, day) {
            return Err(InvalidDigest(format!("it is of tenant `{}` on {}", digest.tenant, digest.day)));
        }
        Ok(digest)
    }

    /// What the document after it names.
    pub fn link(day: BusinessDay, bytes: &[u8]) -> Link {
        Link { day, sha256: hex::encode(Sha256::digest(bytes)) }
    }

    /// Compares this stored digest with one of the records that are there now; what precedes them is not compared.
    pub fn compare(&self, now: &Self) -> Comparison {
        let records =
            |digest: &Self| (digest.records, digest.first.clone(), digest.last.clone(), digest.root.clone());
        if records(self) == records(now) {
            return Comparison::Same;
        }
        Comparison::Changed(format!(
            "sealed_records={} records={} sealed_root={} root={}",
            self.records, now.records, self.root, now.root
        ))
    }
}
