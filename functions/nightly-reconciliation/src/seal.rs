//! Seals a day's audit records, and looks whether sealed ones are still what they were.

use sluice_domain::audit::{Comparison, DayDigest, DayRecords, Link};
use sluice_domain::id::TenantId;
use sluice_domain::reconciliation::Seal;
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_ports::{Digests, Written};

use crate::{ReconcileError, Records};

/// So long after midnight every decision of the day is written: longer than any step's time-out and visibility time-out.
const FINAL_AFTER_MS: i64 = 15 * 60 * 1_000;

/// Seals a day that is over, and before it the days since the last sealed one (nights that were missed), so that the chain has no
/// hole. A day that is sealed already is compared.
pub(crate) async fn seal(
    store: &impl Records,
    digests: &impl Digests,
    tenant: &TenantId,
    day: BusinessDay,
    now: UnixMillis,
) -> Result<Seal, ReconcileError> {
    if let Some(document) = sealed(digests, tenant, day).await? {
        return compare(store, digests, tenant, day, &document).await;
    }
    if now.since(day.end()) < FINAL_AFTER_MS {
        return Ok(Seal::Absent);
    }
    let mut last = last_sealed(digests, tenant, day).await?;
    let mut next = last.map_or(day, |last| last.end().business_day());
    loop {
        let seal = add(store, digests, tenant, next, last).await?;
        if next == day {
            return Ok(seal);
        }
        last = Some(next);
        next = next.end().business_day();
    }
}

/// Compares a day with its digest, if it has one. It stores nothing.
pub(crate) async fn look(
    store: &impl Records,
    digests: &impl Digests,
    tenant: &TenantId,
    day: BusinessDay,
) -> Result<Seal, ReconcileError> {
    match sealed(digests, tenant, day).await? {
        Some(document) => compare(store, digests, tenant, day, &document).await,
        None => Ok(Seal::Absent),
    }
}

/// Seals one day after the one before it.
async fn add(
    store: &impl Records,
    digests: &impl Digests,
    tenant: &TenantId,
    day: BusinessDay,
    before: Option<BusinessDay>,
) -> Result<Seal, ReconcileError> {
    let previous = match before {
        Some(before) => sealed(digests, tenant, before).await?.map(|bytes| DayDigest::link(before, &bytes)),
        None => None,
    };
    let digest = records(store, tenant, day).await?.digest(previous);
    let document = digest.to_bytes();
    let Link { sha256, .. } = DayDigest::link(day, &document);
    let written = digests.seal(tenant, day, document).await;
    match written.map_err(ReconcileError::port("sealing a day's audit records"))? {
        Written::New => {
            let records = digest.records;
            tracing::info!(tenant = %tenant, day = %day, records, sha256, "sealed: {records} audit records");
            Ok(Seal::Intact { sha256 })
        }
        // Another run was quicker.
        Written::Existing(document) => compare(store, digests, tenant, day, &document).await,
    }
}

async fn compare(
    store: &impl Records,
    digests: &impl Digests,
    tenant: &TenantId,
    day: BusinessDay,
    document: &[u8],
) -> Result<Seal, ReconcileError> {
    let sealed_digest = match DayDigest::parse(document, tenant, day) {
        Ok(digest) => digest,
        Err(error) => return Ok(Seal::Broken(error.to_string())),
    };
    if let Some(link) = &sealed_digest.previous {
        let before = sealed(digests, tenant, link.day).await?;
        if before.map(|bytes| DayDigest::link(link.day, &bytes)).as_ref() != Some(link) {
            return Ok(Seal::Broken(format!("previous={} is not the document that was sealed", link.day)));
        }
    }
    let now = records(store, tenant, day).await?.digest(None);
    Ok(match sealed_digest.compare(&now) {
        Comparison::Same => Seal::Intact { sha256: DayDigest::link(day, document).sha256 },
        Comparison::Changed(detail) => Seal::Broken(detail),
    })
}

/// The records that were decided on the day. Page by page: only their hashes are kept.
async fn records(
    store: &impl Records,
    tenant: &TenantId,
    day: BusinessDay,
) -> Result<DayRecords, ReconcileError> {
    let mut records = DayRecords::new(tenant.clone(), day);
    for arrival in DayRecords::arrivals(day) {
        let mut cursor = None;
        loop {
            let page = store.audits(tenant, arrival, cursor).await;
            let page = page.map_err(ReconcileError::port("reading audit records"))?;
            page.items.iter().for_each(|record| records.add(record));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(records)
}

async fn sealed(
    digests: &impl Digests,
    tenant: &TenantId,
    day: BusinessDay,
) -> Result<Option<Vec<u8>>, ReconcileError> {
    digests.sealed(tenant, day).await.map_err(ReconcileError::port("reading a digest"))
}

async fn last_sealed(
    digests: &impl Digests,
    tenant: &TenantId,
    day: BusinessDay,
) -> Result<Option<BusinessDay>, ReconcileError> {
    digests.last_sealed(tenant, day).await.map_err(ReconcileError::port("looking for the last digest"))
}
