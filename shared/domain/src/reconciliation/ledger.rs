//! The evidence, indexed: which record belongs to which event.

use std::collections::{BTreeMap, BTreeSet};

use super::input::{DeadLetter, Evidence, Subject};
use crate::audit::{AuditRecord, Receipt};
use crate::delivery::Delivery;
use crate::id::{EventKey, ExperimentId, PersonId, TraceId};
use crate::review::{Point, Review};

/// The day's records by event. Sorted maps throughout, so that the order in which pages came does not show.
pub(crate) struct Ledger<'a> {
    /// The first receipt of each event, and how many there were.
    pub(crate) receipts: BTreeMap<&'a EventKey, (&'a Receipt, u64)>,
    pub(crate) audits: BTreeMap<&'a EventKey, &'a AuditRecord>,
    pub(crate) deliveries: BTreeMap<&'a EventKey, &'a Delivery>,
    /// Dead letters of events of this tenant that the day names.
    pub(crate) dead: BTreeMap<&'a EventKey, Vec<&'a DeadLetter>>,
    pub(crate) ordered: BTreeSet<&'a EventKey>,
    pub(crate) reviews: BTreeMap<(&'a EventKey, Point), &'a Review>,
    exposed: BTreeSet<(&'a PersonId, &'a ExperimentId)>,
    busy: BTreeSet<&'a str>,
}

impl<'a> Ledger<'a> {
    pub(crate) fn of(subject: &Subject<'_>, evidence: &'a Evidence) -> Self {
        let receipts = receipts(subject, &evidence.receipts);
        let audits: BTreeMap<_, _> = evidence.audits.iter().map(|record| (&record.key, record)).collect();
        let deliveries: BTreeMap<_, _> = evidence.deliveries.iter().map(|one| (&one.key, one)).collect();
        let mut keys: BTreeMap<TraceId, &EventKey> = BTreeMap::new();
        keys.extend(evidence.receipts.iter().map(|receipt| (receipt.trace_id, &receipt.key)));
        keys.extend(audits.values().map(|record| (record.trace_id, &record.key)));
        keys.extend(deliveries.values().map(|one| (one.trace_id, &one.key)));
        let mut dead: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for letter in &evidence.dead_letters {
            if let Some(key) = letter.trace_id.and_then(|trace| keys.get(&trace)) {
                dead.entry(*key).or_default().push(letter);
            }
        }
        for letters in dead.values_mut() {
            letters.sort();
        }
        Self {
            receipts,
            audits,
            deliveries,
            dead,
            reviews: evidence.reviews.iter().map(|review| ((&review.key, review.point), review)).collect(),
            ordered: evidence.orders.iter().map(|entry| &entry.key).collect(),
            exposed: evidence.exposures.iter().map(|one| (&one.person, &one.experiment)).collect(),
            busy: evidence.queues.iter().filter(|q| q.messages > 0).map(|q| q.queue.as_str()).collect(),
        }
    }

    /// Was the person exposed to this experiment, or, when it isn't known which, to any?
    pub(crate) fn is_exposed(&self, person: Option<&PersonId>, experiment: Option<&ExperimentId>) -> bool {
        let Some(person) = person else { return false };
        match experiment {
            Some(experiment) => self.exposed.contains(&(person, experiment)),
            None => self.exposed.iter().any(|(other, _)| *other == person),
        }
    }

    /// Does one of these queues still hold messages?
    pub(crate) fn is_busy(&self, queues: &[&str]) -> bool {
        queues.iter().any(|queue| self.busy.contains(queue))
    }
}

fn receipts<'a>(subject: &Subject<'_>, all: &'a [Receipt]) -> BTreeMap<&'a EventKey, (&'a Receipt, u64)> {
    let mut receipts: BTreeMap<&EventKey, (&Receipt, u64)> = BTreeMap::new();
    for receipt in all.iter().filter(|one| one.key.tenant == *subject.tenant) {
        let entry = receipts.entry(&receipt.key).or_insert((receipt, 0));
        entry.1 += 1;
        if (receipt.received_at, receipt.trace_id) < (entry.0.received_at, entry.0.trace_id) {
            entry.0 = receipt;
        }
    }
    receipts
}
