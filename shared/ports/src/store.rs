use std::future::Future;

use sluice_domain::audit::{AuditRecord, Receipt};
use sluice_domain::consent::{ConsentKey, ConsentRecord, Evidence, Mark, Withdrawal};
use sluice_domain::delivery::{Attempt, Delivery, Exposure, Fallback, FencingToken};
use sluice_domain::event::Event;
use sluice_domain::id::{EventKey, PersonId, TenantId, TraceId};
use sluice_domain::order::OrderEntry;
use sluice_domain::progress::Assignment;
use sluice_domain::time::{BusinessDay, UnixMillis};

use crate::{OutboundMessage, PortError};

/// A step's record and the message that follows from it.
///
/// The embedded store writes both in one transaction; AWS writes the record, then sends the messages of the batch in one call.
#[derive(Debug, Clone)]
pub struct Step<R> {
    /// Written once, by its key.
    pub record: R,
    /// Sent only when the record is new.
    pub next: Option<OutboundMessage>,
}

/// What a write-once found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Written<R> {
    /// The record is new, and its message is sent.
    New,
    /// It was there already: **nothing was sent**. A caller that finds its own earlier record (same trace) sends the message
    /// that follows from *that* record through [`crate::Outbox`]: the process may have died between the two.
    Existing(R),
}

/// One page of a listing, in the order of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Hand this back for the next page; `None` at the end.
    pub next: Option<String>,
}

/// The front door's store.
///
/// A receipt says that a callback was acknowledged. It is listed from [`Intake::accept`] on or, where the door may not wait for a second
/// store, from [`Intake::arrived`] on: what is on the `events` queue in between is in the queue's count.
pub trait Intake: Send + Sync {
    /// Puts accepted events on the `events` queue, and may note their receipts. Durable when it returns `Ok`; all or none.
    fn accept(&self, events: Vec<Event>) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Notes the receipts of events that came off the `events` queue, unless [`Intake::accept`] has. The first step calls it once a
    /// batch, before anything else; the same events may come again. After `Ok` every receipt is listed.
    fn arrived(&self, events: &[Event]) -> impl Future<Output = Result<(), PortError>> + Send;

    /// The receipts of a tenant's day, replays included.
    fn receipts(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> impl Future<Output = Result<Page<Receipt>, PortError>> + Send;
}

/// Consents by (tenant, person, purpose, recipient).
pub trait ConsentStore: Send + Sync {
    /// Looks up many at once; the answers are in the order of the keys.
    fn consents(
        &self,
        keys: &[ConsentKey],
    ) -> impl Future<Output = Result<Vec<Option<ConsentRecord>>, PortError>> + Send;

    /// Every consent of a person.
    fn consents_of(
        &self,
        tenant: &TenantId,
        person: &PersonId,
    ) -> impl Future<Output = Result<Vec<ConsentRecord>, PortError>> + Send;

    /// Stores a grant by [`sluice_domain::consent::after_grant`]; says whether it was stored. Whether the consent stands is another question,
    /// which [`ConsentStore::consents`] answers: a later withdrawal may be known already.
    fn grant(&self, record: ConsentRecord) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// Withdraws one consent, or all of a person (`key.is_none()`), by [`sluice_domain::consent::after_withdrawal`]; says how many.
    fn withdraw(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        key: Option<&ConsentKey>,
        withdrawal: Withdrawal,
    ) -> impl Future<Output = Result<usize, PortError>> + Send;

    /// Notes something of a person that every consent of theirs then carries in [`ConsentRecord::marks`]; says whether it was new: the same
    /// mark of the same moment, or of an earlier one, changes nothing.
    fn mark(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        mark: Mark,
        at: UnixMillis,
        evidence: Evidence,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
}

/// The audit log: one record per event, for ever.
pub trait AuditLog: Send + Sync {
    /// Writes a batch, each once; new ones' messages go to the `cleared` queue. The answers are in the order of the steps.
    fn record(
        &self,
        steps: Vec<Step<AuditRecord>>,
    ) -> impl Future<Output = Vec<Result<Written<AuditRecord>, PortError>>> + Send;

    /// The record of an event.
    fn audit(&self, key: &EventKey) -> impl Future<Output = Result<Option<AuditRecord>, PortError>> + Send;

    /// The record of a trace.
    fn audit_of_trace(
        &self,
        tenant: &TenantId,
        trace: TraceId,
    ) -> impl Future<Output = Result<Option<AuditRecord>, PortError>> + Send;

    /// The records of a tenant's day, by the time the callback arrived.
    fn audits(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> impl Future<Output = Result<Page<AuditRecord>, PortError>> + Send;
}

/// The order book.
pub trait OrderBook: Send + Sync {
    /// Writes an entry once, by its event.
    fn enter(&self, entry: OrderEntry)
    -> impl Future<Output = Result<Written<OrderEntry>, PortError>> + Send;

    /// The entries of a tenant's day, by the time they were recorded.
    fn orders(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> impl Future<Output = Result<Page<OrderEntry>, PortError>> + Send;
}

/// First exposures, sticky per (tenant, experiment, person).
pub trait Exposures: Send + Sync {
    /// Writes a batch, each once; new ones' messages go to the `assigned` queue. The answers are in the order of the steps.
    fn expose(
        &self,
        steps: Vec<Step<Exposure>>,
    ) -> impl Future<Output = Vec<Result<Written<Exposure>, PortError>>> + Send;

    /// The exposure of a person to an experiment.
    fn exposure(
        &self,
        tenant: &TenantId,
        experiment: &sluice_domain::id::ExperimentId,
        person: &PersonId,
    ) -> impl Future<Output = Result<Option<Exposure>, PortError>> + Send;

    /// Every exposure of a tenant, in no order that matters.
    fn exposures(
        &self,
        tenant: &TenantId,
        cursor: Option<String>,
    ) -> impl Future<Output = Result<Page<Exposure>, PortError>> + Send;
}

/// What a claim asks for.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// The event to deliver.
    pub key: EventKey,
    /// Its trace.
    pub trace_id: TraceId,
    /// The commitment to the callback's raw body, as the event has it: what the claim is for, besides the name of it.
    pub payload_sha256: String,
    /// Whose event.
    pub person: PersonId,
    /// Script, variant, destination; the first claim's stays for ever.
    pub assignment: Assignment,
    /// The claimer.
    pub owner: FencingToken,
    /// Now.
    pub now: UnixMillis,
    /// After it, somebody else may take over. Always set: a claim without an end would be a lock.
    pub deadline: UnixMillis,
}

/// What a claim found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Claim {
    /// Yours. An attempt with the start time is in the record already (so that a crash leaves a trace). If the attempt before
    /// it never ended, its process died: the result of that one is unclear.
    Won(Delivery),
    /// Somebody works on it until its deadline, or it waits.
    Held {
        /// Come back then.
        until: UnixMillis,
    },
    /// Settled already.
    Settled(Delivery),
}

/// How a claim ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// For good.
    Delivered,
    /// For good: not sent.
    Refused,
    /// For good, unless a person settles it: nobody knows.
    InDoubt,
    /// Given back.
    Waiting {
        /// Not before.
        until: UnixMillis,
    },
    /// Given back at once, to go to another destination from now on.
    FallBack(Fallback),
}

impl Settlement {
    /// Will nothing more happen by itself?
    pub fn is_final(&self) -> bool {
        match self {
            Self::Delivered | Self::Refused | Self::InDoubt => true,
            Self::Waiting { .. } | Self::FallBack(_) => false,
        }
    }
}

/// Deliveries, claimed with a fencing token.
pub trait Deliveries: Send + Sync {
    /// Claims a delivery: one conditional write.
    ///
    /// # Errors
    /// [`PortError::OtherPayload`] when the event was claimed with another payload before, settled or not.
    fn claim(&self, request: ClaimRequest) -> impl Future<Output = Result<Claim, PortError>> + Send;

    /// Ends a claim with its attempt's result (replacing the open attempt): one conditional write.
    ///
    /// # Errors
    /// [`PortError::Fenced`] when `owner` no longer holds the claim.
    fn settle(
        &self,
        key: &EventKey,
        owner: FencingToken,
        attempt: Attempt,
        settlement: Settlement,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// One delivery.
    fn delivery(&self, key: &EventKey) -> impl Future<Output = Result<Option<Delivery>, PortError>> + Send;

    /// The deliveries of a tenant's day, by the time they were opened.
    fn deliveries(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> impl Future<Output = Result<Page<Delivery>, PortError>> + Send;
}
