//! From texts to a finding: what is remembered, what is asked, and when that is given up.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sluice_censor::{Application, Censor, CensorError, MOST_TEXTS, Trouble};
use sluice_domain::id::TenantId;
use sluice_domain::safety::{Answer, DecidedBy, Finding, LogId, SafetyPolicy, TextDigest, normalised};
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;
use sluice_ports::{CheckedTexts, Clock, HttpClient, Place, PortError, SecretStore};
use sluice_telemetry::{Metrics, Signal};

/// So often a request is repeated whose trouble may pass.
pub const RETRIES: u32 = 2;
/// The pause before the first repeat; each next one is twice as long.
pub const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// What a tenant's check needs.
pub(crate) struct Check<'a, S, Http, Secrets, Time> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) policy: &'a SafetyPolicy,
    pub(crate) keys: &'a TenantKeys,
    pub(crate) store: &'a S,
    pub(crate) censor: &'a Censor<Http, Secrets, Time>,
    pub(crate) clock: &'a Time,
    pub(crate) metrics: &'a Metrics,
}

/// No answer, and why.
struct GivenUp {
    cause: &'static str,
    log_id: Option<LogId>,
}

impl<S, Http, Secrets, Time> Check<'_, S, Http, Secrets, Time>
where
    S: CheckedTexts,
    Http: HttpClient,
    Secrets: SecretStore,
    Time: Clock,
{
    /// What the texts of an event that was decided then are to the platform.
    ///
    /// # Errors
    /// The store's: nothing was decided.
    pub(crate) async fn find(
        &self,
        texts: &[(String, SecretString)],
        decided_at: UnixMillis,
    ) -> Result<Finding, PortError> {
        let mut texts: Vec<String> = texts.iter().map(|(_, text)| normalised(text.expose_secret())).collect();
        texts.retain(|text| !text.is_empty());
        texts.sort_unstable();
        texts.dedup();
        let now = self.clock.now();
        let (mut unknown, mut newest): (Vec<(String, TextDigest)>, Option<Answer>) = (Vec::new(), None);
        for text in texts {
            let digest = TextDigest::of(&text, self.policy.api, &self.policy.app_id, self.keys);
            match self.store.checked(self.tenant, &digest, now).await? {
                Some(answer) if answer.is_hit() => {
                    return Ok(Finding::answered(answer, DecidedBy::Cached, 0));
                }
                Some(answer) => newest = newest.max_by_time(answer),
                None => unknown.push((text, digest)),
            }
        }
        if unknown.is_empty() {
            return Ok(match newest {
                Some(answer) => Finding::answered(answer, DecidedBy::Cached, 0),
                None => Finding::unanswered("no_text", None, 0, now),
            });
        }
        if now >= self.policy.deadline(decided_at) {
            return Ok(Finding::unanswered("too_late", None, 0, now));
        }
        self.ask_about(&unknown).await
    }

    async fn ask_about(&self, unknown: &[(String, TextDigest)]) -> Result<Finding, PortError> {
        let (mut requests, mut last) = (0, None);
        for part in unknown.chunks(MOST_TEXTS) {
            let answer = match self.ask_patiently(part, &mut requests).await? {
                Ok(answer) => answer,
                Err(GivenUp { cause, log_id }) => {
                    return Ok(Finding::unanswered(cause, log_id, requests, self.clock.now()));
                }
            };
            self.remember(part, &answer).await?;
            if answer.is_hit() {
                return Ok(Finding::answered(answer, DecidedBy::Remote, requests));
            }
            last = Some(answer);
        }
        Ok(match last {
            Some(answer) => Finding::answered(answer, DecidedBy::Remote, requests),
            None => Finding::unanswered("no_text", None, requests, self.clock.now()),
        })
    }

    /// Asks, and asks again when the trouble may pass; each request is taken from the day's budget first.
    async fn ask_patiently(
        &self,
        part: &[(String, TextDigest)],
        requests: &mut u32,
    ) -> Result<Result<Answer, GivenUp>, PortError> {
        let texts: Vec<&str> = part.iter().map(|(text, _)| text.as_str()).collect();
        let of = Application { tenant: self.tenant, policy: self.policy };
        let mut pause = FIRST_PAUSE;
        let mut tries = 0;
        loop {
            let today = self.clock.now().business_day();
            if self.store.take_request(self.tenant, today, self.policy.per_day).await? == Place::Full {
                let cause = "quota_exhausted";
                self.metrics.count(Signal::ContentCheckFailed { cause });
                return Ok(Err(GivenUp { cause, log_id: None }));
            }
            *requests += 1;
            let CensorError { trouble, detail, log_id } = match self.censor.check(of, &texts).await {
                Ok(answer) => return Ok(Ok(answer)),
                Err(error) => error,
            };
            if trouble == Trouble::SecretStore {
                // As any store of ours that fails: the message comes back.
                return Err(PortError::Unavailable { what: "secrets", cause: detail });
            }
            let (tenant, cause) = (self.tenant, trouble.as_str());
            let log = log_id.as_ref().map_or("none", LogId::as_str);
            tracing::warn!(%tenant, code = cause, log_id = log, "no answer of the text censor: {detail}");
            self.metrics.count(Signal::ContentCheckFailed { cause });
            if tries >= RETRIES || !trouble.is_passing() {
                return Ok(Err(GivenUp { cause, log_id }));
            }
            tries += 1;
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
    }

    /// Keeps what an answer says of each text: that all of them are clean, or of a single one that it is not. Which of several was meant by a
    /// hit, the platform does not say for certain.
    async fn remember(&self, part: &[(String, TextDigest)], answer: &Answer) -> Result<(), PortError> {
        let Some(until) = self.policy.remembered_until(answer.at) else { return Ok(()) };
        if answer.is_hit() && part.len() > 1 {
            return Ok(());
        }
        for (_, digest) in part {
            self.store.remember(self.tenant, digest, answer.clone(), until).await?;
        }
        Ok(())
    }
}

/// The evidence of several remembered answers is the latest of them.
trait Newest {
    fn max_by_time(self, other: Answer) -> Self;
}

impl Newest for Option<Answer> {
    fn max_by_time(self, other: Answer) -> Self {
        match self {
            Some(answer) if answer.at >= other.at => Some(answer),
            _ => Some(other),
        }
    }
}
