use std::sync::Arc;

use futures_util::future::join_all;
use sluice_channels::{Message, SendReport};
use sluice_domain::consent::{ConsentKey, Evidence, Withdrawal};
use sluice_domain::delivery::{Attempt, Delivery, FencingToken, Outcome};
use sluice_domain::destination::{Channel, Destination};
use sluice_domain::failure::FailureKind;
use sluice_domain::progress::{Assigned, Cleared, UncheckedAssigned};
use sluice_domain::settings::{Settings, Tenant};
use sluice_domain::tenant::TenantKeys;
use sluice_ports::{
    Claim, ClaimRequest, Clock, ConsentStore, Deliveries, Entropy, KeyRing, Nonces as _, PortError, Queue, Settlement,
};
use sluice_steps::{Stage, StageError};
use sluice_telemetry::{Metrics, Signal};

use crate::compose::{self, ComposeError};
use crate::policy::{may_repeat, settlement, unclear_since};
use crate::sender::Sender;

/// How long a claim holds: the HTTP client gives up after 5 s, a token refresh and its repeat included stay below 20 s.
const CLAIM_MS: i64 = 30_000;
/// How often the end of a claim is written again when the store fails after a send.
const SETTLE_TRIES: usize = 3;

/// The handler, over its ports.
pub struct ChannelDispatch<S, K, M, C, E> {
    /// The configuration.
    pub settings: Arc<Settings>,
    /// Deliveries, and consent for opt-outs.
    pub store: S,
    /// The tenants' keys.
    pub keys: K,
    /// The platforms.
    pub sender: M,
    /// The time.
    pub clock: C,
    /// Randomness for fencing tokens.
    pub entropy: E,
    /// What is counted.
    pub metrics: Metrics,
}

impl<S, K, M, C, E> Stage for ChannelDispatch<S, K, M, C, E>
where
    S: Deliveries + ConsentStore,
    K: KeyRing,
    M: Sender,
    C: Clock,
    E: Entropy,
{
    const NAME: &'static str = "channel-dispatch";
    const INBOX: Queue = Queue::Assigned;
    type Input = UncheckedAssigned;

    async fn handle(&self, batch: Vec<UncheckedAssigned>) -> Vec<Result<(), StageError>> {
        join_all(batch.into_iter().map(|input| self.deliver(input))).await
    }
}

/// A claimed delivery and what it needs.
struct Work<'a> {
    tenant: &'a Tenant,
    destination: &'a Destination,
    cleared: Cleared,
    delivery: Delivery,
    owner: FencingToken,
}

impl<S, K, M, C, E> ChannelDispatch<S, K, M, C, E>
where
    S: Deliveries + ConsentStore,
    K: KeyRing,
    M: Sender,
    C: Clock,
    E: Entropy,
{
    async fn deliver(&self, input: UncheckedAssigned) -> Result<(), StageError> {
        let trace = input.trace_id();
        let tenant = self.settings.tenants.get(input.tenant()).ok_or_else(|| {
            configuration("unknown_tenant", format!("tenant `{}` is not configured", input.tenant()), trace)
        })?;
        let keys = self.keys.keys(&tenant.id).await.map_err(|error| StageError::port(&error, trace))?;
        let Assigned { cleared, assignment } = input
            .check(&keys)
            .map_err(|error| StageError::permanent("clearance_refused", error.to_string(), Some(trace)))?;
        let (now, owner) = (self.clock.now(), self.entropy.fencing_token());
        let request = ClaimRequest {
            key: cleared.event().key.clone(),
            trace_id: trace,
            person: cleared.person().clone(),
            assignment,
            owner,
            now,
            deadline: now.plus_ms(CLAIM_MS),
        };
        match self.store.claim(request).await.map_err(|error| StageError::port(&error, trace))? {
            Claim::Settled(_) => {
                self.metrics.count(Signal::Duplicate { step: Self::NAME });
                Ok(())
            }
            Claim::Held { until } => Err(StageError {
                kind: FailureKind::ThrottledUntil(until),
                code: "held",
                detail: format!("the delivery is claimed or waits until {until}"),
                trace_id: Some(trace),
            }),
            Claim::Won(delivery) => {
                let id = &delivery.assignment.destination;
                let destination = tenant.destinations.get(id);
                let Some(destination) = destination else {
                    let error = configuration("no_destination", format!("destination `{id}` is not configured"), trace);
                    return self.give_back(&delivery, owner, error).await;
                };
                self.work(Work { tenant, destination, cleared, delivery, owner }, &keys).await
            }
        }
    }

    async fn work(&self, work: Work<'_>, keys: &TenantKeys) -> Result<(), StageError> {
        let earlier = work.delivery.attempts.split_last().map_or(&[][..], |(_, earlier)| earlier);
        let unclear = unclear_since(earlier);
        let idempotency = self.sender.idempotency(&work.destination.channel);
        if !may_repeat(unclear, idempotency, self.clock.now()) {
            let report = withheld("not_repeated");
            return self.settle(&work, report, Settlement::InDoubt).await;
        }
        let composed = compose::message(&work.cleared, &work.delivery.assignment, work.destination, work.tenant, keys);
        let report = match composed {
            Ok(message) => self.send(&work, &message).await,
            Err(error) if error.kind() == FailureKind::Configuration => {
                let trace = work.cleared.event().trace_id;
                let error = configuration("message_unusable", error.to_string(), trace);
                return self.give_back(&work.delivery, work.owner, error).await;
            }
            Err(error) => refused_here(&error, &work),
        };
        let attempts = work.delivery.attempts.len();
        let settlement = settlement(&report.outcome, unclear.is_some(), idempotency, attempts, self.clock.now());
        self.settle(&work, report, settlement).await
    }

    async fn send(&self, work: &Work<'_>, message: &Message) -> SendReport {
        let report = self.sender.send(&work.tenant.id, work.destination, message).await;
        let (trace, code) = (work.cleared.event().trace_id, report.code.as_deref().unwrap_or("-"));
        tracing::info!(
            trace_id = %trace, destination = %work.destination.id, outcome = report.outcome.as_str(), code,
            "sent: {}", report.outcome.as_str()
        );
        report
    }

    /// Ends the claim and answers the queue.
    async fn settle(&self, work: &Work<'_>, report: SendReport, settlement: Settlement) -> Result<(), StageError> {
        let trace = work.cleared.event().trace_id;
        let opted_out = matches!(report.outcome, Outcome::RecipientRefused { opt_out: true });
        self.count(work.destination, &settlement);
        self.end(&work.delivery, work.owner, attempt(&work.delivery, report, self.clock.now()), settlement.clone()).await
            .map_err(|error| StageError::port(&error, trace))?;
        if opted_out {
            self.withdraw(work).await?;
        }
        match settlement {
            Settlement::Delivered | Settlement::Refused | Settlement::InDoubt => Ok(()),
            Settlement::Waiting { until } => Err(StageError {
                kind: FailureKind::ThrottledUntil(until),
                code: "waiting",
                detail: format!("not taken yet, next attempt at {until}"),
                trace_id: Some(trace),
            }),
        }
    }

    /// Gives the claim back for a fault of the set-up: a person mends it, then the message goes on.
    async fn give_back(&self, delivery: &Delivery, owner: FencingToken, error: StageError) -> Result<(), StageError> {
        let now = self.clock.now();
        let settlement = Settlement::Waiting { until: now };
        self.end(delivery, owner, attempt(delivery, withheld(error.code), now), settlement).await
            .map_err(|cause| StageError::port(&cause, delivery.trace_id))?;
        Err(error)
    }

    /// Writes the end of the claim, more than once if it must: after a send nothing matters more.
    async fn end(
        &self,
        delivery: &Delivery,
        owner: FencingToken,
        attempt: Attempt,
        settlement: Settlement,
    ) -> Result<(), PortError> {
        let mut result = Ok(());
        for _ in 0..SETTLE_TRIES {
            result = self.store.settle(&delivery.key, owner, attempt.clone(), settlement.clone()).await;
            match &result {
                Err(error) if error.kind() == FailureKind::Retry => {}
                Err(PortError::Fenced) => {
                    // The claim outlived its deadline; its new owner knows of this attempt and settles it as unclear.
                    tracing::error!(trace_id = %delivery.trace_id, "a claim was taken over while its message was sent");
                    return Ok(());
                }
                _ => return result,
            }
        }
        result
    }

    /// The platform says that the person wants no such messages: their consent for it ends (PIPL art. 15).
    async fn withdraw(&self, work: &Work<'_>) -> Result<(), StageError> {
        // On every other channel the recipient is staff, whose refusal says nothing of the person.
        let Channel::WechatCustom { .. } = work.destination.channel else { return Ok(()) };
        let event = work.cleared.event();
        let Some(route) = work.tenant.route(event.kind) else { return Ok(()) };
        let key = ConsentKey {
            tenant: work.tenant.id.clone(),
            person: work.cleared.person().clone(),
            purpose: route.purpose.clone(),
            recipient: work.destination.recipient.clone(),
        };
        let evidence = Evidence::Event { key: event.key.clone(), trace_id: event.trace_id, kind: event.kind };
        let withdrawal = Withdrawal { at: self.clock.now(), evidence };
        let withdrawn = self.store.withdraw(&key.tenant, &key.person, Some(&key), withdrawal).await;
        withdrawn.map(|_| ()).map_err(|error| StageError::port(&error, event.trace_id))
    }

    fn count(&self, destination: &Destination, settlement: &Settlement) {
        let channel = destination.channel.as_str();
        self.metrics.count(match settlement {
            Settlement::Delivered => Signal::Delivered { channel },
            Settlement::Refused => Signal::Refused { channel },
            Settlement::InDoubt => Signal::InDoubt { channel },
            Settlement::Waiting { .. } => Signal::Throttled { channel },
        });
    }
}

fn configuration(code: &'static str, detail: String, trace: sluice_domain::id::TraceId) -> StageError {
    StageError { kind: FailureKind::Configuration, code, detail, trace_id: Some(trace) }
}

fn refused_here(error: &ComposeError, work: &Work<'_>) -> SendReport {
    tracing::warn!(trace_id = %work.cleared.event().trace_id, code = error.code(), "withheld: {error}");
    withheld(&error.code())
}

fn withheld(code: &str) -> SendReport {
    SendReport {
        outcome: Outcome::Withheld { code: code.to_owned() },
        code: Some(code.to_owned()),
        message: None,
        provider_log_id: None,
        request_sha256: None,
    }
}

/// The attempt that the claim opened, with its result.
fn attempt(delivery: &Delivery, report: SendReport, now: sluice_domain::time::UnixMillis) -> Attempt {
    Attempt {
        started_at: delivery.attempts.last().map_or(now, |attempt| attempt.started_at),
        ended_at: Some(now),
        outcome: Some(report.outcome),
        code: report.code,
        message: report.message,
        provider_log_id: report.provider_log_id,
        request_sha256: report.request_sha256,
    }
}
