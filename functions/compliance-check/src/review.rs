//! Events whose decision waits for people: opened with their record, and resumed when they come back.

use std::sync::Arc;

use sluice_domain::audit::{AuditRecord, Disposition};
use sluice_domain::decision::Decision;
use sluice_domain::event::Event;
use sluice_domain::progress::{ClearanceError, Cleared};
use sluice_domain::review::{Moved, Point, Review, ReviewId, State};
use sluice_domain::safety::CHECK;
use sluice_domain::settings::Tenant;
use sluice_domain::tenant::TenantKeys;
use sluice_ports::{
    Acquaintances, Advanced, AuditLog, Clock, ConsentStore, ForReview, Intake, KeyRing, OrderBook,
    OutboundMessage, Outbox, PortError, Queue, Reviews, Step, Wake, Written,
};
use sluice_settings::CurrentSettings;
use sluice_steps::StageError;
use sluice_telemetry::Signal;

use crate::handler::ComplianceCheck;
use crate::verdict::{encoded, review_of};

/// A decided event with everything that is written and sent for it.
pub(crate) struct Decided<'a> {
    pub(crate) event: Event,
    pub(crate) keys: Arc<TenantKeys>,
    pub(crate) tenant: &'a Tenant,
    pub(crate) record: AuditRecord,
    pub(crate) next: Option<OutboundMessage>,
    pub(crate) review: Option<Review>,
}

/// Writes the records, those that wait with their reviews; the answers keep the order.
pub(crate) async fn record<S: AuditLog + Reviews>(
    store: &S,
    decided: &[Decided<'_>],
) -> Vec<Result<Written<AuditRecord>, PortError>> {
    let (mut steps, mut waiting) = (Vec::new(), Vec::new());
    for one in decided {
        let record = one.record.clone();
        match &one.review {
            Some(review) => waiting.push(ForReview { record, review: review.clone() }),
            None => steps.push(Step { record, next: one.next.clone() }),
        }
    }
    let written = if steps.is_empty() { Vec::new() } else { store.record(steps).await };
    let opened = if waiting.is_empty() { Vec::new() } else { store.record_for_review(waiting).await };
    let (mut written, mut opened) = (written.into_iter(), opened.into_iter());
    // A store that answers too little ends the list: what has no answer stays on its queue.
    let each = decided.iter().map(|one| if one.review.is_some() { opened.next() } else { written.next() });
    each.map_while(|outcome| outcome).collect()
}

impl<S, K, C, P> ComplianceCheck<S, K, C, P>
where
    S: Intake + ConsentStore + OrderBook + AuditLog + Outbox + Reviews + Acquaintances,
    K: KeyRing,
    C: Clock,
    P: CurrentSettings,
{
    /// An event whose stored decision waits for a review, again; gives the message to send once more, when it went on before.
    pub(crate) async fn resume(
        &self,
        stored: &AuditRecord,
        decision: &Decision,
        one: &Decided<'_>,
    ) -> Result<Option<OutboundMessage>, StageError> {
        let trace = one.event.trace_id;
        let id = ReviewId { tenant: one.event.key.tenant.clone(), trace, point: Point::Event };
        let port = |error: PortError| StageError::port(&error, trace);
        let Some(review) = self.store.review(&id).await.map_err(port)? else {
            // The process died between the record and its review.
            tracing::info!(trace_id = %trace, code = decision.main_code(), "opened: a review whose record was there already");
            if let Some(review) = review_of(stored, &one.event, one.tenant, &one.keys) {
                let _written = self.store.open_review(review.clone()).await.map_err(port)?;
                self.metrics.count(Signal::ReviewOpened { point: "event" });
                self.ask_again(&review).await.map_err(port)?;
            }
            return Ok(None);
        };
        match review.state {
            State::Approved { .. } => self.conclude(&review, one).await.map(|()| None),
            // Its message may have been lost, or this is the queue's second delivery: the next steps know their own records.
            State::Cleared { .. } => match cleared(&review, one) {
                Ok(cleared) => encoded(&cleared, trace).map(Some),
                Err(_) => Ok(None),
            },
            State::Open => match review.expire(self.clock.now()) {
                Some(expired) => self.end(&review, expired, None, trace).await,
                None => self.ask_again(&review).await.map_err(port).map(|()| None),
            },
            State::Blocked { .. } | State::Rejected { .. } | State::Expired { .. } => Ok(None),
        }
    }

    /// Sends a review that still waits for its check to the `checks` queue: the process may have died before the first request was sent.
    async fn ask_again(&self, review: &Review) -> Result<(), PortError> {
        let request = if review.awaits(CHECK) { ForReview::check_of(review) } else { None };
        match request {
            Some(request) => {
                let failures = self.store.send(Queue::Checks, vec![request]).await;
                failures.into_iter().next().map_or(Ok(()), |failure| Err(failure.error))
            }
            None => Ok(()),
        }
    }

    /// Lets an approved event go on, or ends its review as blocked.
    async fn conclude(&self, review: &Review, one: &Decided<'_>) -> Result<(), StageError> {
        let (trace, now) = (one.event.trace_id, self.clock.now());
        // What a machine found is evidence of this decision, too, whoever approved.
        let fresh = fresh(one).cloned().map(|mut fresh| {
            fresh.finding = review.finding().cloned();
            fresh
        });
        let (moved, wake) = match cleared(review, one) {
            Ok(cleared) => {
                let message = encoded(&cleared, trace)?;
                let moved = fresh.and_then(|fresh| review.clear(cleared.verdict(), fresh, now));
                (moved, Some(Wake { queue: Queue::Cleared, message }))
            }
            Err(Refusal::Blocked(code)) => (review.block(&code, fresh, now), None),
            Err(Refusal::NotGenuine(detail)) => {
                tracing::error!(trace_id = %trace, code = "review_forged", "not sent: {detail}");
                (review.block("review_forged", fresh, now), None)
            }
        };
        match moved {
            Some(moved) => self.end(review, moved, wake, trace).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Writes the end of a review, and what goes on with it.
    async fn end(
        &self,
        before: &Review,
        moved: Moved,
        wake: Option<Wake>,
        trace: sluice_domain::id::TraceId,
    ) -> Result<Option<OutboundMessage>, StageError> {
        let state = moved.review.state.name();
        let advanced = self.store.advance_review(moved.review, wake).await;
        match advanced.map_err(|error| StageError::port(&error, trace))? {
            Advanced::Done => {
                let (tenant, code) = (&before.key.tenant, before.decision.main_code());
                tracing::info!(trace_id = %trace, %tenant, code, "reviewed: {state}");
                self.metrics.count(Signal::ReviewEnded { state: state.as_str() });
                if state == sluice_domain::review::StateName::Cleared {
                    self.metrics.count(Signal::Cleared);
                }
                Ok(None)
            }
            // Somebody was quicker; whatever they wrote is found when the message comes again.
            Advanced::Overtaken(_) => Err(StageError {
                kind: sluice_domain::failure::FailureKind::Retry,
                code: "review_overtaken",
                detail: "the review changed while it was ended".to_owned(),
                trace_id: Some(trace),
            }),
            Advanced::Unknown => Ok(None),
        }
    }
}

/// Why an approved event does not go on.
enum Refusal {
    Blocked(String),
    NotGenuine(String),
}

/// What the rules say now.
fn fresh<'a>(one: &'a Decided<'_>) -> Option<&'a Decision> {
    match &one.record.disposition {
        Disposition::Decided { decision } => Some(decision),
        Disposition::Recorded { .. } | Disposition::Unhandled => None,
    }
}

fn cleared(review: &Review, one: &Decided<'_>) -> Result<Cleared, Refusal> {
    let approval =
        review.approval(&one.event, &one.keys).map_err(|error| Refusal::NotGenuine(error.to_string()))?;
    // No route takes such events any more.
    let fresh = fresh(one).ok_or_else(|| Refusal::Blocked("route_gone".to_owned()))?;
    let at = one.record.decided_at;
    Cleared::reviewed(&approval, fresh, &one.tenant.rules, one.event.clone(), at, &one.keys).map_err(
        |error| match error {
            ClearanceError::Blocked(code) => Refusal::Blocked(code),
            ClearanceError::NoPerson => Refusal::Blocked("person_unknown".to_owned()),
            ClearanceError::NotAllowed(_) | ClearanceError::OtherEvent | ClearanceError::Forged => {
                Refusal::NotGenuine(error.to_string())
            }
        },
    )
}
