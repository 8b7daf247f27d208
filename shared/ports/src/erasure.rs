use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use sluice_domain::consent::{ConsentRecord, Evidence, Marks, Withdrawal};
use sluice_domain::event::Event;
use sluice_domain::id::{PersonId, TenantId};
use sluice_domain::progress::{UncheckedAssigned, UncheckedCleared};
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;

use crate::{PortError, Queue};

/// Whom to erase.
#[derive(Debug, Clone)]
pub struct ErasureRequest {
    /// Whose customer.
    pub tenant: TenantId,
    /// Who.
    pub person: PersonId,
    /// The random name under which the records that law says to keep are put away. It leads back to nobody.
    pub reference: PersonId,
    /// When.
    pub at: UnixMillis,
    /// The tenant's keys: messages on queues carry tags under them. Without, messages that were cleared become `null` and end as dead letters.
    pub keys: Option<Arc<TenantKeys>>,
}

/// What an erasure did, by the name of the store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Destroyed {
    /// Records that are gone.
    pub destroyed: BTreeMap<&'static str, u64>,
    /// Records that were put away under the reference.
    pub restricted: BTreeMap<&'static str, u64>,
    /// Queue messages and dead letters whose personal fields are gone; what is left of them runs out as refused.
    pub emptied: BTreeMap<&'static str, u64>,
}

/// Destroys what is known of a person (PIPL art. 47).
///
/// - Exposures and contact counts are destroyed.
/// - Consents, orders and deliveries are kept under the reference: law wants proof of consent and of transactions for three years. Nothing
///   looks a person up by it.
/// - Messages that still lie on queues lose every sealed field where the adapter can reach them; SQS gives no way to, so there they are
///   refused when they come, at the latest when the queue's retention ends.
/// - Under the person's own name one entry stays, that they were erased and when: without it a late or captured callback would
///   bring them back.
/// - Audit records are not touched: they are evidence, and hold no personal value.
///
/// Repeating it, or dying in the middle and beginning again, ends in the same state.
pub trait Erasure: Send + Sync {
    /// Erases.
    fn erase(&self, request: ErasureRequest) -> impl Future<Output = Result<Destroyed, PortError>> + Send;
}

impl Destroyed {
    /// Counts one more.
    pub fn count(counts: &mut BTreeMap<&'static str, u64>, store: &'static str) {
        *counts.entry(store).or_default() += 1;
    }

    /// Was there anything at all?
    pub fn is_empty(&self) -> bool {
        self.destroyed.is_empty() && self.restricted.is_empty() && self.emptied.is_empty()
    }
}

impl ErasureRequest {
    /// What becomes of a message on a queue; `None` when it is not the person's.
    ///
    /// One that can not be read, or whose tag is not the engine's, but that names the person, becomes `null`: nothing was to be sent on it.
    pub fn emptied(&self, queue: Queue, body: &str) -> Option<String> {
        // Cheaper than reading every message of a long queue.
        if !body.contains(self.person.as_str()) {
            return None;
        }
        let mine = |tenant: &TenantId, person: Option<&PersonId>| {
            *tenant == self.tenant && person == Some(&self.person)
        };
        let nothing = || Some("null".to_owned());
        let written = match queue {
            Queue::Events => match serde_json::from_str::<Event>(body) {
                Ok(event) if mine(&event.key.tenant, event.person.as_ref()) => {
                    serde_json::to_string(&event.erased())
                }
                Ok(_) => return None,
                Err(_) => return nothing(),
            },
            Queue::Cleared => match serde_json::from_str::<UncheckedCleared>(body) {
                Ok(cleared) if mine(cleared.tenant(), cleared.person()) => {
                    let Some(keys) = &self.keys else { return nothing() };
                    let Ok(cleared) = cleared.erased(&self.reference, keys) else { return nothing() };
                    serde_json::to_string(&cleared)
                }
                Ok(_) => return None,
                Err(_) => return nothing(),
            },
            // It names a review, and the review is ended by itself.
            Queue::Checks => return None,
            Queue::Assigned => match serde_json::from_str::<UncheckedAssigned>(body) {
                Ok(assigned) if mine(assigned.tenant(), assigned.person()) => {
                    let Some(keys) = &self.keys else { return nothing() };
                    let Ok(assigned) = assigned.erased(&self.reference, keys) else { return nothing() };
                    serde_json::to_string(&assigned)
                }
                Ok(_) => return None,
                Err(_) => return nothing(),
            },
        };
        written.ok().or_else(nothing)
    }

    /// What is kept of a consent, under the reference: that it was given, when, under which text, and that it ended.
    ///
    /// An operator's words may name the person, and an address may lead to them: both go.
    pub fn restricted(&self, record: ConsentRecord) -> ConsentRecord {
        let mut record = record;
        record.key.person = self.reference.clone();
        record.evidence = scrubbed(record.evidence);
        record.marks = Marks::default();
        let ended = record.withdrawn.take().unwrap_or_else(|| self.entry(None, []));
        record.withdrawn = Some(Withdrawal { at: ended.at, evidence: scrubbed(ended.evidence) });
        record
    }

    /// The one entry that stays under the person's own name: that they were erased, when, and which payloads must not revive anything. It
    /// takes over those of an earlier erasure, for a person may come back and be erased again.
    pub fn entry(
        &self,
        before: Option<&Withdrawal>,
        payloads: impl IntoIterator<Item = String>,
    ) -> Withdrawal {
        let mut payloads: BTreeSet<String> = payloads.into_iter().collect();
        if let Some(Withdrawal { evidence: Evidence::Erasure { payloads: earlier }, .. }) = before {
            payloads.extend(earlier.iter().cloned());
        }
        Withdrawal { at: self.at, evidence: Evidence::Erasure { payloads } }
    }
}

fn scrubbed(evidence: Evidence) -> Evidence {
    match evidence {
        Evidence::Operator { .. } => Evidence::Operator { note: String::new() },
        Evidence::Event { key, trace_id, kind, payload_sha256, channel, address: _ } => {
            Evidence::Event { key, trace_id, kind, payload_sha256, channel, address: None }
        }
        kept @ (Evidence::Channel { .. } | Evidence::Erasure { .. }) => kept,
    }
}
