//! What messages bring: the day's new contacts, each under the message that it came by.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::input::{Evidence, Subject};
use crate::audit::{AuditRecord, Disposition};
use crate::delivery::{Delivery, DeliveryState};
use crate::event::EventKind;
use crate::id::{DestinationId, ExperimentId, PersonId, TraceId, VariantId};
use crate::time::BusinessDay;

/// The contacts that were added on the day.
///
/// A contact counts on the day it was added, once, for variant and destination of the message it came by, on whatever day that left. People
/// and messages are the day's own: so a rate compares what a day brought with what a day sent, and may be above 1 after a quiet day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Attribution {
    /// Different contacts.
    pub added: u64,
    /// Of them, those who came by a message of ours.
    pub attributed: u64,
    /// Of them, those of whom nobody knows what brought them: no state, another's, or one whose message is not on record.
    pub unattributed: u64,
    /// By arm: the configured ones in their order, then others that the day names.
    pub variants: Vec<VariantYield>,
    /// By where the messages went.
    pub destinations: BTreeMap<DestinationId, Yield>,
}

/// What an arm brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VariantYield {
    /// The experiment.
    pub experiment: ExperimentId,
    /// The arm.
    pub variant: VariantId,
    /// How much.
    #[serde(flatten)]
    pub counts: Yield,
}

/// What messages brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Yield {
    /// Different people whose messages were assigned and opened on the day.
    pub people: u64,
    /// Of these messages, those that the channel took.
    pub delivered: u64,
    /// Contacts that were added on the day and came by a message, of this day or another.
    pub contacts: u64,
    /// Contacts per 10 000 delivered messages; `None` when none was delivered.
    pub rate_basis_points: Option<u64>,
}

/// Of one arm or destination, while it is counted.
#[derive(Default)]
struct Tally<'a> {
    people: BTreeSet<&'a PersonId>,
    delivered: u64,
    contacts: u64,
}

/// Does a record tell of a contact that was added on the day?
pub fn adds_contact(record: &AuditRecord, day: BusinessDay) -> bool {
    record.kind == EventKind::ContactAdded && day.contains(record.received_at)
}

/// The event whose message brought the contact of a record.
pub fn brought_by(record: &AuditRecord) -> Option<TraceId> {
    match &record.disposition {
        Disposition::Recorded { about, .. } => *about,
        Disposition::Decided { .. } | Disposition::Unhandled => None,
    }
}

pub(super) fn attribution(subject: &Subject<'_>, evidence: &Evidence) -> Attribution {
    let mut arms: BTreeMap<(&ExperimentId, &VariantId), Tally<'_>> = BTreeMap::new();
    let mut destinations: BTreeMap<&DestinationId, Tally<'_>> = BTreeMap::new();
    for delivery in evidence.deliveries.iter().filter(|one| subject.day.contains(one.opened_at)) {
        let tallies = arm(delivery).map(|arm| arms.entry(arm).or_default());
        for tally in tallies.into_iter().chain([destinations.entry(delivery.destination()).or_default()]) {
            tally.people.insert(&delivery.person);
            tally.delivered += u64::from(delivery.state == DeliveryState::Delivered);
        }
    }
    let messages: BTreeMap<TraceId, &Delivery> =
        evidence.deliveries.iter().chain(&evidence.came_by).map(|one| (one.trace_id, one)).collect();
    let (mut added, mut attributed) = (0, 0);
    for records in contacts(subject.day, &evidence.audits) {
        added += 1;
        let message = records.iter().find_map(|record| messages.get(&brought_by(record)?));
        let Some(message) = message else { continue };
        attributed += 1;
        if let Some(arm) = arm(message) {
            arms.entry(arm).or_default().contacts += 1;
        }
        destinations.entry(message.destination()).or_default().contacts += 1;
    }
    Attribution {
        added,
        attributed,
        unattributed: added - attributed,
        variants: in_order(subject, arms),
        destinations: destinations.into_iter().map(|(id, tally)| (id.clone(), tally.into())).collect(),
    }
}

/// The day's new contacts, each with the records that tell of it, the earliest first: who adds two members has been won once.
fn contacts(day: BusinessDay, audits: &[AuditRecord]) -> Vec<Vec<&AuditRecord>> {
    let mut records: Vec<_> = audits.iter().filter(|record| adds_contact(record, day)).collect();
    records.sort_by_key(|record| (record.received_at, record.trace_id));
    let (mut known, mut nameless) = (BTreeMap::<&PersonId, Vec<_>>::new(), Vec::new());
    for record in records {
        match &record.person {
            Some(person) => known.entry(person).or_default().push(record),
            None => nameless.push(vec![record]),
        }
    }
    known.into_values().chain(nameless).collect()
}

fn arm(delivery: &Delivery) -> Option<(&ExperimentId, &VariantId)> {
    Some((delivery.assignment.experiment.as_ref()?, delivery.assignment.variant.as_ref()?))
}

fn in_order<'a>(
    subject: &'a Subject<'_>,
    mut arms: BTreeMap<(&'a ExperimentId, &'a VariantId), Tally<'a>>,
) -> Vec<VariantYield> {
    let mut yields = Vec::new();
    for experiment in &subject.experiments {
        for variant in &experiment.variants {
            let tally = arms.remove(&(&experiment.id, &variant.id)).unwrap_or_default();
            yields.push(VariantYield::of(&experiment.id, &variant.id, tally));
        }
    }
    let gone =
        arms.into_iter().map(|((experiment, variant), tally)| VariantYield::of(experiment, variant, tally));
    yields.extend(gone);
    yields
}

impl VariantYield {
    fn of(experiment: &ExperimentId, variant: &VariantId, tally: Tally<'_>) -> Self {
        Self { experiment: experiment.clone(), variant: variant.clone(), counts: tally.into() }
    }
}

impl From<Tally<'_>> for Yield {
    fn from(Tally { people, delivered, contacts }: Tally<'_>) -> Self {
        let people = u64::try_from(people.len()).unwrap_or(u64::MAX);
        // Rounded half up.
        let rate = contacts.saturating_mul(10_000).saturating_add(delivered / 2).checked_div(delivered);
        Self { people, delivered, contacts, rate_basis_points: rate }
    }
}
