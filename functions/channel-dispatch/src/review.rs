//! Rendered messages that wait for a review: opened at the last look, taken up again when somebody has answered, and closed with their delivery.
//!
//! The delivery waits while the review does. A message that comes while nobody has answered finds that, and is done; the one that goes on is
//! the answer's own ([`sluice_domain::review::Wakes`]).

use sluice_channels::Message;
use sluice_domain::decision::{Decision, Verdict};
use sluice_domain::delivery::{Delivery, DeliveryState, Outcome, WAITS_FOR_REVIEW};
use sluice_domain::progress::Assigned;
use sluice_domain::review::{Judgement, Point, RenderedText, Review, ReviewId, State};
use sluice_domain::rules::RULE_FAILED;
use sluice_domain::safety::CHECK;
use sluice_domain::script::{Rendered, Script};
use sluice_domain::sealed::exposed;
use sluice_domain::tenant::TenantKeys;
use sluice_ports::{
    Advanced, Clock, Entropy, ForReview, KeyRing, Nonces as _, PortError, Queue, Settlement, Written,
};
use sluice_settings::CurrentSettings;
use sluice_steps::{Stage as _, StageError};
use sluice_telemetry::Signal;

use crate::compose::{self, ComposeError};
use crate::handler::ChannelDispatch;
use crate::policy::History;
use crate::records::Records;
use crate::sender::Sender;
use crate::work::{Held, Work, attempt, withheld};

/// Not sent: the stored review, or one of its voices, is not what the tenant's key wrote.
const FORGED: &str = "review_forged";

/// Not sent: the image that was approved is not the script's any more.
const IMAGE_CHANGED: &str = "image_changed";

/// What the last look made of a delivery.
pub(crate) enum Composed {
    /// The message that may leave.
    Ready(Box<Message>),
    /// Texts that wait for a review, and why.
    Waits(Rendered, Box<Decision>),
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
    /// The review in which the message of a delivery waits or waited.
    pub(crate) async fn held(&self, delivery: &Delivery) -> Result<Option<Held>, PortError> {
        let (tenant, trace) = (delivery.key.tenant.clone(), delivery.trace_id);
        let review = self.store.review(&ReviewId { tenant, trace, point: Point::Message }).await?;
        Ok(review.map(|review| Held { review, fresh: None }))
    }

    /// Renders and looks a last time. Of a message that was reviewed the reviewed texts are looked at, and no others can leave.
    pub(crate) fn compose(&self, work: &mut Work<'_>, keys: &TenantKeys) -> Result<Composed, ComposeError> {
        let script = work.configured_script()?;
        let (rendered, at) = match &work.held {
            Some(held) => (of_review(&held.review, keys, script)?, held.review.approved_at()),
            None => (compose::rendered(work, keys)?, work.cleared.cleared_at()),
        };
        let event = work.cleared.event();
        let script = &work.delivery.assignment.script;
        let decision = compose::look(
            &rendered,
            script,
            Some(event.kind),
            work.destination,
            work.tenant,
            self.clock.now(),
        )?;
        self.tell_failed_rules(work, &decision);
        let judgement = match &work.held {
            Some(held) => judged(&held.review, &rendered, &decision, work, keys)?,
            None => match decision.verdict {
                Verdict::Allow | Verdict::AllowMasked => Judgement::GoesOn(decision.verdict),
                Verdict::Block => Judgement::Blocked(decision.main_code().to_owned()),
                Verdict::Review => return Ok(Composed::Waits(rendered, Box::new(decision))),
            },
        };
        let verdict = match &judgement {
            Judgement::GoesOn(verdict) => *verdict,
            Judgement::Blocked(_) => Verdict::Block,
        };
        if let Some(held) = &mut work.held {
            held.fresh = Some((verdict, decision));
        }
        match judgement {
            Judgement::GoesOn(_) => {
                compose::message(work, rendered, at, keys).map(Box::new).map(Composed::Ready)
            }
            Judgement::Blocked(code) => Err(ComposeError::NotAllowed(code)),
        }
    }

    /// Lets the message wait: the claim ends first, and the review is opened then. Whoever comes after a death between the two finds that it
    /// waits, and no review, and opens it; the other way round the attempt would never have ended, and its delivery would be in doubt.
    pub(crate) async fn wait_for_review(
        &self,
        work: &Work<'_>,
        rendered: &Rendered,
        decision: Decision,
        keys: &TenantKeys,
    ) -> Result<(), StageError> {
        let (event, tenant, trace) = (work.cleared.event(), work.tenant, work.cleared.event().trace_id);
        let port = |error: PortError| StageError::port(&error, trace);
        self.keep_waiting(work).await?;
        let assigned = Assigned::of(work.cleared.clone(), work.delivery.assignment.clone(), keys);
        let assigned = serde_json::to_string(&assigned)
            .map_err(|error| StageError::permanent("not_reviewable", error.to_string(), Some(trace)))?;
        let texts = rendered.parts();
        let texts: Vec<_> = texts.iter().map(|(field, text)| RenderedText { field, text }).collect();
        let (safety, now) = (tenant.safety.as_ref(), self.clock.now());
        let opening = tenant.review.opening(decision, &tenant.rules, safety, now);
        let review = Review::of_message(event, assigned, &texts, opening, keys, || self.entropy.nonce());
        let review = review.map_err(|error| StageError {
            kind: error.kind(),
            code: "unsealable",
            detail: error.to_string(),
            trace_id: Some(trace),
        })?;
        let review = match self.store.open_review(review.clone()).await.map_err(port)? {
            Written::New => {
                let (code, tenant) = (review.decision.main_code(), &tenant.id);
                tracing::info!(step = Self::NAME, trace_id = %trace, %tenant, code, "waits for a review: {code}");
                self.metrics.count(Signal::ReviewOpened { point: Point::Message.as_str() });
                review
            }
            Written::Existing(stored) => stored,
        };
        self.ask_check(&review).await.map_err(port)
    }

    /// How a delivery goes on whose review is not approved; `None` when it is.
    pub(crate) async fn not_approved(
        &self,
        work: &Work<'_>,
        Held { review, .. }: &Held,
        history: History,
    ) -> Option<Result<(), StageError>> {
        let code = match &review.state {
            State::Approved { .. } => return None,
            State::Open if self.clock.now() < review.deadline => {
                // The process may have died before the first request was sent.
                let asked = self.ask_check(review).await;
                let asked = asked.map_err(|error| StageError::port(&error, review.trace_id));
                return Some(self.keep_waiting(work).await.and(asked));
            }
            State::Open | State::Expired { .. } => "review_expired",
            State::Rejected { .. } => "review_rejected",
            State::Blocked { code, .. } => code,
            // It is closed after its delivery; whoever won a claim on it stands before something that nobody wrote.
            State::Cleared { .. } => FORGED,
        };
        Some(self.settle(work, withheld(code), history.refusal()).await)
    }

    /// Closes the review of a delivery that is settled: it went on, or it was withheld after all.
    pub(crate) async fn close(
        &self,
        Held { review, fresh }: &Held,
        settlement: &Settlement,
        withheld: Option<&str>,
    ) -> Result<(), PortError> {
        let refused_by = withheld.filter(|_| *settlement == Settlement::Refused);
        self.end_review(review, fresh.clone(), refused_by).await
    }

    /// Closes a review that a process left behind which died right after it had settled the delivery.
    pub(crate) async fn close_settled(&self, delivery: &Delivery) -> Result<(), PortError> {
        let Some(Held { review, .. }) = self.held(delivery).await? else { return Ok(()) };
        let last = delivery.attempts.last().and_then(|attempt| attempt.outcome.as_ref());
        let withheld = last.and_then(Outcome::withheld_by);
        self.end_review(&review, None, withheld.filter(|_| delivery.state == DeliveryState::Refused)).await
    }

    async fn end_review(
        &self,
        review: &Review,
        fresh: Option<(Verdict, Decision)>,
        withheld: Option<&str>,
    ) -> Result<(), PortError> {
        let now = self.clock.now();
        let moved = match (&review.state, withheld) {
            (State::Open, code) => {
                review.expire(now).or_else(|| review.block(code.unwrap_or("not_repeated"), None, now))
            }
            (State::Approved { .. }, Some(code)) => {
                review.block(code, fresh.map(|(_, decision)| decision), now)
            }
            // What the rules said at the moment of sending went with the process, if it died: what was reviewed stands for it.
            (State::Approved { .. }, None) => {
                let (verdict, decision) =
                    fresh.unwrap_or_else(|| (Verdict::AllowMasked, review.decision.clone()));
                review.clear(verdict, decision, now)
            }
            (
                State::Cleared { .. }
                | State::Blocked { .. }
                | State::Rejected { .. }
                | State::Expired { .. },
                _,
            ) => None,
        };
        let Some(moved) = moved else { return Ok(()) };
        let (trace_id, tenant, state) = (review.trace_id, &review.key.tenant, moved.review.state.name());
        let code = review.decision.main_code().to_owned();
        // Nothing is woken: the delivery is settled.
        match self.store.advance_review(moved.review, None).await? {
            Advanced::Done => {
                tracing::info!(step = Self::NAME, %trace_id, %tenant, code, "reviewed: {state}");
                self.metrics.count(Signal::ReviewEnded { state: state.as_str() });
            }
            // Somebody ended it at the same moment; or answered, and their message finds the settled delivery.
            Advanced::Overtaken(_) | Advanced::Unknown => {}
        }
        Ok(())
    }

    /// Ends the claim of a message that waits, with nothing to wait for on its queue.
    async fn keep_waiting(&self, work: &Work<'_>) -> Result<(), StageError> {
        let now = self.clock.now();
        let attempt = attempt(&work.delivery, withheld(WAITS_FOR_REVIEW), work.script_hash(), now);
        let ended = self.end(&work.delivery, work.owner, attempt, Settlement::Waiting { until: now }).await;
        ended.map(drop).map_err(|error| StageError::port(&error, work.delivery.trace_id))
    }

    /// Sends a review that waits for its check to the `checks` queue.
    async fn ask_check(&self, review: &Review) -> Result<(), PortError> {
        let request = if review.awaits(CHECK) { ForReview::check_of(review) } else { None };
        let Some(request) = request else { return Ok(()) };
        let failures = self.store.send(Queue::Checks, vec![request]).await;
        failures.into_iter().next().map_or(Ok(()), |failure| Err(failure.error))
    }

    /// A rule that could not be asked withholds the message, and must be seen.
    fn tell_failed_rules(&self, work: &Work<'_>, decision: &Decision) {
        let (trace_id, tenant) = (work.delivery.trace_id, &work.tenant.id);
        for reason in decision.reasons.iter().filter(|reason| reason.code == RULE_FAILED) {
            let rule = &reason.rule;
            tracing::error!(step = Self::NAME, %trace_id, %tenant, %rule, code = RULE_FAILED, "withheld: rule {rule} has no value for this message");
            self.metrics.count(Signal::RuleFailed { rule: rule.as_str() });
        }
    }
}

/// What a review holds. An image is in it by its hash: once the script has another one, the approved one can not be sent.
fn of_review(review: &Review, keys: &TenantKeys, script: &Script) -> Result<Rendered, ComposeError> {
    let parts = review.texts(keys)?;
    let parts = parts.iter().map(|(name, text)| (name.as_str(), exposed(text)));
    Rendered::of_parts(parts, script.image_file.as_ref())
        .ok_or_else(|| ComposeError::NotAllowed(IMAGE_CHANGED.to_owned()))
}

/// What the approval means to what the rules say now: it is of these texts, by these people, for these reasons, or it is none.
fn judged(
    review: &Review,
    rendered: &Rendered,
    decision: &Decision,
    work: &Work<'_>,
    keys: &TenantKeys,
) -> Result<Judgement, ComposeError> {
    let texts = rendered.parts();
    let texts: Vec<_> = texts.iter().map(|(field, text)| RenderedText { field, text }).collect();
    match review.approval_of_texts(work.cleared.event(), &texts, keys) {
        Ok(approval) => Ok(approval.judge(decision, &work.tenant.rules)),
        Err(error) => {
            tracing::error!(trace_id = %review.trace_id, code = FORGED, "not sent: {error}");
            Err(ComposeError::NotAllowed(FORGED.to_owned()))
        }
    }
}
