//! Gathers a day's evidence, page by page.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use futures_util::future::try_join_all;
use sluice_domain::audit::{AuditRecord, Disposition};
use sluice_domain::decision::Verdict;
use sluice_domain::delivery::{Delivery, DeliveryState, Outcome};
use sluice_domain::id::{EventKey, TenantId, TraceId};
use sluice_domain::reconciliation::{DeadLetter, Evidence, QueueDepth, Seal, adds_contact, brought_by};
use sluice_domain::review::{Point, Review, ReviewId, StateName};
use sluice_domain::time::BusinessDay;
use sluice_ports::{Page, PortError, Queue};

use crate::{ReconcileError, Records};

/// So many messages of other days are looked up at once.
const AT_ONCE: usize = 16;

/// Everything about a tenant's day.
pub(crate) async fn evidence(
    store: &impl Records,
    tenant: &TenantId,
    day: BusinessDay,
    redriven: &[DeadLetter],
) -> Result<Evidence, ReconcileError> {
    // The backlog comes first: what finishes meanwhile is then found finished, not missing.
    let (mut dead_letters, queues) = (dead_letters(store).await?, depths(store).await?);
    dead_letters.extend(redriven.iter().cloned());
    let redriven = redriven.iter().map(|letter| letter.id.clone()).collect();
    let receipts = all(|cursor| store.receipts(tenant, day, cursor)).await;
    let receipts = receipts.map_err(ReconcileError::port("reading receipts"))?;
    let audits = all(|cursor| store.audits(tenant, day, cursor)).await;
    let mut audits = audits.map_err(ReconcileError::port("reading audit records"))?;
    let deliveries = all(|cursor| store.deliveries(tenant, day, cursor)).await;
    let mut deliveries = deliveries.map_err(ReconcileError::port("reading deliveries"))?;
    let orders = all(|cursor| store.orders(tenant, day, cursor)).await;
    let mut orders = orders.map_err(ReconcileError::port("reading the order book"))?;
    let exposures = all(|cursor| store.exposures(tenant, cursor)).await;
    let exposures = exposures.map_err(ReconcileError::port("reading exposures"))?;

    // Across midnight: decisions of another day on the day's events …
    let decided: BTreeSet<&EventKey> = audits.iter().map(|record| &record.key).collect();
    let named = receipts.iter().map(|receipt| &receipt.key).chain(deliveries.iter().map(|one| &one.key));
    let elsewhere: BTreeSet<EventKey> = named.filter(|key| !decided.contains(key)).cloned().collect();
    for key in &elsewhere {
        audits.extend(store.audit(key).await.map_err(ReconcileError::port("reading an audit record"))?);
    }
    // … what became of those that people were asked about …
    let mut reviews = event_reviews(store, &audits).await?;
    // … deliveries opened on another day …
    let elsewhere = {
        let opened: BTreeSet<&EventKey> = deliveries.iter().map(|one| &one.key).collect();
        let cleared = reviews.iter().filter(|review| review.state.name() == StateName::Cleared);
        let cleared: BTreeSet<&EventKey> = cleared.map(|review| &review.key).collect();
        let went_on = |record: &&AuditRecord| allows(&record.disposition) || cleared.contains(&record.key);
        let allowed = audits.iter().filter(went_on).map(|record| &record.key);
        allowed.filter(|key| !opened.contains(key)).cloned().collect::<BTreeSet<EventKey>>()
    };
    for key in &elsewhere {
        deliveries.extend(store.delivery(key).await.map_err(ReconcileError::port("reading a delivery"))?);
    }
    reviews.extend(message_reviews(store, &deliveries).await?);
    // … messages by which the day's new contacts came …
    let came_by = came_by(store, tenant, day, &audits, &deliveries).await?;
    // … and order entries written after it.
    orders.extend(late_orders(store, tenant, day, &audits, &orders).await?);
    let seal = Seal::Absent;
    Ok(Evidence {
        receipts,
        audits,
        exposures,
        deliveries,
        came_by,
        dead_letters,
        redriven,
        queues,
        seal,
        orders,
        reviews,
    })
}

async fn event_reviews(store: &impl Records, audits: &[AuditRecord]) -> Result<Vec<Review>, ReconcileError> {
    let waits = |record: &&AuditRecord| match &record.disposition {
        Disposition::Decided { decision } => decision.verdict == Verdict::Review,
        Disposition::Recorded { .. } | Disposition::Unhandled => false,
    };
    let ids = audits.iter().filter(waits).map(|record| (&record.key, record.trace_id, Point::Event));
    reviews(store, ids).await
}

/// Of deliveries that wait, or that Sluice itself withheld.
async fn message_reviews(
    store: &impl Records,
    deliveries: &[Delivery],
) -> Result<Vec<Review>, ReconcileError> {
    let withheld = |delivery: &Delivery| {
        let outcome = delivery.attempts.last().and_then(|attempt| attempt.outcome.as_ref());
        matches!(outcome, Some(Outcome::Withheld { .. }))
    };
    let may_wait = |delivery: &&Delivery| match delivery.state {
        DeliveryState::Waiting { .. } | DeliveryState::Refused => withheld(delivery),
        DeliveryState::Claimed { .. } | DeliveryState::Delivered | DeliveryState::InDoubt => false,
    };
    let ids = deliveries.iter().filter(may_wait).map(|one| (&one.key, one.trace_id, Point::Message));
    reviews(store, ids).await
}

async fn reviews<'a>(
    store: &impl Records,
    ids: impl Iterator<Item = (&'a EventKey, TraceId, Point)>,
) -> Result<Vec<Review>, ReconcileError> {
    let mut found = Vec::new();
    for (key, trace, point) in ids {
        let id = ReviewId { tenant: key.tenant.clone(), trace, point };
        found.extend(store.review(&id).await.map_err(ReconcileError::port("reading a review"))?);
    }
    Ok(found)
}

/// The deliveries, of whatever day, that brought the day's new contacts and are not at hand.
async fn came_by(
    store: &impl Records,
    tenant: &TenantId,
    day: BusinessDay,
    audits: &[AuditRecord],
    deliveries: &[Delivery],
) -> Result<Vec<Delivery>, ReconcileError> {
    let at_hand: BTreeSet<TraceId> = deliveries.iter().map(|one| one.trace_id).collect();
    let decided: BTreeMap<TraceId, &EventKey> = audits.iter().map(|one| (one.trace_id, &one.key)).collect();
    let new = audits.iter().filter(|record| adds_contact(record, day)).filter_map(brought_by);
    let elsewhere: BTreeSet<TraceId> = new.filter(|trace| !at_hand.contains(trace)).collect();
    let elsewhere: Vec<TraceId> = elsewhere.into_iter().collect();
    let mut found = Vec::new();
    for some in elsewhere.chunks(AT_ONCE) {
        let deliveries =
            some.iter().map(|trace| delivery_of(store, tenant, *trace, decided.get(trace).copied()));
        found.extend(try_join_all(deliveries).await?.into_iter().flatten());
    }
    Ok(found)
}

async fn delivery_of(
    store: &impl Records,
    tenant: &TenantId,
    trace: TraceId,
    key: Option<&EventKey>,
) -> Result<Option<Delivery>, ReconcileError> {
    let record = match key {
        Some(_) => Ok(None),
        None => store.audit_of_trace(tenant, trace).await,
    };
    let record = record.map_err(ReconcileError::port("reading an audit record"))?;
    let Some(key) = key.or(record.as_ref().map(|record| &record.key)) else { return Ok(None) };
    store.delivery(key).await.map_err(ReconcileError::port("reading a delivery"))
}

/// Entries of the next day, when an order event of this one has none yet: a callback at 23:59:59 is entered after midnight.
async fn late_orders(
    store: &impl Records,
    tenant: &TenantId,
    day: BusinessDay,
    audits: &[sluice_domain::audit::AuditRecord],
    orders: &[sluice_domain::order::OrderEntry],
) -> Result<Vec<sluice_domain::order::OrderEntry>, ReconcileError> {
    let entered: BTreeSet<&EventKey> = orders.iter().map(|entry| &entry.key).collect();
    let recorded = audits.iter().filter(|record| matches!(record.disposition, Disposition::Recorded { .. }));
    let missing: BTreeSet<&EventKey> =
        recorded.map(|r| &r.key).filter(|key| !entered.contains(key)).collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let next = day.end().business_day();
    let later = all(|cursor| store.orders(tenant, next, cursor)).await;
    let mut later = later.map_err(ReconcileError::port("reading the order book"))?;
    later.retain(|entry| missing.contains(&entry.key));
    Ok(later)
}

fn allows(disposition: &Disposition) -> bool {
    match disposition {
        Disposition::Decided { decision } => decision.verdict.allows(),
        Disposition::Recorded { .. } | Disposition::Unhandled => false,
    }
}

/// The dead letters of every queue.
pub(crate) async fn dead_letters(store: &impl Records) -> Result<Vec<DeadLetter>, ReconcileError> {
    let mut letters = Vec::new();
    for queue in Queue::ALL {
        let found = all(|cursor| store.given_up(queue, cursor)).await;
        letters.extend(found.map_err(ReconcileError::port("reading dead letters"))?);
    }
    Ok(letters)
}

async fn depths(store: &impl Records) -> Result<Vec<QueueDepth>, ReconcileError> {
    let mut depths = Vec::new();
    for queue in Queue::ALL {
        let messages =
            store.unfinished(queue).await.map_err(ReconcileError::port("reading a queue's depth"))?;
        depths.push(QueueDepth { queue: queue.as_str().to_owned(), messages });
    }
    Ok(depths)
}

/// Every page of a listing.
pub(crate) async fn all<T, F>(mut page: impl FnMut(Option<String>) -> F) -> Result<Vec<T>, PortError>
where
    F: Future<Output = Result<Page<T>, PortError>>,
{
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let found = page(cursor).await?;
        items.extend(found.items);
        match found.next {
            Some(next) => cursor = Some(next),
            None => return Ok(items),
        }
    }
}
