//! The embedded store, answering before any simulated time passes: its thread works in real time, and simulated time goes on by itself
//! while a task waits for anything else.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread::Thread;

use sluice_domain::audit::AuditRecord;
use sluice_domain::consent::{ConsentKey, ConsentRecord, Evidence, Mark, Withdrawal};
use sluice_domain::contact::{Acquaintance, Slot};
use sluice_domain::delivery::{Attempt, Delivery, FencingToken};
use sluice_domain::id::{EventKey, PersonId, TenantId};
use sluice_domain::review::{Review, ReviewId, StateName};
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_embedded::Store;
use sluice_ports::{
    Acquaintances, Advanced, ChannelState, Claim, ClaimRequest, ConsentStore, ContactLimits, Deliveries,
    ForReview, OutboundMessage, Outbox, Page, Place, PortError, Queue, Replaced, Reviews, SendFailure,
    Settlement, StateDocument, StateKey, Wake, Written,
};

/// The store.
#[derive(Clone)]
pub(crate) struct AtOnce(pub(crate) Store);

struct Unpark(Thread);

impl std::task::Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn at_once<T>(work: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    // tokio would hold it up once its task has done much, and wake it when the task has yielded: never.
    let mut work = pin!(tokio::task::unconstrained(work));
    let mut context = Context::from_waker(&waker);
    loop {
        match work.as_mut().poll(&mut context) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => std::thread::park(),
        }
    }
}

impl Deliveries for AtOnce {
    async fn claim(&self, request: ClaimRequest) -> Result<Claim, PortError> {
        at_once(self.0.claim(request))
    }

    async fn settle(
        &self,
        key: &EventKey,
        owner: FencingToken,
        attempt: Attempt,
        settlement: Settlement,
    ) -> Result<(), PortError> {
        at_once(self.0.settle(key, owner, attempt, settlement))
    }

    async fn delivery(&self, key: &EventKey) -> Result<Option<Delivery>, PortError> {
        at_once(self.0.delivery(key))
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<Delivery>, PortError> {
        at_once(self.0.deliveries(tenant, day, cursor))
    }
}

impl ConsentStore for AtOnce {
    async fn consents(&self, keys: &[ConsentKey]) -> Result<Vec<Option<ConsentRecord>>, PortError> {
        at_once(self.0.consents(keys))
    }

    async fn consents_of(
        &self,
        tenant: &TenantId,
        person: &PersonId,
    ) -> Result<Vec<ConsentRecord>, PortError> {
        at_once(self.0.consents_of(tenant, person))
    }

    async fn grant(&self, record: ConsentRecord) -> Result<bool, PortError> {
        at_once(self.0.grant(record))
    }

    async fn withdraw(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        key: Option<&ConsentKey>,
        withdrawal: Withdrawal,
    ) -> Result<usize, PortError> {
        at_once(self.0.withdraw(tenant, person, key, withdrawal))
    }

    async fn mark(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        mark: Mark,
        at: UnixMillis,
        evidence: Evidence,
    ) -> Result<bool, PortError> {
        at_once(self.0.mark(tenant, person, mark, at, evidence))
    }
}

impl Acquaintances for AtOnce {
    async fn acquaint(&self, acquaintance: Acquaintance) -> Result<(), PortError> {
        at_once(self.0.acquaint(acquaintance))
    }

    async fn known_as(&self, tenant: &TenantId, contact: &PersonId) -> Result<Vec<Acquaintance>, PortError> {
        at_once(self.0.known_as(tenant, contact))
    }
}

impl ContactLimits for AtOnce {
    async fn take_place(&self, slot: &Slot) -> Result<Place, PortError> {
        at_once(self.0.take_place(slot))
    }
}

impl Reviews for AtOnce {
    async fn record_for_review(&self, batch: Vec<ForReview>) -> Vec<Result<Written<AuditRecord>, PortError>> {
        at_once(self.0.record_for_review(batch))
    }

    async fn open_review(&self, review: Review) -> Result<Written<Review>, PortError> {
        at_once(self.0.open_review(review))
    }

    async fn review(&self, id: &ReviewId) -> Result<Option<Review>, PortError> {
        at_once(self.0.review(id))
    }

    async fn reviews(
        &self,
        tenant: &TenantId,
        state: StateName,
        cursor: Option<String>,
    ) -> Result<Page<Review>, PortError> {
        at_once(self.0.reviews(tenant, state, cursor))
    }

    async fn advance_review(&self, next: Review, wake: Option<Wake>) -> Result<Advanced, PortError> {
        at_once(self.0.advance_review(next, wake))
    }
}

impl Outbox for AtOnce {
    async fn send(&self, queue: Queue, messages: Vec<OutboundMessage>) -> Vec<SendFailure> {
        at_once(self.0.send(queue, messages))
    }
}

impl ChannelState for AtOnce {
    async fn document(&self, key: &StateKey) -> Result<Option<StateDocument>, PortError> {
        at_once(self.0.document(key))
    }

    async fn replace(
        &self,
        key: &StateKey,
        seen: Option<&str>,
        body: String,
        forget_at: UnixMillis,
    ) -> Result<Replaced, PortError> {
        at_once(self.0.replace(key, seen, body, forget_at))
    }
}
