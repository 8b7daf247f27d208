use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use sluice_domain::delivery::{Attempt, Delivery, FencingToken, Outcome};
use sluice_domain::id::{EventKey, TenantId};
use sluice_domain::time::{BusinessDay, UnixMillis};

use super::channel::{Channel, Memory};
use super::gate::{Fate, Gate, Operation};
use super::ledger::Ledger;
use crate::conformance::samples::NOON;
use crate::{Claim, ClaimRequest, Clock, Deliveries, Page, PortError, Settlement};

/// What the workers of one schedule have in common.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub(super) now: AtomicI64,
    pub(super) channel: Mutex<Channel>,
    pub(super) ledger: Mutex<Ledger>,
    pub(super) memory: Memory,
    /// The number of the event, which makes its key: every schedule has an event of its own.
    pub(super) event: u32,
}

impl Surroundings {
    pub(super) fn new(memory: Memory, event: u32) -> Self {
        Self {
            now: AtomicI64::new(NOON.0),
            channel: Mutex::new(Channel::new(memory)),
            ledger: Mutex::default(),
            memory,
            event,
        }
    }

    pub(super) fn now(&self) -> UnixMillis {
        UnixMillis(self.now.load(Ordering::SeqCst))
    }
}

/// What one worker works with: the store, the channel and the clock. Every call to the first two waits for the explorer, and is
/// entered into the ledger.
#[derive(Debug, Clone)]
pub struct Hands<S> {
    store: S,
    surroundings: Arc<Surroundings>,
    gate: Gate,
    worker: u8,
    /// Every answer this worker got. Its program is a function of them: they are its state.
    seen: Arc<Mutex<String>>,
}

impl<S> Hands<S> {
    pub(super) fn new(store: S, surroundings: Arc<Surroundings>, worker: u8) -> Self {
        let hands = Self { store, surroundings, gate: Gate::default(), worker, seen: Arc::default() };
        hands.note("begins");
        hands
    }

    /// Which worker it is, counted from 1 by the order of receiving.
    pub fn worker(&self) -> u8 {
        self.worker
    }

    /// The number of the event, as in [`samples`](crate::conformance::samples).
    pub fn event(&self) -> u32 {
        self.surroundings.event
    }

    /// What the channel remembers.
    pub fn memory(&self) -> Memory {
        self.surroundings.memory
    }

    /// The store itself, for ports that are not explored.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Sends the message to the channel.
    pub async fn send(&self) -> Outcome {
        let fate = self.gate.pass(Operation::Send).await;
        if matches!(fate, Fate::Done | Fate::AnswerLost) {
            let mut channel = self.surroundings.channel.lock().unwrap();
            channel.take(self.surroundings.now());
            self.surroundings.ledger.lock().unwrap().check_effects(channel.effects().len());
        }
        let outcome = match fate {
            Fate::Done => Outcome::Delivered { provider_id: None },
            Fate::AnswerLost | Fate::NotDone => Outcome::Unclear,
            Fate::Busy => Outcome::Transient,
            Fate::Refused => Outcome::EndpointRefused,
        };
        self.note(&format!("{outcome:?}"));
        outcome
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(super) fn shape(&self) -> String {
        format!("{} {:?} {}", self.worker, self.gate.waiting(), self.seen.lock().unwrap())
    }

    /// The time belongs to the answer: a worker may have read the clock since the one before.
    fn note(&self, answer: &str) {
        let now = self.surroundings.now().since(NOON);
        write!(self.seen.lock().unwrap(), "[{now} {answer}]").unwrap();
    }
}

impl<S> Clock for Hands<S>
where
    S: Send + Sync,
{
    fn now(&self) -> UnixMillis {
        self.surroundings.now()
    }
}

fn lost(what: &str) -> PortError {
    PortError::Unavailable { what: "deliveries", cause: what.to_owned() }
}

impl<S: Deliveries> Deliveries for Hands<S> {
    async fn claim(&self, request: ClaimRequest) -> Result<Claim, PortError> {
        let fate = self.gate.pass(Operation::Claim).await;
        let answer = if fate == Fate::NotDone {
            Err(lost("the request was lost"))
        } else {
            let before = self.store.delivery(&request.key).await?;
            let answer = self.store.claim(request.clone()).await;
            let after = self.store.delivery(&request.key).await?;
            self.surroundings.ledger.lock().unwrap().claimed(
                &request,
                &answer,
                before.as_ref(),
                after.as_ref(),
            );
            if fate == Fate::AnswerLost { Err(lost("the answer was lost")) } else { answer }
        };
        self.note(&match &answer {
            Ok(Claim::Won(delivery)) => format!("won {}", shape(Some(delivery))),
            Ok(Claim::Settled(delivery)) => format!("settled {}", shape(Some(delivery))),
            other => format!("{other:?}"),
        });
        answer
    }

    async fn settle(
        &self,
        key: &EventKey,
        owner: FencingToken,
        attempt: Attempt,
        settlement: Settlement,
    ) -> Result<(), PortError> {
        let fate = self.gate.pass(Operation::Settle).await;
        let answer = if fate == Fate::NotDone {
            Err(lost("the request was lost"))
        } else {
            let before = self.store.delivery(key).await?;
            let answer = self.store.settle(key, owner, attempt.clone(), settlement.clone()).await;
            let after = self.store.delivery(key).await?;
            self.surroundings.ledger.lock().unwrap().ended(
                owner,
                (&attempt, &settlement),
                &answer,
                before.as_ref(),
                after.as_ref(),
            );
            if fate == Fate::AnswerLost { Err(lost("the answer was lost")) } else { answer }
        };
        self.note(&format!("{answer:?}"));
        answer
    }

    async fn delivery(&self, key: &EventKey) -> Result<Option<Delivery>, PortError> {
        self.store.delivery(key).await
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<Delivery>, PortError> {
        self.store.deliveries(tenant, day, cursor).await
    }
}

/// A record without what tells one schedule's event from another's.
pub(super) fn shape(record: Option<&Delivery>) -> String {
    record.map_or_else(
        || "none".to_owned(),
        |it| {
            let attempts: Vec<_> = it
                .attempts
                .iter()
                .map(|one| (one.started_at.since(NOON), one.ended_at.map(|at| at.since(NOON)), &one.outcome))
                .collect();
            format!("{} {:?} {attempts:?}", it.opened_at.since(NOON), it.state)
        },
    )
}
