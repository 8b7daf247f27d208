use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sluice_channels::{EndpointHealth, Idempotency, Message, SendReport};
use sluice_domain::consent::Standing;
use sluice_domain::delivery::Outcome;
use sluice_domain::failure::FailureKind;
use sluice_domain::progress::{Assigned, UncheckedAssigned};
use sluice_domain::settings::Settings;
use sluice_domain::tenant::TenantKeys;
use sluice_ports::{Claim, ClaimRequest, Clock, Entropy, KeyRing, Nonces as _, PortError, Queue, Settlement};
use sluice_settings::CurrentSettings;
use sluice_steps::{Stage, StageError};
use sluice_telemetry::{Metrics, Signal};
use tracing::Instrument as _;

use crate::compose::ComposeError;
use crate::policy::{Ending, History, may_have_waited, settlement};
use crate::records::Records;
use crate::review::Composed;
use crate::sender::Sender;
use crate::timing::Timing;
use crate::work::{Work, withheld};

/// How long a claim holds.
const CLAIM_MS: i64 = 30_000;
/// How long a send may take, tokens and their renewal included; then its result is unclear. Well within the claim, so that
/// nobody takes over while a request is out.
const SEND: Duration = Duration::from_secs(20);
/// A worker that was stopped for longer than this between claim and send does not send: its claim may be gone before it ends.
const LATEST_START_MS: i64 = 5_000;
/// A clearance older than this is not taken on trust: consent is looked up again, for it may have been withdrawn meanwhile.
const FRESH_MS: i64 = 60_000;
/// The handler, over its ports.
pub struct ChannelDispatch<S, K, M, C, E, P = Arc<Settings>> {
    /// The configuration; a delivery keeps the one it began with.
    pub settings: P,
    /// Deliveries, consent for opt-outs, and reviews.
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

impl<S, K, M, C, E, P> Stage for ChannelDispatch<S, K, M, C, E, P>
where
    S: Records,
    K: KeyRing,
    M: Sender,
    C: Clock,
    E: Entropy,
    P: CurrentSettings,
{
    const NAME: &'static str = "channel-dispatch";
    const INBOX: Queue = Queue::Assigned;
    type Input = UncheckedAssigned;

    async fn handle(&self, batch: Vec<UncheckedAssigned>) -> Vec<Result<(), StageError>> {
        // Every line of a delivery, the channel's too, carries its trace.
        let traced = |input: UncheckedAssigned| {
            let span = tracing::info_span!("delivery", trace_id = %input.trace_id());
            self.deliver(input).instrument(span)
        };
        join_all(batch.into_iter().map(traced)).await
    }
}

impl<S, K, M, C, E, P> ChannelDispatch<S, K, M, C, E, P>
where
    S: Records,
    K: KeyRing,
    M: Sender,
    C: Clock,
    E: Entropy,
    P: CurrentSettings,
{
    async fn deliver(&self, input: UncheckedAssigned) -> Result<(), StageError> {
        let trace = input.trace_id();
        let settings = self.settings.current();
        let tenant = settings.tenants.get(input.tenant()).ok_or_else(|| {
            configuration("unknown_tenant", format!("tenant `{}` is not configured", input.tenant()), trace)
        })?;
        let keys = self.keys.keys(&tenant.id).await.map_err(|error| StageError::port(&error, trace))?;
        let Assigned { cleared, assignment, .. } = input
            .check(&keys)
            .map_err(|error| StageError::permanent("clearance_forged", error.to_string(), Some(trace)))?;
        let (now, owner) = (self.clock.now(), self.entropy.fencing_token());
        let request = ClaimRequest {
            key: cleared.event().key.clone(),
            trace_id: trace,
            payload_sha256: cleared.event().payload_sha256.clone(),
            person: cleared.person().clone(),
            assignment,
            owner,
            now,
            deadline: now.plus_ms(CLAIM_MS),
        };
        match self.store.claim(request).await.map_err(|error| StageError::port(&error, trace))? {
            Claim::Settled(delivery) => {
                self.metrics.count(Signal::Duplicate { step: Self::NAME });
                if !may_have_waited(&delivery.attempts) {
                    return Ok(());
                }
                // The process may have died before it closed the review.
                let closed = Box::pin(self.close_settled(&delivery)).await;
                closed.map_err(|error| StageError::port(&error, trace))
            }
            Claim::Held { until } => Err(StageError {
                kind: FailureKind::ThrottledUntil(until),
                code: "held",
                detail: format!("the delivery is claimed or waits until {until}"),
                trace_id: Some(trace),
            }),
            Claim::Won(delivery) => {
                let id = delivery.destination();
                let destination = tenant.destinations.get(id);
                let Some(destination) = destination else {
                    let error = configuration(
                        "no_destination",
                        format!("destination `{id}` is not configured"),
                        trace,
                    );
                    return self.give_back(&delivery, owner, error).await;
                };
                let work = Work { tenant, destination, cleared, delivery, owner, held: None };
                self.work(work, &keys).await
            }
        }
    }

    async fn work(&self, mut work: Work<'_>, keys: &TenantKeys) -> Result<(), StageError> {
        let trace = work.cleared.event().trace_id;
        let idempotency = self.sender.idempotency(&work.destination.channel, work.form());
        let history = History::of(&work.delivery);
        if history.reviewed {
            match Box::pin(self.held(&work.delivery)).await {
                Ok(held) => work.held = held,
                Err(error) => {
                    let error = StageError::port(&error, trace);
                    return self.give_back(&work.delivery, work.owner, error).await;
                }
            }
        }
        if history.opted_out {
            return self.opted_out(&work, history, withheld("opted_out")).await;
        }
        // Of a message that was reviewed the reviewed texts are sent, whatever its script says by now.
        let is_other = work.held.is_none() && work.is_rewritten();
        if !history.may_repeat(idempotency, self.clock.now()) || (history.unclear_since.is_some() && is_other)
        {
            return self.settle(&work, withheld("not_repeated"), Settlement::InDoubt).await;
        }
        if let Some(held) = &work.held
            && let Some(not_approved) = Box::pin(self.not_approved(&work, held, history)).await
        {
            return not_approved;
        }
        match self.disabled(&work, work.destination).await {
            Ok(None) => {}
            Ok(Some(disabled)) => return self.held_up(&work, history, disabled).await,
            Err(error) => {
                return self.give_back(&work.delivery, work.owner, StageError::port(&error, trace)).await;
            }
        }
        match self.permitted(&work).await {
            Ok(None) => {}
            Ok(Some(code)) => return self.settle(&work, withheld(code), history.refusal()).await,
            Err(error) => {
                return self.give_back(&work.delivery, work.owner, StageError::port(&error, trace)).await;
            }
        }
        let report = match self.compose(&mut work, keys) {
            Ok(_) if self.clock.now().since(work.started_at()) > LATEST_START_MS => {
                let detail = "the worker was stopped between claim and send".to_owned();
                let error =
                    StageError { kind: FailureKind::Retry, code: "too_slow", detail, trace_id: Some(trace) };
                return self.give_back(&work.delivery, work.owner, error).await;
            }
            Ok(Composed::Waits(rendered, decision)) => {
                return Box::pin(self.wait_for_review(&work, &rendered, *decision, keys)).await;
            }
            Ok(Composed::Ready(message)) => match self.timing(&work).await {
                Ok(Timing::Now) => {
                    let report = self.send(&work, &message).await;
                    if let Outcome::Delivered { provider_id } = &report.outcome {
                        self.acquaint(&work, &message, provider_id.as_deref(), keys).await;
                    }
                    report
                }
                Ok(timing) => return self.not_now(&work, timing, history, idempotency).await,
                Err(error) => {
                    let error = StageError::port(&error, trace);
                    return self.give_back(&work.delivery, work.owner, error).await;
                }
            },
            Err(error) if error.kind() == FailureKind::Configuration => {
                let error = configuration("message_unusable", error.to_string(), trace);
                return self.give_back(&work.delivery, work.owner, error).await;
            }
            Err(error) => refused_here(&error, &work),
        };
        let opted_out = matches!(report.outcome, Outcome::RecipientRefused { opt_out: true });
        if opted_out {
            return self.opted_out(&work, history, report).await;
        }
        if report.outcome == (Outcome::RecipientRefused { opt_out: false }) {
            self.note_unreachable(&work, &report).await;
        }
        let settlement = match settlement(&report.outcome, history, self.ending(&work, idempotency)) {
            Settlement::Waiting { .. } if work.is_last(&report) => history.refusal(),
            // The platform, or our own set-up, refuses everybody there.
            Settlement::Refused if report.outcome == Outcome::EndpointRefused => {
                match work.instead(history) {
                    Some(instead) => {
                        self.fall_back(&work, instead, report.code.as_deref().unwrap_or("unknown"))
                    }
                    None => Settlement::Refused,
                }
            }
            settlement => settlement,
        };
        self.settle(&work, report, settlement).await
    }

    pub(crate) fn ending(&self, work: &Work<'_>, idempotency: Idempotency) -> Ending {
        let mut jitter = [0];
        self.entropy.fill(&mut jitter);
        let [jitter] = jitter;
        Ending { idempotency, started_at: work.started_at(), now: self.clock.now(), jitter }
    }

    /// May this person's data still go to this destination? The code says why not.
    ///
    /// Consent was checked for the route's recipient (PIPL art. 23), and the configuration may have changed since.
    async fn permitted(&self, work: &Work<'_>) -> Result<Option<&'static str>, PortError> {
        let event = work.cleared.event();
        let Some(route) = work.tenant.route_of(event) else { return Ok(Some("route_gone")) };
        if work.destination.recipient != route.recipient {
            return Ok(Some("recipient_changed"));
        }
        if work.is_disowned() {
            return Ok(Some("fallback_gone"));
        }
        // What was left on the queue of a person who was erased.
        if work.cleared.person().is_reference() {
            return Ok(Some("person_erased"));
        }
        let (now, fell_back) = (self.clock.now(), work.delivery.fallback.is_some());
        if !fell_back && now.since(work.cleared.cleared_at()) <= FRESH_MS {
            return Ok(None);
        }
        let mut terms = work.tenant.terms(route);
        let channel = &work.destination.channel;
        // Who can not be reached there was nobody's question before.
        if fell_back && channel.is_to_person() {
            terms.channels = std::iter::once(channel.as_str()).collect();
        }
        let key = work.consent_key(&route.purpose);
        let found = self.store.consents(std::slice::from_ref(&key)).await;
        let found = found.inspect_err(|_| self.metrics.count(Signal::ConsentStoreFailure))?;
        Ok(match terms.standing(found.first().and_then(Option::as_ref), now) {
            Standing::Withdrawn => Some("consent_withdrawn"),
            Standing::Expired => Some("consent_expired"),
            Standing::Outdated => Some("consent_outdated"),
            Standing::SharingMissing => Some("consent_sharing_missing"),
            Standing::CrossBorderMissing => Some("consent_cross_border_missing"),
            Standing::SensitiveMissing => Some("consent_sensitive_missing"),
            Standing::GuardianMissing => Some("guardian_missing"),
            Standing::Unreachable => Some("person_unreachable"),
            // Without a record the decision rested on something else, and that stands.
            Standing::Granted | Standing::Missing | Standing::NotYet => None,
        })
    }

    async fn send(&self, work: &Work<'_>, message: &Message) -> SendReport {
        let sending = self.sender.send(&work.tenant.id, work.destination, message);
        let report = tokio::time::timeout(SEND, sending)
            .await
            .unwrap_or_else(|_| SendReport { outcome: Outcome::Unclear, ..withheld("send_timeout") });
        match &report.endpoint {
            Some(EndpointHealth::Open { code, .. }) => self.metrics.count(Signal::EndpointOpened { code }),
            Some(EndpointHealth::Disabled { code, .. }) => {
                self.metrics.count(Signal::EndpointDisabled { code });
            }
            Some(EndpointHealth::Healthy) | None => {}
        }
        let (trace, code) = (work.cleared.event().trace_id, report.code.as_deref().unwrap_or("-"));
        tracing::info!(
            trace_id = %trace, destination = %work.destination.id, outcome = report.outcome.as_str(), code,
            "sent: {}", report.outcome.as_str()
        );
        report
    }
}

pub(crate) fn configuration(
    code: &'static str,
    detail: String,
    trace: sluice_domain::id::TraceId,
) -> StageError {
    StageError { kind: FailureKind::Configuration, code, detail, trace_id: Some(trace) }
}

fn refused_here(error: &ComposeError, work: &Work<'_>) -> SendReport {
    tracing::warn!(trace_id = %work.cleared.event().trace_id, code = error.code(), "withheld: {error}");
    withheld(&error.code())
}
