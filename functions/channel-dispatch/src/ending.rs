//! How a claim ends: written down, counted, and answered to the queue.

use std::time::Duration;

use sluice_channels::{Idempotency, SendReport};
use sluice_domain::consent::{Evidence, Mark, Withdrawal};
use sluice_domain::delivery::{Attempt, Delivery, Fallback, FencingToken, Outcome};
use sluice_domain::destination::Destination;
use sluice_domain::failure::FailureKind;
use sluice_ports::{Clock, Entropy, KeyRing, PortError, Settlement};
use sluice_settings::CurrentSettings;
use sluice_steps::StageError;
use sluice_telemetry::Signal;

use crate::handler::ChannelDispatch;
use crate::policy::{History, later};
use crate::records::Records;
use crate::sender::Sender;
use crate::work::{Work, attempt, withheld};

/// How long to wait before the end of a claim is written again, when the store fails after a send.
const SETTLE_PAUSES: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_secs(1)];

/// Whose claim it was that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Ours: what was written is how the delivery stands.
    Ours,
    /// Another worker's by then, who says how it stands.
    TakenOver,
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
    /// Ends the claim and answers the queue.
    pub(crate) async fn settle(
        &self,
        work: &Work<'_>,
        report: SendReport,
        settlement: Settlement,
    ) -> Result<(), StageError> {
        let trace = work.cleared.event().trace_id;
        let (outcome, now) = (report.outcome.as_str(), self.clock.now());
        let unknown = report.outcome == Outcome::UnknownCode;
        let withheld_by = report.outcome.withheld_by().map(str::to_owned);
        let attempt = attempt(&work.delivery, report, work.script_hash(), now);
        let ended = self.end(&work.delivery, work.owner, attempt, settlement.clone()).await;
        let port = |error: PortError| StageError::port(&error, trace);
        if ended.map_err(port)? == Ended::Ours
            && settlement.is_final()
            && let Some(held) = &work.held
        {
            // On the heap: it is rare, and the ordinary path's future stays small.
            let closed = Box::pin(self.close(held, &settlement, withheld_by.as_deref())).await;
            closed.map_err(port)?;
        }
        self.metrics.count(Signal::SendOutcome { outcome });
        if unknown {
            self.metrics.count(Signal::UnknownCode { channel: work.destination.channel.as_str() });
        }
        self.count(work.destination, &settlement);
        if settlement == Settlement::Delivered {
            let channel = work.destination.channel.as_str();
            let took = now.since(work.cleared.event().received_at);
            let took = Duration::from_millis(u64::try_from(took).unwrap_or_default());
            self.metrics.duration(Signal::EndToEndDuration { channel }, took);
        }
        match settlement {
            Settlement::Delivered | Settlement::Refused | Settlement::InDoubt => Ok(()),
            Settlement::FallBack(Fallback { destination, at, .. }) => Err(StageError {
                kind: FailureKind::ThrottledUntil(at),
                code: "fell_back",
                detail: format!("goes to destination `{destination}` instead"),
                trace_id: Some(trace),
            }),
            Settlement::Waiting { until } => Err(StageError {
                kind: FailureKind::ThrottledUntil(until),
                code: "waiting",
                detail: format!("not taken yet, next attempt at {until}"),
                trace_id: Some(trace),
            }),
        }
    }

    /// Withdraws consent, then refuses; when consent can't be written now, the delivery waits with its outcome on record, and the
    /// next owner withdraws without sending.
    pub(crate) async fn opted_out(
        &self,
        work: &Work<'_>,
        history: History,
        report: SendReport,
    ) -> Result<(), StageError> {
        let settlement = match self.withdraw(work, &report).await {
            Ok(()) => history.refusal(),
            Err(error) => {
                tracing::error!(trace_id = %work.delivery.trace_id, "could not withdraw consent after an opt-out: {error}");
                Settlement::Waiting { until: later(history.attempts, self.ending(work, Idempotency::None)) }
            }
        };
        self.settle(work, report, settlement).await
    }

    /// Gives the claim back for a fault that is not the message's; when it is mended, the message goes on.
    pub(crate) async fn give_back(
        &self,
        delivery: &Delivery,
        owner: FencingToken,
        error: StageError,
    ) -> Result<(), StageError> {
        let now = self.clock.now();
        let settlement = Settlement::Waiting { until: now };
        let _ended = self
            .end(delivery, owner, attempt(delivery, withheld(error.code), None, now), settlement)
            .await
            .map_err(|cause| StageError::port(&cause, delivery.trace_id))?;
        Err(error)
    }

    /// Writes the end of the claim, more than once if it must: after a send nothing matters more.
    pub(crate) async fn end(
        &self,
        delivery: &Delivery,
        owner: FencingToken,
        attempt: Attempt,
        settlement: Settlement,
    ) -> Result<Ended, PortError> {
        let mut pauses = SETTLE_PAUSES.into_iter();
        loop {
            let ended = self.store.settle(&delivery.key, owner, attempt.clone(), settlement.clone()).await;
            match ended {
                Err(PortError::Fenced) => {
                    // The claim outlived its deadline; its new owner sees this attempt open, and treats it as unclear.
                    tracing::error!(trace_id = %delivery.trace_id, "a claim was taken over before its end was written");
                    return Ok(Ended::TakenOver);
                }
                Err(error) if may_pass(error.kind()) => match pauses.next() {
                    Some(pause) => tokio::time::sleep(pause).await,
                    // The attempt stays open in the record: whoever comes next knows that nobody knows.
                    None => return Err(error),
                },
                ended => return ended.map(|()| Ended::Ours),
            }
        }
    }

    /// The platform says that the person wants no such messages: their consent for it ends (PIPL art. 15).
    async fn withdraw(&self, work: &Work<'_>, report: &SendReport) -> Result<(), PortError> {
        // Where the recipient is staff, a refusal says nothing of the person.
        if work.destination.channel.recipient_field().is_none() {
            return Ok(());
        }
        let event = work.cleared.event();
        let Some(route) = work.tenant.route_of(event) else { return Ok(()) };
        let key = work.consent_key(&route.purpose);
        let withdrawal = Withdrawal { at: self.clock.now(), evidence: refusal(work, report) };
        let withdrawn = self.store.withdraw(&key.tenant, &key.person, Some(&key), withdrawal).await;
        withdrawn.inspect_err(|_| self.metrics.count(Signal::ConsentStoreFailure)).map(|_| ())
    }

    /// The platform says that it can not reach the person: every consent of theirs then says so, until they agree anew.
    pub(crate) async fn note_unreachable(&self, work: &Work<'_>, report: &SendReport) {
        let channel = &work.destination.channel;
        // Without an address nothing was asked of the platform.
        if channel.recipient_field().is_none() || report.code.as_deref() == Some("recipient_missing") {
            return;
        }
        let (tenant, person) = (&work.tenant.id, work.cleared.person());
        let mark = Mark::Unreachable(channel.as_str().to_owned());
        let marked = self.store.mark(tenant, person, mark, self.clock.now(), refusal(work, report)).await;
        if let Err(error) = marked {
            // The delivery is refused whatever becomes of the mark; without it, the next one is refused by the platform again.
            self.metrics.count(Signal::ConsentStoreFailure);
            tracing::warn!(trace_id = %work.delivery.trace_id, "could not note that a person is out of reach: {error}");
        }
    }

    fn count(&self, destination: &Destination, settlement: &Settlement) {
        let channel = destination.channel.as_str();
        self.metrics.count(match settlement {
            Settlement::Delivered => Signal::Delivered { channel },
            Settlement::Refused => Signal::Refused { channel },
            Settlement::InDoubt => Signal::InDoubt { channel },
            Settlement::Waiting { .. } => Signal::Throttled { channel },
            Settlement::FallBack(_) => Signal::FellBack { channel },
        });
    }
}

/// The platform's answer as evidence. Of an answer that an earlier attempt got, the code is in the delivery.
fn refusal(work: &Work<'_>, report: &SendReport) -> Evidence {
    let earlier = || {
        work.delivery.attempts.iter().rev().find_map(|attempt| {
            let refused = matches!(attempt.outcome, Some(Outcome::RecipientRefused { .. }));
            attempt.code.clone().filter(|_| refused)
        })
    };
    let told = report.code.clone().filter(|_| matches!(report.outcome, Outcome::RecipientRefused { .. }));
    Evidence::Channel {
        channel: work.destination.channel.as_str().to_owned(),
        code: told.or_else(earlier).unwrap_or_default(),
        key: work.delivery.key.clone(),
        trace_id: work.delivery.trace_id,
    }
}

/// A throttled store, too, is asked again: an attempt that never ended is one whose result nobody knows.
fn may_pass(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Retry | FailureKind::ThrottledUntil(_) => true,
        FailureKind::Permanent | FailureKind::InDoubt | FailureKind::Configuration => false,
    }
}
