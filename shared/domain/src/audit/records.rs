use sha2::{Digest as _, Sha256};

use super::head::{DayHead, FORMAT, Link, LogState};
use super::leaves::{Leaf, LeafList};
use super::tree::{self, Hash};
use super::{AuditRecord, canonical};
use crate::id::{EventKey, MessageId, SourceId, TenantId};
use crate::time::{BusinessDay, UnixMillis};

/// A record decided longer after its callback came is in no day's tree. Queues hold a message four days and retry for minutes; what was given up is
/// put back by the next nightly run.
pub const LATEST_DECISION_DAYS: usize = 3;

/// Gathers a day's records, in any order.
///
/// A day has every record that was **decided** on it (whose callback came on that day or up to [`LATEST_DECISION_DAYS`] before), so that
/// it is final soon after midnight. Records are in the order of (arrival, source, message id, trace).
#[derive(Debug, Clone)]
pub struct DayRecords {
    tenant: TenantId,
    day: BusinessDay,
    leaves: Vec<(Place, Leaf)>,
}

/// What records are ordered by; their trace decides between equals.
type Place = (UnixMillis, SourceId, MessageId);

/// A day's records in order, and what is computed over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayTree {
    tenant: TenantId,
    day: BusinessDay,
    leaves: LeafList,
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
        let place = (record.received_at, source.clone(), message.clone());
        self.leaves.push((place, Leaf { trace_id: record.trace_id, hash: leaf_hash(record) }));
    }

    /// The records in order.
    pub fn tree(mut self) -> DayTree {
        self.leaves.sort();
        let leaves = LeafList::new(self.leaves.into_iter().map(|(_, leaf)| leaf).collect());
        DayTree { tenant: self.tenant, day: self.day, leaves }
    }
}

impl DayTree {
    /// The records' hashes, in order.
    pub fn leaves(&self) -> &LeafList {
        &self.leaves
    }

    /// The head that follows `previous` at the end of the tenant's `log`.
    pub fn head(&self, previous: Option<Link>, log: LogState, sealed_at: UnixMillis) -> DayHead {
        DayHead {
            format: FORMAT.to_owned(),
            tenant: self.tenant.clone(),
            day: self.day,
            records: self.leaves.count(),
            root: self.leaves.root(),
            chain: chain(previous.as_ref(), &self.leaves),
            leaves: Hash::of(&self.leaves.to_bytes()),
            previous,
            log,
            sealed_at,
        }
    }
}

/// The bytes of a record that its day's tree covers: canonical JSON (RFC 8785, nulls left out).
pub fn canonical_bytes(record: &AuditRecord) -> Vec<u8> {
    canonical::canonical(record)
}

/// The hash that stands for a record in its day's tree.
pub fn leaf_hash(record: &AuditRecord) -> Hash {
    tree::leaf(&canonical::canonical(record))
}

/// The hash chain over a day's records in order: it begins with the SHA-256 of the document of the day before (32 zero bytes for the first
/// day of all), and each record makes it SHA-256(0x02 ‖ chain ‖ leaf hash). So the days' chains are one chain over every record of
/// the tenant.
pub(super) fn chain(previous: Option<&Link>, leaves: &LeafList) -> Hash {
    let start = previous.map_or([0; 32], |link| link.sha256.0);
    leaves.hashes().fold(Hash(start), |chain, leaf| {
        Hash(Sha256::new_with_prefix([2]).chain_update(chain.0).chain_update(leaf.0).finalize().into())
    })
}
