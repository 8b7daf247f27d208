//! The handler itself under every interleaving that `sluice_ports::conformance::interleaving` explores: the same message with
//! several workers, crashes, lost answers, claims that pass their deadline.

use std::sync::Arc;

use channel_dispatch::{ChannelDispatch, Sender};
use sluice_channels::{Form, Idempotency, Message, SendReport};
use sluice_domain::audit::AuditRecord;
use sluice_domain::consent::{ConsentKey, ConsentRecord, Evidence, Mark, Withdrawal};
use sluice_domain::contact::{Acquaintance, Slot};
use sluice_domain::decision::Verdict;
use sluice_domain::delivery::{Attempt, Delivery, FencingToken};
use sluice_domain::destination::{Channel, Destination};
use sluice_domain::id::{EventKey, PersonId, TenantId};
use sluice_domain::progress::UncheckedAssigned;
use sluice_domain::review::{Review, ReviewId, StateName};
use sluice_domain::settings::Settings;
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_embedded::{Options, Store};
use sluice_ports::conformance::interleaving::{Ending, Hands, Memory, SHORT, Scenario, explore};
use sluice_ports::conformance::samples::{brand, key};
use sluice_ports::{
    Acquaintances, Advanced, Claim, ClaimRequest, ConsentStore, ContactLimits, Deliveries, Entropy,
    ForReview, OutboundMessage, Outbox, Page, Place, PortError, Queue, Reviews, SendFailure, Settlement,
    Wake, Written,
};
use sluice_steps::Stage as _;
use sluice_telemetry::{Counters, Metrics};

use crate::support::*;

/// A store whose deliveries the explorer watches.
#[derive(Clone)]
struct Explored(Hands<Store>);

impl Deliveries for Explored {
    /// Every schedule has a delivery of its own; the message is the same one.
    async fn claim(&self, request: ClaimRequest) -> Result<Claim, PortError> {
        self.0.claim(ClaimRequest { key: key(brand(), self.0.event()), ..request }).await
    }

    async fn settle(
        &self,
        key: &EventKey,
        owner: FencingToken,
        attempt: Attempt,
        settlement: Settlement,
    ) -> Result<(), PortError> {
        self.0.settle(key, owner, attempt, settlement).await
    }

    async fn delivery(&self, key: &EventKey) -> Result<Option<Delivery>, PortError> {
        self.0.delivery(key).await
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<Delivery>, PortError> {
        self.0.deliveries(tenant, day, cursor).await
    }
}

impl ConsentStore for Explored {
    async fn consents(&self, keys: &[ConsentKey]) -> Result<Vec<Option<ConsentRecord>>, PortError> {
        self.0.store().consents(keys).await
    }

    async fn consents_of(
        &self,
        tenant: &TenantId,
        person: &PersonId,
    ) -> Result<Vec<ConsentRecord>, PortError> {
        self.0.store().consents_of(tenant, person).await
    }

    async fn grant(&self, record: ConsentRecord) -> Result<bool, PortError> {
        self.0.store().grant(record).await
    }

    async fn withdraw(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        key: Option<&ConsentKey>,
        withdrawal: Withdrawal,
    ) -> Result<usize, PortError> {
        self.0.store().withdraw(tenant, person, key, withdrawal).await
    }

    async fn mark(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        mark: Mark,
        at: UnixMillis,
        evidence: Evidence,
    ) -> Result<bool, PortError> {
        self.0.store().mark(tenant, person, mark, at, evidence).await
    }
}

impl Acquaintances for Explored {
    async fn acquaint(&self, acquaintance: Acquaintance) -> Result<(), PortError> {
        self.0.store().acquaint(acquaintance).await
    }

    async fn known_as(&self, tenant: &TenantId, contact: &PersonId) -> Result<Vec<Acquaintance>, PortError> {
        self.0.store().known_as(tenant, contact).await
    }
}

impl ContactLimits for Explored {
    async fn take_place(&self, slot: &Slot) -> Result<Place, PortError> {
        self.0.store().take_place(slot).await
    }
}

impl Reviews for Explored {
    async fn record_for_review(&self, batch: Vec<ForReview>) -> Vec<Result<Written<AuditRecord>, PortError>> {
        self.0.store().record_for_review(batch).await
    }

    async fn open_review(&self, review: Review) -> Result<Written<Review>, PortError> {
        self.0.store().open_review(review).await
    }

    async fn review(&self, id: &ReviewId) -> Result<Option<Review>, PortError> {
        self.0.store().review(id).await
    }

    async fn reviews(
        &self,
        tenant: &TenantId,
        state: StateName,
        cursor: Option<String>,
    ) -> Result<Page<Review>, PortError> {
        self.0.store().reviews(tenant, state, cursor).await
    }

    async fn advance_review(&self, next: Review, wake: Option<Wake>) -> Result<Advanced, PortError> {
        self.0.store().advance_review(next, wake).await
    }
}

impl Outbox for Explored {
    async fn send(&self, queue: Queue, messages: Vec<OutboundMessage>) -> Vec<SendFailure> {
        self.0.store().send(queue, messages).await
    }
}

/// The channel that the explorer watches.
impl Sender for Explored {
    fn idempotency(&self, channel: &Channel, form: Form) -> Idempotency {
        sluice_channels::idempotency(channel, form)
    }

    async fn send(&self, _: &TenantId, _: &Destination, _: &Message) -> SendReport {
        SendReport {
            outcome: self.0.send().await,
            code: None,
            message: None,
            provider_log_id: None,
            request_sha256: None,
            endpoint: None,
        }
    }
}

/// The same at every replay: the worker's number.
#[derive(Clone, Copy)]
struct Number(u8);

impl Entropy for Number {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

async fn handle(hands: Hands<Store>, settings: Arc<Settings>, message: UncheckedAssigned) -> Ending {
    let explored = Explored(hands.clone());
    let dispatch = ChannelDispatch {
        settings,
        store: explored.clone(),
        keys: FixedKeys,
        sender: explored,
        entropy: Number(hands.worker()),
        clock: hands,
        metrics: Metrics::new(Counters::default()),
    };
    match dispatch.handle(vec![message]).await.remove(0) {
        Ok(()) => Ending::Done,
        Err(_) => Ending::Back,
    }
}

async fn explored(destination: &str, scenario: Scenario) {
    explored_under(settings(), destination, scenario).await;
}

/// Runs on paused time: what the handler waits between writings passes at once.
async fn explored_under(settings: Settings, destination: &str, scenario: Scenario) {
    let store = Store::in_memory(Options::default()).unwrap();
    let settings = Arc::new(settings);
    let assigned = Arc::new(assigned(1, destination, Verdict::AllowMasked));
    let worker = move |hands| handle(hands, Arc::clone(&settings), unchecked(&assigned));
    match explore(&store, scenario, worker).await {
        Ok(explored) => assert!(explored.endings > 10, "{explored:?}"),
        Err(found) => panic!("{found}"),
    }
}

/// A group bot remembers nothing: one message at most, and every doubt on record.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn of_all_schedules_none_sends_twice_to_a_channel_without_memory() {
    explored(BOT, Scenario { faults: 2, ..SHORT }).await;
}

/// An application recognises a repeat for hours.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn of_all_schedules_none_shows_two_messages_on_a_channel_with_memory() {
    explored(APP, Scenario { memory: Memory::Window { ms: 4 * 60 * MINUTE }, faults: 2, ..SHORT }).await;
}

/// A refusal of everybody sends it to another group: never after a doubt, and never to both.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn of_all_schedules_none_that_falls_back_sends_twice() {
    explored_under(falling_back(DUTY), BOT, Scenario { faults: 2, ..SHORT }).await;
}
