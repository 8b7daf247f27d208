//! One request and what came back; tokens; and what it all means for the delivery.

use serde_json::Value;
use sluice_domain::delivery::Outcome;
use sluice_domain::id::TenantId;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, HttpClient, HttpRequest, SecretStore, SecretVersions, TransportError};

use crate::application::Application;
use crate::blocks::wait_ms;
use crate::call::Payload;
use crate::channels::{Channels, Errand};
use crate::limits::{Admitted, NotAdmitted};
use crate::message::SendReport;
use crate::reading::{Dialect, Reading, Ruling};
use crate::refusal::Refusal;
use crate::tokens::{Token, TokenKey};
use crate::verdict::{Scope, Verdict, Wait};
use crate::{echo, text};

/// An answer, or why there is none.
pub(crate) struct Heard(Result<Reading, TransportError>);

/// What is asked for before a message can leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// An access token.
    Token,
    /// The upload of an image.
    Upload,
}

impl Before {
    /// The code of what went wrong with it.
    fn code(self, what: &str) -> String {
        match self {
            Self::Token => format!("token_{what}"),
            Self::Upload => format!("upload_{what}"),
        }
    }
}

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

    /// Does the platform not know the image that was named? `also` are codes that say it among other things.
    pub(crate) fn asks_for_another_upload(&self, also: &[i64]) -> bool {
        match &self.0 {
            Ok(Reading { ruling: Ruling::Listed(row), .. }) => {
                row.verdict == Verdict::UploadAgain || also.contains(&row.code)
            }
            _ => false,
        }
    }

    pub(crate) fn asks_for_another_sign(&self) -> bool {
        self.verdict() == Some(Verdict::SignAgain)
    }
}

impl<Http: HttpClient, Secrets: SecretStore, Time: Clock> Channels<Http, Secrets, Time> {
    /// Holds back what would be one too many. The last thing before a call: a permit is for this moment.
    pub(crate) async fn admitted(&self, errand: Errand<'_>) -> Result<Admitted, Refusal> {
        match self.limits.admit(&self.shared, &self.clock, errand.needs).await {
            Ok(admitted) => Ok(admitted),
            Err(NotAdmitted::Until(name, until)) => {
                let until = off_the_half_hour(until, self.shared.offset());
                Err(Refusal::new(Outcome::Throttled { until }, format!("limit_{}", name.as_str())))
            }
            Err(NotAdmitted::Unknown(error)) => Err(Refusal::state(&error)),
        }
    }

    pub(crate) async fn secret(&self, tenant: &TenantId, name: &str) -> Result<SecretVersions, Refusal> {
        self.secrets.secret(tenant, name).await.map_err(|error| Refusal::secret(&error))
    }

    pub(crate) async fn exchange(&self, dialect: &'static Dialect, request: HttpRequest) -> Heard {
        Heard(self.http.send(request).await.map(|answer| dialect.read(&answer)))
    }

    /// The exchange of a call that has its permits.
    pub(crate) async fn exchange_admitted(
        &self,
        admitted: Admitted,
        dialect: &'static Dialect,
        request: HttpRequest,
    ) -> Heard {
        let heard = self.exchange(dialect, request).await;
        if heard.0.is_ok() {
            admitted.answered(self.clock.now().0);
        }
        heard
    }

    /// Sends with a token; when the platform calls it dead, once more with another one.
    pub(crate) async fn with_token(
        &self,
        errand: Errand<'_>,
        application: Application<'_>,
        secret: &str,
    ) -> Result<SendReport, Refusal> {
        if let Some(image) = &errand.message.image {
            return Box::pin(self.with_image(errand, application, secret, image)).await;
        }
        let payload = application.payload(errand.message)?;
        let key = TokenKey::of_token(errand.tenant, application, secret);
        let token = self.token(errand, application, &key).await?;
        let admitted = self.admitted(errand).await?;
        let mut heard = self.sent(admitted, application, &token, &payload).await?;
        if heard.verdict() == Some(Verdict::RefreshToken) {
            self.tokens.forget(&self.shared, &self.clock, &key, &token).await;
            let token = self.token(errand, application, &key).await?;
            let admitted = self.admitted(errand).await?;
            heard = self.sent(admitted, application, &token, &payload).await?;
        }
        let accepted = |body: &Value| application.accepted(body);
        Ok(self.conclude(errand, application.dialect(), &payload, heard, accepted).await)
    }

    pub(crate) async fn sent(
        &self,
        admitted: Admitted,
        application: Application<'_>,
        token: &Token,
        payload: &Payload,
    ) -> Result<Heard, Refusal> {
        let request = application.request(&self.endpoints, token.expose(), payload)?;
        Ok(self.exchange_admitted(admitted, application.dialect(), request).await)
    }

    pub(crate) async fn token(
        &self,
        errand: Errand<'_>,
        application: Application<'_>,
        key: &TokenKey,
    ) -> Result<Token, Refusal> {
        let fetch = async || {
            // Whoever waited for another caller's fetch must not repeat it when it was throttled.
            self.accounts.blocked(&self.shared, errand.at, self.clock.now()).await?;
            let secret = self.secret(errand.tenant, &key.of).await?.current;
            let request = application.token_request(&self.endpoints, &secret)?;
            let heard = self.exchange(application.dialect(), request).await;
            let (token, seconds) = self.given(errand, application, heard, Before::Token).await?;
            Ok(Token::issued(&token, self.clock.now(), seconds))
        };
        self.tokens.get(&self.shared, &self.clock, key, fetch).await.map_err(Refusal::from)
    }

    /// What an answer gave, and for how many seconds. Whatever went wrong here, no message has left yet: nothing is ever unclear.
    pub(crate) async fn given(
        &self,
        errand: Errand<'_>,
        application: Application<'_>,
        heard: Heard,
        before: Before,
    ) -> Result<(String, i64), Refusal> {
        let reading = match heard.0 {
            Ok(reading) => reading,
            Err(TransportError::BadRequest(_)) => return Err(Refusal::endpoint("bad_request")),
            Err(_) => return Err(Refusal::new(Outcome::Transient, before.code("no_answer"))),
        };
        // WeChat's answers to these hold no code when they succeed.
        if reading.ruling == Ruling::Accepted || (reading.codeless && reading.code == "http_200") {
            let given = match before {
                Before::Token => application.token_in(&reading.body),
                Before::Upload => application.media_in(&reading.body),
            };
            return match given.filter(|(given, _)| !given.is_empty()) {
                Some((given, seconds)) => Ok((given.to_owned(), seconds)),
                None => Err(Refusal::new(Outcome::Transient, before.code("unreadable"))),
            };
        }
        let ruled = self.outcome(errand, application.dialect(), &reading, |_| Outcome::Transient).await;
        let outcome = match ruled {
            Outcome::Unclear => Outcome::Transient,
            // The picture, and not the secret.
            Outcome::ContentRefused { compliance } if before == Before::Upload => {
                Outcome::ContentRefused { compliance }
            }
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
    pub(crate) async fn conclude(
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
                outcome: self.outcome(errand, dialect, &reading, accepted).await,
                message: reading.said().map(|words| echo::without(&words, errand.message)),
                code: Some(reading.code),
                provider_log_id: reading.log_id,
                request_sha256,
                endpoint: None,
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
            endpoint: None,
        }
    }

    async fn outcome(
        &self,
        errand: Errand<'_>,
        dialect: &'static Dialect,
        reading: &Reading,
        accepted: impl FnOnce(&Value) -> Outcome,
    ) -> Outcome {
        match reading.ruling {
            Ruling::Accepted => accepted(&reading.body),
            Ruling::Listed(row) => self.decided(errand, row.verdict, reading.reset_seconds).await,
            Ruling::TooMany => {
                let verdict = Verdict::Throttle(Wait::ResetHeader, Scope::Endpoint);
                self.decided(errand, verdict, reading.reset_seconds).await
            }
            Ruling::TooLarge => Outcome::ContentRefused { compliance: false },
            Ruling::ServerFault => Outcome::Transient,
            Ruling::Unreadable => Outcome::Unclear,
            Ruling::Unlisted => {
                let (platform, code) = (dialect.name, reading.code.as_str());
                tracing::error!(platform, code, "code {code} of {platform} is in no table");
                Outcome::UnknownCode
            }
        }
    }

    pub(crate) async fn decided(
        &self,
        errand: Errand<'_>,
        verdict: Verdict,
        reset_seconds: Option<i64>,
    ) -> Outcome {
        let now = self.clock.now();
        let (accounts, shared, at) = (&self.accounts, &self.shared, errand.at);
        match verdict {
            Verdict::Duplicate => Outcome::Delivered { provider_id: None },
            Verdict::Transient => Outcome::Transient,
            Verdict::Recipient { opt_out } => Outcome::RecipientRefused { opt_out },
            Verdict::Content { compliance } => Outcome::ContentRefused { compliance },
            // It was uploaded anew before this.
            Verdict::UploadAgain => Outcome::ContentRefused { compliance: false },
            // Token and sign were renewed once before this.
            Verdict::RefreshToken | Verdict::SignAgain | Verdict::Endpoint => Outcome::EndpointRefused,
            Verdict::Throttle(wait, Scope::Endpoint) => {
                let until = accounts.throttled(shared, at, now, wait, reset_seconds).await;
                Outcome::Throttled { until }
            }
            Verdict::Throttle(wait, Scope::Recipient) => {
                Outcome::Throttled { until: now.plus_ms(wait_ms(wait, 0, reset_seconds)) }
            }
            Verdict::Quota(refill) => {
                Outcome::QuotaExhausted { until: accounts.exhausted(shared, at, now, refill).await }
            }
        }
    }
}

/// Feishu (11232) and WeCom ask senders to keep off the full and half hour. What waits anyway comes a minute or two after it.
pub(crate) fn off_the_half_hour(until: UnixMillis, offset: u16) -> UnixMillis {
    const HALF_HOUR_MS: i64 = 30 * 60_000;
    const MINUTE_MS: i64 = 60_000;
    let past = until.0.rem_euclid(HALF_HOUR_MS);
    if past >= MINUTE_MS {
        return until;
    }
    until.plus_ms(MINUTE_MS - past + MINUTE_MS * i64::from(offset) / 65_536)
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
