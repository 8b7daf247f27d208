//! Batches: how often the stores are asked, and what comes twice.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use compliance_check::ComplianceCheck;
use sluice_domain::audit::{AuditRecord, Receipt};
use sluice_domain::consent::{ConsentKey, ConsentRecord, Evidence, Mark, Withdrawal};
use sluice_domain::contact::Acquaintance;
use sluice_domain::event::Event;
use sluice_domain::id::{EventKey, PersonId, TenantId, TraceId};
use sluice_domain::order::OrderEntry;
use sluice_domain::review::{Review, ReviewId, StateName};
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_embedded::Store;
use sluice_ports::{
    Acquaintances, Advanced, AuditLog, ConsentStore, ForReview, Intake, KeyRing, OrderBook, OutboundMessage,
    Outbox, Page, PortError, Queue, Reviews, SendFailure, Step, Wake, Written,
};
use sluice_steps::Stage as _;

use crate::gate::{Gate, SampleKeys};
use crate::sample::{Made, lead, message, unauthorize};

/// The calls that cost something.
#[derive(Default)]
struct Calls {
    arrivals: AtomicUsize,
    consents: AtomicUsize,
    audit_reads: AtomicUsize,
    records: AtomicUsize,
    sends: AtomicUsize,
    key_rings: AtomicUsize,
}

/// The real store, counted; a part of it can be put out of reach.
struct Counted {
    store: Store,
    calls: Arc<Calls>,
    broken: Option<Broken>,
}

#[derive(Clone, Copy, PartialEq)]
enum Broken {
    Consents,
    Receipts,
}

impl Intake for Counted {
    async fn accept(&self, events: Vec<Event>) -> Result<(), PortError> {
        self.store.accept(events).await
    }

    async fn arrived(&self, events: &[Event]) -> Result<(), PortError> {
        self.calls.arrivals.fetch_add(1, SeqCst);
        if self.broken == Some(Broken::Receipts) {
            return Err(PortError::Unavailable { what: "receipts", cause: "test".into() });
        }
        self.store.arrived(events).await
    }

    async fn receipts(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<Receipt>, PortError> {
        self.store.receipts(tenant, day, cursor).await
    }
}

impl ConsentStore for Counted {
    async fn consents(&self, keys: &[ConsentKey]) -> Result<Vec<Option<ConsentRecord>>, PortError> {
        self.calls.consents.fetch_add(1, SeqCst);
        if self.broken == Some(Broken::Consents) {
            return Err(PortError::Unavailable { what: "consents", cause: "test".into() });
        }
        self.store.consents(keys).await
    }

    async fn consents_of(
        &self,
        tenant: &TenantId,
        person: &PersonId,
    ) -> Result<Vec<ConsentRecord>, PortError> {
        self.store.consents_of(tenant, person).await
    }

    async fn grant(&self, record: ConsentRecord) -> Result<bool, PortError> {
        self.store.grant(record).await
    }

    async fn withdraw(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        key: Option<&ConsentKey>,
        withdrawal: Withdrawal,
    ) -> Result<usize, PortError> {
        self.store.withdraw(tenant, person, key, withdrawal).await
    }

    async fn mark(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        mark: Mark,
        at: UnixMillis,
        evidence: Evidence,
    ) -> Result<bool, PortError> {
        self.store.mark(tenant, person, mark, at, evidence).await
    }
}

impl AuditLog for Counted {
    async fn record(&self, steps: Vec<Step<AuditRecord>>) -> Vec<Result<Written<AuditRecord>, PortError>> {
        self.calls.records.fetch_add(1, SeqCst);
        self.store.record(steps).await
    }

    async fn audit(&self, key: &EventKey) -> Result<Option<AuditRecord>, PortError> {
        self.calls.audit_reads.fetch_add(1, SeqCst);
        self.store.audit(key).await
    }

    async fn audit_of_trace(
        &self,
        tenant: &TenantId,
        trace: TraceId,
    ) -> Result<Option<AuditRecord>, PortError> {
        self.store.audit_of_trace(tenant, trace).await
    }

    async fn audits(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<AuditRecord>, PortError> {
        self.store.audits(tenant, day, cursor).await
    }
}

impl OrderBook for Counted {
    async fn enter(&self, entry: OrderEntry) -> Result<Written<OrderEntry>, PortError> {
        self.store.enter(entry).await
    }

    async fn orders(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<OrderEntry>, PortError> {
        self.store.orders(tenant, day, cursor).await
    }
}

impl Acquaintances for Counted {
    async fn acquaint(&self, acquaintance: Acquaintance) -> Result<(), PortError> {
        self.store.acquaint(acquaintance).await
    }

    async fn known_as(&self, tenant: &TenantId, contact: &PersonId) -> Result<Vec<Acquaintance>, PortError> {
        self.store.known_as(tenant, contact).await
    }
}

impl Reviews for Counted {
    async fn record_for_review(&self, batch: Vec<ForReview>) -> Vec<Result<Written<AuditRecord>, PortError>> {
        self.store.record_for_review(batch).await
    }

    async fn open_review(&self, review: Review) -> Result<Written<Review>, PortError> {
        self.store.open_review(review).await
    }

    async fn review(&self, id: &ReviewId) -> Result<Option<Review>, PortError> {
        self.store.review(id).await
    }

    async fn reviews(
        &self,
        tenant: &TenantId,
        state: StateName,
        cursor: Option<String>,
    ) -> Result<Page<Review>, PortError> {
        self.store.reviews(tenant, state, cursor).await
    }

    async fn advance_review(&self, next: Review, wake: Option<Wake>) -> Result<Advanced, PortError> {
        self.store.advance_review(next, wake).await
    }
}

impl Outbox for Counted {
    async fn send(&self, queue: Queue, messages: Vec<OutboundMessage>) -> Vec<SendFailure> {
        self.calls.sends.fetch_add(1, SeqCst);
        self.store.send(queue, messages).await
    }
}

struct CountedKeys(Arc<Calls>);

impl KeyRing for CountedKeys {
    fn keys(&self, tenant: &TenantId) -> impl Future<Output = Result<Arc<TenantKeys>, PortError>> + Send {
        self.0.key_rings.fetch_add(1, SeqCst);
        SampleKeys.keys(tenant)
    }
}

type CountedHandler = ComplianceCheck<Counted, CountedKeys, Arc<sluice_embedded::ManualClock>>;

fn counted(gate: &Gate, broken: Option<Broken>) -> (CountedHandler, Arc<Calls>) {
    let calls = Arc::new(Calls::default());
    let handler = ComplianceCheck {
        settings: Arc::clone(&gate.handler.settings),
        store: Counted { store: gate.store.clone(), calls: Arc::clone(&calls), broken },
        keys: CountedKeys(Arc::clone(&calls)),
        clock: Arc::clone(&gate.clock),
        metrics: gate.handler.metrics.clone(),
    };
    (handler, calls)
}

#[tokio::test]
async fn consents_that_can_not_be_read_are_not_missing_consents() {
    let gate = Gate::open();
    let (handler, calls) = counted(&gate, Some(Broken::Consents));
    let events = vec![message("m-1", "你好").event(), unauthorize("u-1").event()];
    let key = events[0].key.clone();
    let results = handler.handle(events).await;
    assert_eq!(results[0].as_ref().unwrap_err().kind, sluice_domain::failure::FailureKind::Retry);
    assert_eq!(results[1], Ok(()), "what needs no consent goes on");
    assert_eq!(gate.store.audit(&key).await.unwrap(), None);
    assert_eq!(calls.consents.load(SeqCst), 1);
}

#[tokio::test]
async fn nothing_is_decided_on_before_its_receipt_is_noted() {
    let gate = Gate::open();
    let (handler, calls) = counted(&gate, Some(Broken::Receipts));
    let events = vec![message("m-1", "你好").event(), unauthorize("u-1").event()];
    let keys = [events[0].key.clone(), events[1].key.clone()];
    let results = handler.handle(events).await;
    for (result, key) in results.iter().zip(&keys) {
        assert_eq!(result.as_ref().unwrap_err().kind, sluice_domain::failure::FailureKind::Retry);
        assert_eq!(gate.store.audit(key).await.unwrap(), None);
    }
    assert_eq!((results.len(), calls.consents.load(SeqCst), calls.records.load(SeqCst)), (2, 0, 0));
}

#[tokio::test]
async fn a_batch_asks_for_consents_once_writes_once_and_sends_nothing_apart() {
    let gate = Gate::open();
    let (handler, calls) = counted(&gate, None);
    let batch = vec![
        lead("lead-1").event(),
        lead("lead-2").event(),
        message("m-1", "你好").event(),
        Made { open_id: Some("open-2"), ..message("m-2", "你好") }.event(),
    ];
    let results = handler.handle(batch).await;
    assert_eq!(results, [Ok(()), Ok(()), Ok(()), Ok(())]);
    let count = |calls: &AtomicUsize| calls.load(SeqCst);
    assert_eq!((count(&calls.arrivals), count(&calls.consents), count(&calls.records)), (1, 1, 1));
    assert_eq!((count(&calls.key_rings), count(&calls.sends), count(&calls.audit_reads)), (1, 0, 0));
    assert_eq!(gate.cleared().await.len(), 2);

    // Nothing to decide: nothing to look up.
    assert_eq!(handler.handle(vec![unauthorize("u-1").event()]).await, [Ok(())]);
    assert_eq!((count(&calls.consents), count(&calls.records)), (1, 2));
}

#[tokio::test]
async fn the_same_delivery_again_sends_the_message_of_the_stored_decision() {
    let gate = Gate::open();
    gate.take(lead("lead-1")).await;
    let first = gate.cleared().await;
    gate.clock.advance_ms(60_000);
    gate.take(unauthorize("u-1")).await;
    assert_eq!(gate.handle(vec![lead("lead-1").event()]).await, [Ok(())]);
    let second = gate.cleared().await;
    assert_eq!(first, second, "the same clearance, tag and time");
    assert_eq!(gate.counters.total("Duplicate"), 0);
}

#[tokio::test]
async fn the_same_delivery_of_a_blocked_event_sends_nothing() {
    let gate = Gate::open();
    for _ in 0..2 {
        assert_eq!(gate.handle(vec![message("m-1", "你好").event()]).await, [Ok(())]);
    }
    assert!(gate.cleared().await.is_empty());
    assert_eq!(gate.counters.total("Decided"), 1);
}

#[tokio::test]
async fn a_replay_is_dropped_and_counted_in_one_batch_and_across_batches() {
    let gate = Gate::open();
    let replay = |trace| Made { trace, ..lead("lead-1") }.event();
    assert_eq!(gate.handle(vec![replay(1), replay(2)]).await, [Ok(()), Ok(())]);
    assert_eq!(gate.handle(vec![replay(3)]).await, [Ok(())]);
    assert_eq!(gate.cleared().await.len(), 1);
    assert_eq!(gate.counters.total("Duplicate"), 2);
    assert_eq!(gate.counters.total("Decided"), 1);
}

#[tokio::test]
async fn a_consent_withdrawn_in_the_same_batch_counts() {
    let gate = Gate::open();
    let late = unauthorize("u-1");
    let late = Made { occurred_at: Some(crate::sample::RECEIVED), ..late }.event();
    assert_eq!(gate.handle(vec![lead("lead-1").event(), late]).await, [Ok(()), Ok(())]);
    assert!(gate.cleared().await.is_empty());
}
