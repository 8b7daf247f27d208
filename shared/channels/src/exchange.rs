//! One request and what came back; tokens; and what it all means for the delivery.

use serde_json::Value;
use sluice_domain::delivery::Outcome;
use sluice_domain::id::TenantId;
use sluice_ports::{Clock, HttpClient, HttpRequest, SecretStore, SecretVersions, TransportError};

use crate::application::Application;
use crate::blocks::wait_ms;
use crate::call::Payload;
use crate::channels::{Channels, Errand};
use crate::message::SendReport;
use crate::reading::{Dialect, Reading, Ruling};
use crate::refusal::Refusal;
use crate::tokens::{Token, TokenKey};
use crate::verdict::{Scope, Verdict, Wait};
use crate::{echo, text};

/// An answer, or why there is none.
pub(crate) struct Heard(Result<Reading, TransportError>);

impl Heard {
    fn verdict(&self) -> Option<Verdict> {
        match &self.0 {
            Ok(Reading { ruling: Ruling::Listed(row), .. }) => Some(row.verdict),
            _ => None,
        }
    }

    pub(crate) fn asks_for_another_token(&self) -> bool {
        self.verdict() == Some(Verdict::RefreshToken)
    }

    pub(crate) fn asks_for_another_sign(&self) -> bool {
        self.verdict() == Some(Verdict::SignAgain)
    }
}

impl<Http: HttpClient, Secrets: SecretStore, Time: Clock> Channels<Http, Secrets, Time> {
    /// Refuses while the endpoint is known to be blocked.
    pub(crate) fn unblocked(&self, errand: Errand<'_>) -> Result<(), Refusal> {
        match self.blocks.until(errand.tenant, errand.endpoint, self.clock.now()) {
            Some(until) => Err(Refusal::new(Outcome::Throttled { until }, "blocked")),
            None => Ok(()),
        }
    }

    pub(crate) async fn secret(&self, tenant: &TenantId, name: &str) -> Result<SecretVersions, Refusal> {
        self.secrets.secret(tenant, name).await.map_err(|error| Refusal::secret(&error))
    }

    pub(crate) async fn exchange(&self, dialect: &'static Dialect, request: HttpRequest) -> Heard {
        Heard(self.http.send(request).await.map(|answer| dialect.read(&answer)))
    }

    /// Sends with a token; when the platform calls it dead, once more with another one.
    pub(crate) async fn with_token(
        &self,
        errand: Errand<'_>,
        application: Application<'_>,
        secret: &str,
    ) -> Result<SendReport, Refusal> {
        let payload = application.payload(errand.message)?;
        let key = TokenKey {
            tenant: errand.tenant.clone(),
            platform: application.dialect().name,
            account: application.account(),
            secret: secret.to_owned(),
        };
        let token = self.token(errand, application, &key).await?;
        self.paced(application)?;
        let mut heard = self.sent(application, &token, &payload).await?;
        if heard.verdict() == Some(Verdict::RefreshToken) {
            self.tokens.forget(&key, &token).await;
            let token = self.token(errand, application, &key).await?;
            heard = self.sent(application, &token, &payload).await?;
        }
        let accepted = |body: &Value| application.accepted(body);
        Ok(self.conclude(errand, application.dialect(), &payload, heard, accepted))
    }

    /// Holds back what the platform would drop in silence.
    fn paced(&self, application: Application<'_>) -> Result<(), Refusal> {
        let Application::Wecom { members, .. } = application else { return Ok(()) };
        self.pace
            .admit(&application.account(), members, self.clock.now())
            .map_err(|until| Refusal::new(Outcome::Throttled { until }, "paced"))
    }

    async fn sent(
        &self,
        application: Application<'_>,
        token: &Token,
        payload: &Payload,
    ) -> Result<Heard, Refusal> {
        let request = application.request(&self.endpoints, token.expose(), payload)?;
        Ok(self.exchange(application.dialect(), request).await)
    }

    pub(crate) async fn token(
        &self,
        errand: Errand<'_>,
        application: Application<'_>,
        key: &TokenKey,
    ) -> Result<Token, Refusal> {
        let fetch = async {
            // Whoever waited for another caller's fetch must not repeat it when it was throttled.
            self.unblocked(errand)?;
            let secret = self.secret(errand.tenant, &key.secret).await?.current;
            let request = application.token_request(&self.endpoints, &secret)?;
            let heard = self.exchange(application.dialect(), request).await;
            self.issued(errand, application, heard)
        };
        self.tokens.get(key, self.clock.now(), fetch).await
    }

    /// The token in an answer. Whatever went wrong here, no message has left yet: nothing is ever unclear.
    fn issued(
        &self,
        errand: Errand<'_>,
        application: Application<'_>,
        heard: Heard,
    ) -> Result<Token, Refusal> {
        let reading = match heard.0 {
            Ok(reading) => reading,
            Err(TransportError::BadRequest(_)) => return Err(Refusal::endpoint("bad_request")),
            Err(_) => return Err(Refusal::new(Outcome::Transient, "token_no_answer")),
        };
        // WeChat's token answers hold no code when they succeed.
        if reading.ruling == Ruling::Accepted || (reading.codeless && reading.code == "http_200") {
            return match application.token_in(&reading.body).filter(|(token, _)| !token.is_empty()) {
                Some((token, seconds)) => Ok(Token::issued(token, self.clock.now(), seconds)),
                None => Err(Refusal::new(Outcome::Transient, "token_unreadable")),
            };
        }
        let outcome = match self.outcome(errand, application.dialect(), &reading, |_| Outcome::Transient) {
            Outcome::Unclear => Outcome::Transient,
            // A secret that is refused, whatever the platform calls it: no message, no recipient was involved.
            Outcome::RecipientRefused { .. } | Outcome::ContentRefused { .. } | Outcome::TokenExpired => {
                Outcome::EndpointRefused
            }
            other => other,
        };
        Err(Refusal {
            outcome,
            code: reading.code,
            message: reading.message,
            provider_log_id: reading.log_id,
        })
    }

    /// The report of a send.
    pub(crate) fn conclude(
        &self,
        errand: Errand<'_>,
        dialect: &'static Dialect,
        payload: &Payload,
        heard: Heard,
        accepted: impl FnOnce(&Value) -> Outcome,
    ) -> SendReport {
        let request_sha256 = Some(payload.sha256());
        match heard.0 {
            Ok(reading) => SendReport {
                outcome: self.outcome(errand, dialect, &reading, accepted),
                message: reading.said().map(|words| echo::without(words, errand.message)),
                code: Some(reading.code),
                provider_log_id: reading.log_id,
                request_sha256,
            },
            Err(error) => Self::unanswered(&error, payload),
        }
    }

    /// The report of a send without an answer.
    pub(crate) fn unanswered(error: &TransportError, payload: &Payload) -> SendReport {
        let (outcome, code) = silent(error);
        SendReport {
            outcome,
            code: Some(code.to_owned()),
            message: Some(text::cut(&error.to_string(), echo::KEPT).to_owned()),
            provider_log_id: None,
            request_sha256: Some(payload.sha256()),
        }
    }

    fn outcome(
        &self,
        errand: Errand<'_>,
        dialect: &'static Dialect,
        reading: &Reading,
        accepted: impl FnOnce(&Value) -> Outcome,
    ) -> Outcome {
        match reading.ruling {
            Ruling::Accepted => accepted(&reading.body),
            Ruling::Listed(row) => self.decided(errand, row.verdict, reading.reset_seconds),
            Ruling::TooMany => {
                let verdict = Verdict::Throttle(Wait::ResetHeader, Scope::Endpoint);
                self.decided(errand, verdict, reading.reset_seconds)
            }
            Ruling::TooLarge => Outcome::ContentRefused { compliance: false },
            Ruling::ServerFault => Outcome::Transient,
            Ruling::Unreadable => Outcome::Unclear,
            Ruling::Unlisted => {
                let (platform, code) = (dialect.name, reading.code.as_str());
                tracing::error!(platform, code, "code {code} of {platform} is in no table");
                Outcome::EndpointRefused
            }
        }
    }

    pub(crate) fn decided(
        &self,
        errand: Errand<'_>,
        verdict: Verdict,
        reset_seconds: Option<i64>,
    ) -> Outcome {
        let now = self.clock.now();
        let (tenant, endpoint) = (errand.tenant, errand.endpoint);
        match verdict {
            Verdict::Duplicate => Outcome::Delivered { provider_id: None },
            Verdict::Transient => Outcome::Transient,
            Verdict::Recipient { opt_out } => Outcome::RecipientRefused { opt_out },
            Verdict::Content { compliance } => Outcome::ContentRefused { compliance },
            // Token and sign were renewed once before this.
            Verdict::RefreshToken | Verdict::SignAgain | Verdict::Endpoint => Outcome::EndpointRefused,
            Verdict::Throttle(wait, Scope::Endpoint) => {
                let until = self.blocks.throttled(tenant, endpoint, now, wait, reset_seconds);
                Outcome::Throttled { until }
            }
            Verdict::Throttle(wait, Scope::Recipient) => {
                Outcome::Throttled { until: now.plus_ms(wait_ms(wait, 0, reset_seconds)) }
            }
            Verdict::Quota(refill) => {
                Outcome::QuotaExhausted { until: self.blocks.exhausted(tenant, endpoint, now, refill) }
            }
        }
    }
}

fn silent(error: &TransportError) -> (Outcome, &'static str) {
    match error {
        TransportError::NotSent(_) => (Outcome::Transient, "not_sent"),
        TransportError::NoAnswer(_) => (Outcome::Unclear, "no_answer"),
        TransportError::BadAnswer(_) => (Outcome::Unclear, "bad_answer"),
        TransportError::BadRequest(_) => (Outcome::EndpointRefused, "bad_request"),
        // A failure that is not known yet may have sent the message.
        _ => (Outcome::Unclear, "transport"),
    }
}
