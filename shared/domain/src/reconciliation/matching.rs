//! Follows every event of the day to where it ended, and notes what does not fit.

use std::collections::{BTreeMap, BTreeSet};

use super::attribution::attribution;
use super::breaks::{Break, BreakClass, BreakState};
use super::deviation::deviation;
use super::input::{Evidence, Seal, Subject};
use super::ledger::Ledger;
use super::report::{DecisionCount, DestinationCount, Identity, OrderTotal, Report, Totals};
use super::reviewing::ReviewCounts;
use crate::audit::{AuditRecord, Disposition, Receipt};
use crate::decision::{Decision, Verdict};
use crate::delivery::{Delivery, DeliveryState};
use crate::id::{EventKey, TraceId, VariantId};
use crate::time::UnixMillis;

/// Unfinished work younger than this is on its way, not late: longer than any step's visibility timeout and back-off.
const GRACE_MS: i64 = 15 * 60 * 1_000;

/// The shape's version, in the report.
const VERSION: u32 = 4;

/// Reconciles one tenant's day. Pure: the same evidence gives the same report.
pub fn reconcile(subject: &Subject<'_>, evidence: &Evidence) -> Report {
    let ledger = Ledger::of(subject, evidence);
    let mut walk = Walk {
        subject,
        evidence,
        ledger: &ledger,
        totals: Totals::default(),
        breaks: Vec::new(),
        told: BTreeSet::new(),
        kinds: BTreeMap::new(),
        decisions: BTreeMap::new(),
        reviews: ReviewCounts::default(),
    };
    for (key, (receipt, count)) in &ledger.receipts {
        walk.event(key, receipt, *count);
    }
    walk.strays();
    let audit_digest = walk.seal();
    let accounted = walk.totals.parts().iter().map(|(_, _, count)| count).sum();
    let identity =
        Identity { received: walk.totals.received, accounted, holds: accounted == walk.totals.received };
    if !identity.holds {
        walk.add(
            BreakClass::TotalsMismatch,
            None,
            subject.day.end(),
            BreakState::Open,
            format!("received={} accounted={accounted}", identity.received),
        );
    }
    let experiments: Vec<_> = subject
        .experiments
        .iter()
        .map(|one| deviation(one, &arms(subject, evidence, one.id.as_str())))
        .collect();
    for split in experiments.iter().filter(|split| split.mismatch) {
        walk.breaks.push(Break {
            class: BreakClass::SampleRatioMismatch,
            title: BreakClass::SampleRatioMismatch.title(),
            key: format!("{}/{}", subject.tenant, split.experiment),
            trace_id: None,
            age_ms: 0,
            state: BreakState::Open,
            detail: format!("chi_square={} p={}", split.chi_square, split.p_value),
        });
    }
    let Walk { totals, mut breaks, kinds, decisions, reviews, .. } = walk;
    breaks.sort();
    let mut queues = evidence.queues.clone();
    queues.sort();
    Report {
        version: VERSION,
        tenant: subject.tenant.clone(),
        name: subject.name.to_owned(),
        day: subject.day,
        totals,
        identity,
        kinds,
        decisions: by_frequency(decisions),
        reviews,
        destinations: destinations(subject, evidence),
        experiments,
        attribution: attribution(subject, evidence),
        orders: orders(subject, evidence),
        queues,
        audit_digest,
        breaks,
    }
}

pub(super) struct Walk<'a> {
    pub(super) subject: &'a Subject<'a>,
    evidence: &'a Evidence,
    pub(super) ledger: &'a Ledger<'a>,
    pub(super) totals: Totals,
    breaks: Vec<Break>,
    /// Events whose dead letters are in a break already.
    told: BTreeSet<&'a EventKey>,
    kinds: BTreeMap<String, u64>,
    decisions: BTreeMap<(String, String), DecisionCount>,
    pub(super) reviews: ReviewCounts,
}

impl<'a> Walk<'a> {
    fn event(&mut self, key: &'a EventKey, receipt: &'a Receipt, callbacks: u64) {
        let audit = self.ledger.audits.get(key).copied();
        // An earlier day's event that the platform repeated: that day's report counts it.
        if audit.is_some_and(|record| record.received_at < self.subject.day.start()) {
            self.totals.replays += callbacks;
            return;
        }
        self.totals.received += 1;
        self.totals.replays += callbacks.saturating_sub(1);
        *self.kinds.entry(receipt.kind.as_str().to_owned()).or_default() += 1;
        let Some(audit) = audit else {
            let at = (Some((key, receipt.trace_id)), receipt.received_at);
            return self.unfinished(BreakClass::DecisionMissing, at, &["events"]);
        };
        match &audit.disposition {
            Disposition::Unhandled => self.totals.unhandled += 1,
            Disposition::Recorded { effect, .. } => {
                self.totals.recorded += 1;
                if effect == "order_book" && !self.ledger.ordered.contains(key) {
                    let at = Some((key, audit.trace_id));
                    self.add(
                        BreakClass::OrderMissing,
                        at,
                        audit.received_at,
                        BreakState::Open,
                        String::new(),
                    );
                }
            }
            Disposition::Decided { decision } => self.decided(key, audit, decision),
        }
    }

    fn decided(&mut self, key: &'a EventKey, audit: &'a AuditRecord, decision: &Decision) {
        let code = decision.main_code();
        let title = decision.reasons.first().map_or("", |reason| reason.title.as_str());
        let verdict = decision.verdict.as_str();
        let count = self.decisions.entry((verdict.to_owned(), code.to_owned())).or_insert(DecisionCount {
            verdict: verdict.to_owned(),
            code: code.to_owned(),
            title: title.to_owned(),
            count: 0,
        });
        count.count += 1;
        match decision.verdict {
            Verdict::Block => self.totals.blocked += 1,
            Verdict::Review => self.reviewed(key, audit),
            Verdict::Allow | Verdict::AllowMasked => self.allowed(key, audit, audit.decided_at),
        }
    }

    pub(super) fn allowed(&mut self, key: &'a EventKey, audit: &'a AuditRecord, since: UnixMillis) {
        let delivery = self.ledger.deliveries.get(key).copied();
        // Outside any experiment, and before a delivery says which, any exposure of the person will do.
        let experiment = delivery.and_then(|one| one.assignment.experiment.as_ref());
        let exposed = self.ledger.is_exposed(audit.person.as_ref(), experiment);
        let at = Some((key, audit.trace_id));
        let Some(delivery) = delivery else {
            let class = if exposed { BreakClass::DeliveryMissing } else { BreakClass::ExposureMissing };
            // Exposures are sticky, so an old one does not prove that this event came past bucket-assignment.
            return self.unfinished(class, (at, since), &["cleared", "assigned"]);
        };
        // An erased person's exposures are gone, and their deliveries stand under a reference.
        if !exposed && !delivery.person.is_reference() {
            self.add(BreakClass::ExposureMissing, at, since, BreakState::Open, String::new());
        }
        self.delivery(delivery, at);
    }

    fn delivery(&mut self, delivery: &'a Delivery, at: Option<(&'a EventKey, TraceId)>) {
        let now = self.subject.now;
        if self.message_reviewed(delivery, at) {
            return;
        }
        match &delivery.state {
            DeliveryState::Delivered => self.totals.delivered += 1,
            DeliveryState::Refused => self.totals.refused += 1,
            DeliveryState::InDoubt => {
                self.totals.in_doubt += 1;
                let code = delivery.attempts.last().and_then(|attempt| attempt.code.as_deref());
                let detail =
                    format!("destination={} code={}", delivery.destination(), code.unwrap_or("none"));
                self.add(BreakClass::InDoubt, at, delivery.opened_at, BreakState::Open, detail);
            }
            DeliveryState::Claimed { deadline, .. } if *deadline > now => self.totals.in_progress += 1,
            DeliveryState::Claimed { deadline, .. } => {
                self.unfinished(BreakClass::StuckClaim, (at, *deadline), &["assigned"]);
            }
            DeliveryState::Waiting { until } if now.since(*until) < GRACE_MS => self.totals.waiting += 1,
            DeliveryState::Waiting { until } => {
                self.unfinished(BreakClass::OverdueRetry, (at, *until), &["assigned"]);
            }
        }
    }

    /// Work that is not finished: given up, young, still on a queue, or lost.
    pub(super) fn unfinished(
        &mut self,
        class: BreakClass,
        (at, since): (Option<(&'a EventKey, TraceId)>, UnixMillis),
        queues: &[&str],
    ) {
        let late = self.subject.now.since(since) >= GRACE_MS;
        if let Some((key, _)) = at
            && self.ledger.dead.contains_key(key)
        {
            let back = self.dead_letters(key);
            let part = if back { &mut self.totals.in_progress } else { &mut self.totals.dead_lettered };
            *part += 1;
        } else if !late {
            self.totals.in_progress += 1;
        } else if self.ledger.is_busy(queues) {
            self.totals.in_progress += 1;
            self.add(class, at, since, BreakState::Waiting, format!("queue={}", queues.join(",")));
        } else {
            self.totals.missing += 1;
            self.add(class, at, since, BreakState::Open, String::new());
        }
    }

    /// Notes an event's dead letters; says whether all of them are back on their queues.
    fn dead_letters(&mut self, key: &'a EventKey) -> bool {
        self.told.insert(key);
        let mut all_back = true;
        for letter in self.ledger.dead.get(key).into_iter().flatten() {
            let back = self.evidence.redriven.contains(&letter.id);
            all_back &= back;
            let state = if back { BreakState::Redriven } else { BreakState::Open };
            let at = letter.trace_id.map(|trace| (key, trace));
            let detail = format!("queue={} code={}", letter.queue, letter.code);
            self.add(BreakClass::DeadLetter, at, letter.at, state, detail);
        }
        all_back
    }

    /// Records that no receipt of the day leads to.
    fn strays(&mut self) {
        for (key, audit) in &self.ledger.audits {
            if self.subject.day.contains(audit.received_at) && !self.ledger.receipts.contains_key(key) {
                let at = Some((*key, audit.trace_id));
                self.add(BreakClass::ReceiptMissing, at, audit.received_at, BreakState::Open, String::new());
            }
        }
        for (key, delivery) in &self.ledger.deliveries {
            let allows = self.ledger.audits.get(key).is_some_and(|audit| match &audit.disposition {
                Disposition::Decided { decision } if decision.verdict == Verdict::Review => {
                    self.was_approved(key)
                }
                Disposition::Decided { decision } => decision.verdict.allows(),
                Disposition::Recorded { .. } | Disposition::Unhandled => false,
            });
            if !allows {
                let detail =
                    format!("state={} destination={}", delivery.state.as_str(), delivery.destination());
                let at = Some((*key, delivery.trace_id));
                self.add(BreakClass::DeliveryWithoutAllow, at, delivery.opened_at, BreakState::Open, detail);
            }
        }
        // Dead letters of events that are settled all the same, by a replay or a repeat.
        let ledger = self.ledger;
        for key in ledger.dead.keys() {
            if !self.told.contains(key) {
                self.dead_letters(key);
            }
        }
    }

    /// Notes a digest that does not fit; gives one that does.
    fn seal(&mut self) -> Option<String> {
        match &self.evidence.seal {
            Seal::Absent => None,
            Seal::Intact { sha256 } => Some(sha256.clone()),
            Seal::Broken(detail) => {
                let since = self.subject.day.end();
                self.add(BreakClass::AuditChanged, None, since, BreakState::Open, detail.clone());
                None
            }
        }
    }

    fn add(
        &mut self,
        class: BreakClass,
        at: Option<(&EventKey, TraceId)>,
        since: UnixMillis,
        state: BreakState,
        detail: String,
    ) {
        self.breaks.push(Break {
            class,
            title: class.title(),
            key: at.map_or_else(String::new, |(key, _)| key.to_string()),
            trace_id: at.map(|(_, trace)| trace),
            age_ms: self.subject.day.end().since(since).max(0),
            state,
            detail,
        });
    }
}

/// People per arm until the end of the day: later exposures belong to later reports.
fn arms(subject: &Subject<'_>, evidence: &Evidence, experiment: &str) -> BTreeMap<VariantId, u64> {
    let mut counts = BTreeMap::new();
    for exposure in &evidence.exposures {
        let ours = exposure.tenant == *subject.tenant && exposure.experiment.as_str() == experiment;
        if let Some(variant) = &exposure.variant
            && ours
            && exposure.exposed_at < subject.day.end()
        {
            *counts.entry(variant.clone()).or_default() += 1;
        }
    }
    counts
}

fn by_frequency(decisions: BTreeMap<(String, String), DecisionCount>) -> Vec<DecisionCount> {
    let mut counts: Vec<_> = decisions.into_values().collect();
    // Stable: equal counts stay in the order of verdict and code.
    counts.sort_by_key(|count| std::cmp::Reverse(count.count));
    counts
}

fn destinations(subject: &Subject<'_>, evidence: &Evidence) -> BTreeMap<String, DestinationCount> {
    let mut counts: BTreeMap<String, DestinationCount> = BTreeMap::new();
    for delivery in evidence.deliveries.iter().filter(|one| subject.day.contains(one.opened_at)) {
        let count = counts.entry(delivery.destination().to_string()).or_default();
        count.attempts += u64::try_from(delivery.attempts.len()).unwrap_or(u64::MAX);
        match delivery.state {
            DeliveryState::Delivered => count.delivered += 1,
            DeliveryState::Refused => count.refused += 1,
            DeliveryState::InDoubt => count.in_doubt += 1,
            DeliveryState::Claimed { .. } | DeliveryState::Waiting { .. } => count.unfinished += 1,
        }
    }
    counts
}

fn orders(subject: &Subject<'_>, evidence: &Evidence) -> BTreeMap<String, OrderTotal> {
    let mut totals: BTreeMap<String, OrderTotal> = BTreeMap::new();
    for entry in evidence.orders.iter().filter(|entry| subject.day.contains(entry.recorded_at)) {
        let total = totals.entry(entry.state.action.clone()).or_default();
        total.entries += 1;
        match entry.state.amount {
            Some(amount) => total.fen += i128::from(amount.0),
            None => total.without_amount += 1,
        }
    }
    totals
}
