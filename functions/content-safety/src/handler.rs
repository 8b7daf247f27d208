use std::sync::Arc;

use futures_util::future::join_all;
use sluice_censor::Censor;
use sluice_domain::failure::FailureKind;
use sluice_domain::id::TraceId;
use sluice_domain::review::{Review, State, VoteError};
use sluice_domain::safety::{CHECK, CheckRequest, Finding, SafetyPolicy, Unanswered};
use sluice_domain::script::Rendered;
use sluice_domain::sealed::SealError;
use sluice_domain::settings::Settings;
use sluice_domain::tenant::TenantKeys;
use sluice_ports::{
    Advanced, CheckedTexts, Clock, HttpClient, KeyRing, Outbox, PortError, Queue, Reviews, SecretStore, Wake,
};
use sluice_settings::CurrentSettings;
use sluice_steps::{Stage, StageError};
use sluice_telemetry::{Metrics, Signal};

use crate::ask::Check;

/// So often a voice is counted anew when somebody else changed the review meanwhile.
const TRIES: usize = 5;

/// The handler, over its ports.
pub struct ContentSafety<S, K, Time, Http, Secrets, P = Arc<Settings>> {
    /// The configuration: whose texts are checked, and how.
    pub settings: P,
    /// Reviews, remembered answers, budgets and the outbox.
    pub store: S,
    /// The tenants' keys.
    pub keys: K,
    /// The platform's censors.
    pub censor: Censor<Http, Secrets, Time>,
    /// The time.
    pub clock: Time,
    /// What is counted.
    pub metrics: Metrics,
}

impl<S, K, Time, Http, Secrets, P> Stage for ContentSafety<S, K, Time, Http, Secrets, P>
where
    S: Reviews + CheckedTexts + Outbox,
    K: KeyRing,
    Time: Clock,
    Http: HttpClient,
    Secrets: SecretStore,
    P: CurrentSettings,
{
    const NAME: &'static str = "content-safety";
    const INBOX: Queue = Queue::Checks;
    type Input = CheckRequest;

    async fn handle(&self, batch: Vec<CheckRequest>) -> Vec<Result<(), StageError>> {
        // Side by side: nearly all of the time is the platform's.
        join_all(batch.iter().map(|request| self.answer(request))).await
    }
}

impl<S, K, Time, Http, Secrets, P> ContentSafety<S, K, Time, Http, Secrets, P>
where
    S: Reviews + CheckedTexts + Outbox,
    K: KeyRing,
    Time: Clock,
    Http: HttpClient,
    Secrets: SecretStore,
    P: CurrentSettings,
{
    async fn answer(&self, request: &CheckRequest) -> Result<(), StageError> {
        let trace = request.trace;
        let port = |error: PortError| StageError::port(&error, trace);
        let settings = self.settings.current();
        let Some(tenant) = settings.tenants.get(&request.tenant) else {
            return Err(unknown_tenant(request));
        };
        let Some(review) = self.store.review(&request.review()).await.map_err(port)? else {
            // It is written before the request is sent: something is wrong, and it stays visible.
            return Err(StageError {
                kind: FailureKind::Retry,
                code: "review_missing",
                detail: "there is no such review".to_owned(),
                trace_id: Some(trace),
            });
        };
        if let State::Approved { .. } = review.state {
            return self.wake_again(&review).await.map_err(port);
        }
        if !review.awaits(CHECK) {
            return Ok(());
        }
        let keys = self.keys.keys(&request.tenant).await.map_err(port)?;
        // Before anything is shown to anybody: whoever merely writes the store has no text checked.
        if !review.is_genuine(&keys) {
            return Err(forged(trace));
        }
        let now = self.clock.now();
        if let Some(expired) = review.expire(now) {
            // Overtaken: somebody ended it at the same moment.
            let wake = Wake::of(&expired);
            let _advanced = self.store.advance_review(expired.review, wake).await.map_err(port)?;
            self.metrics.count(Signal::ReviewEnded { state: "expired" });
            return Ok(());
        }
        let Some(policy) = &tenant.safety else {
            // Taken out of the configuration since: people decide.
            let finding = Finding::unanswered("not_configured", None, 0, now);
            return self.conclude(review, finding, Unanswered::Review, &keys).await;
        };
        let finding = self.find(&review, policy, &keys).await?;
        self.conclude(review, finding, policy.unanswered, &keys).await
    }

    async fn find(
        &self,
        review: &Review,
        policy: &SafetyPolicy,
        keys: &TenantKeys,
    ) -> Result<Finding, StageError> {
        let trace = review.trace_id;
        let mut texts = review.texts(keys).map_err(|error| unsealable(&error, trace))?;
        // Which image it is says nothing that a censor of texts could judge; what can be read on it is a text of its own.
        texts.retain(|(field, _)| field != Rendered::IMAGE);
        let check = Check {
            tenant: &review.key.tenant,
            policy,
            keys,
            store: &self.store,
            censor: &self.censor,
            clock: &self.clock,
            metrics: &self.metrics,
        };
        check.find(&texts, review.opened_at).await.map_err(|error| StageError::port(&error, trace))
    }

    /// Counts the finding as the machine's voice, unless somebody has decided meanwhile.
    async fn conclude(
        &self,
        mut review: Review,
        finding: Finding,
        unanswered: Unanswered,
        keys: &TenantKeys,
    ) -> Result<(), StageError> {
        let trace = review.trace_id;
        for _ in 0..TRIES {
            let moved = match review.found(finding.clone(), unanswered, self.clock.now(), keys) {
                Ok(moved) => moved,
                Err(VoteError::Forged) => return Err(forged(trace)),
                Err(
                    VoteError::NotOpen(_)
                    | VoteError::Overdue(_)
                    | VoteError::SamePerson
                    | VoteError::NotAsked
                    | VoteError::Full(_),
                ) => return Ok(()),
            };
            let wake = Wake::of(&moved);
            let advanced = self.store.advance_review(moved.review.clone(), wake).await;
            match advanced.map_err(|error| StageError::port(&error, trace))? {
                Advanced::Done => {
                    self.tell(&moved.review, &finding);
                    return Ok(());
                }
                Advanced::Overtaken(newer) => review = *newer,
                Advanced::Unknown => return Ok(()),
            }
        }
        Err(StageError {
            kind: FailureKind::Retry,
            code: "review_overtaken",
            detail: "the review kept changing while it was answered".to_owned(),
            trace_id: Some(trace),
        })
    }

    /// An approved review whose message may have been lost: the engine knows its own record.
    async fn wake_again(&self, review: &Review) -> Result<(), PortError> {
        let Some(Wake { queue, message }) = Wake::again(review) else { return Ok(()) };
        match self.store.send(queue, vec![message]).await.into_iter().next() {
            None => Ok(()),
            Some(failure) => Err(failure.error),
        }
    }

    fn tell(&self, review: &Review, finding: &Finding) {
        let (trace_id, tenant, state) = (review.trace_id, &review.key.tenant, review.state.name());
        let (outcome, decided_by) = (finding.outcome.as_str(), finding.decided_by.as_str());
        let words = finding.words();
        tracing::info!(step = Self::NAME, %trace_id, %tenant, code = outcome, decided_by, %state, "checked: {words}");
        self.metrics.count(Signal::ContentChecked { outcome });
        self.metrics.count(Signal::ContentCheckDecided { source: decided_by });
        if state.is_final() {
            self.metrics.count(Signal::ReviewEnded { state: state.as_str() });
        }
    }
}

fn unknown_tenant(request: &CheckRequest) -> StageError {
    StageError {
        kind: FailureKind::Configuration,
        code: "unknown_tenant",
        detail: format!("tenant `{}` is not configured", request.tenant),
        trace_id: Some(request.trace),
    }
}

fn unsealable(error: &SealError, trace: TraceId) -> StageError {
    StageError { kind: error.kind(), code: "unsealable", detail: error.to_string(), trace_id: Some(trace) }
}

fn forged(trace: TraceId) -> StageError {
    StageError::permanent("review_forged", "the stored review does not fit its tag", Some(trace))
}
