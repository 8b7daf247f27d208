//! Reviews. A change replaces the version that was read; the index by state and the message that goes with it change in the same transaction.

use sluice_domain::audit::AuditRecord;
use sluice_domain::id::TenantId;
use sluice_domain::review::{Review, ReviewId, StateName, Wakes};
use sluice_domain::time::UnixMillis;
use sluice_ports::{
    Advanced, ForReview, OutboundMessage, Page, PortError, Queue, Reviews, Step, Wake, Written,
};

use crate::audits::{self, Ready};
use crate::fault::{Fault, apart, malformed, storage};
use crate::key::Key;
use crate::listing::{self, Range};
use crate::queue::{Outgoing, checked, enqueue};
use crate::store::Store;
use crate::tables::{self, Name, Tables};

fn key(id: &ReviewId) -> Key {
    Key::of(&id.tenant).bytes(id.trace.as_bytes()).part(id.point.as_str())
}

fn of_state(tenant: &TenantId, state: StateName) -> Key {
    Key::of(tenant).part(state.as_str())
}

/// tenant, state, opening, and the review's own key.
fn state_key(review: &Review) -> Key {
    let own = key(&review.id());
    of_state(&review.key.tenant, review.state.name()).time(review.opened_at).bytes(own.as_slice())
}

/// A review that can be woken one day: what it would send fits its queue.
fn openable(review: &Review, now: UnixMillis) -> Result<Vec<u8>, PortError> {
    if let Some(body) = review.work.as_ref().map(Wakes::of) {
        let (Wakes::Event(body) | Wakes::Message(body)) = body;
        checked(OutboundMessage { body, trace_id: review.trace_id, delay_seconds: 0 }, now)?;
    }
    tables::json(Name::Reviews, review)
}

fn put(tables: &mut Tables<'_>, review: &Review, value: &[u8]) -> Result<(), Fault> {
    let own = key(&review.id());
    tables.put(Name::Reviews, own.as_slice(), value)?;
    tables.put(Name::ReviewStates, state_key(review).as_slice(), own.as_slice())
}

fn open(tables: &mut Tables<'_>, review: &Review, value: &[u8]) -> Result<Written<Review>, Fault> {
    if let Some(stored) = tables.json(Name::Reviews, key(&review.id()).as_slice())? {
        return Ok(Written::Existing(stored));
    }
    put(tables, review, value)?;
    Ok(Written::New)
}

/// A record and a review that are bytes already.
struct ReadyForReview {
    step: Ready,
    review: Review,
    value: Vec<u8>,
    check: Option<Outgoing>,
}

fn ready(one: ForReview, now: UnixMillis) -> Result<ReadyForReview, PortError> {
    let ForReview { record, review } = one;
    let value = openable(&review, now)?;
    let check = ForReview::check_of(&review).map(|message| checked(message, now)).transpose()?;
    Ok(ReadyForReview { step: audits::ready(Step { record, next: None }, now)?, review, value, check })
}

fn record(tables: &mut Tables<'_>, one: &ReadyForReview) -> Result<Written<AuditRecord>, Fault> {
    let written = audits::record(tables, &one.step)?;
    if written == Written::New {
        // A review that is there already is of this very trace.
        let _written = open(tables, &one.review, &one.value)?;
        if let Some(check) = &one.check {
            enqueue(tables, Queue::Checks, check)?;
        }
    }
    Ok(written)
}

fn advance(
    tables: &mut Tables<'_>,
    next: &Review,
    value: &[u8],
    wake: Option<&(Queue, Outgoing)>,
) -> Result<Advanced, Fault> {
    let own = key(&next.id());
    let Some(stored) = tables.json::<Review>(Name::Reviews, own.as_slice())? else {
        return Ok(Advanced::Unknown);
    };
    if stored.version.checked_add(1) != Some(next.version) {
        return Ok(Advanced::Overtaken(Box::new(stored)));
    }
    tables.remove(Name::ReviewStates, state_key(&stored).as_slice())?;
    put(tables, next, value)?;
    if let Some((queue, message)) = wake {
        enqueue(tables, *queue, message)?;
    }
    Ok(Advanced::Done)
}

impl Reviews for Store {
    async fn record_for_review(&self, batch: Vec<ForReview>) -> Vec<Result<Written<AuditRecord>, PortError>> {
        let now = self.now();
        let batch: Vec<_> = batch.into_iter().map(|one| ready(one, now)).collect();
        let count = batch.len();
        let written = self
            .write(move |tables| {
                let each = batch.into_iter().map(|one| match one {
                    Ok(one) => apart(record(tables, &one)),
                    Err(error) => Ok(Err(error)),
                });
                each.collect()
            })
            .await;
        written.unwrap_or_else(|error| vec![Err(error); count])
    }

    async fn open_review(&self, review: Review) -> Result<Written<Review>, PortError> {
        let value = openable(&review, self.now())?;
        self.write(move |tables| open(tables, &review, &value)).await
    }

    async fn review(&self, id: &ReviewId) -> Result<Option<Review>, PortError> {
        self.lookup(Name::Reviews, key(id).as_slice())
    }

    async fn reviews(
        &self,
        tenant: &TenantId,
        state: StateName,
        cursor: Option<String>,
    ) -> Result<Page<Review>, PortError> {
        let snapshot = self.snapshot()?;
        let index = tables::read(&snapshot, Name::ReviewStates)?;
        let reviews = tables::read(&snapshot, Name::Reviews)?;
        listing::page(&index, &Range::under(&of_state(tenant, state)), cursor.as_deref(), |_, own| {
            let found = reviews.get(own).map_err(storage)?;
            tables::parse(Name::Reviews, found.ok_or_else(|| malformed("reviews"))?.value())
        })
    }

    async fn advance_review(&self, next: Review, wake: Option<Wake>) -> Result<Advanced, PortError> {
        let value = tables::json(Name::Reviews, &next)?;
        let now = self.now();
        let wake =
            wake.map(|wake| checked(wake.message, now).map(|message| (wake.queue, message))).transpose()?;
        self.write(move |tables| advance(tables, &next, &value, wake.as_ref())).await
    }
}
