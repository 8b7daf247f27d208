use std::time::Duration;

use sluice_domain::failure::FailureKind;
use sluice_domain::id::TenantId;
use sluice_domain::safety::{Answer, SafetyPolicy};
use sluice_ports::{Clock, HttpClient, HttpRequest, HttpResponse, SecretStore, TransportError};

use crate::endpoints::Endpoints;
use crate::error::{CensorError, Trouble};
use crate::reading::{Judged, Refused, issued, judged};
use crate::request::{self, MOST_TEXTS};
use crate::token::{Token, TokenKey, Tokens};

/// How long one request may take.
pub const TIMEOUT: Duration = Duration::from_secs(3);

/// With whose credentials which API is asked.
#[derive(Debug, Clone, Copy)]
pub struct Application<'a> {
    /// Whose.
    pub tenant: &'a TenantId,
    /// Which API, application and secret.
    pub policy: &'a SafetyPolicy,
}

/// Asks Douyin's text censors. One per process: it keeps the tokens.
#[derive(Debug)]
pub struct Censor<Http, Secrets, Time> {
    endpoints: Endpoints,
    http: Http,
    secrets: Secrets,
    clock: Time,
    tokens: Tokens,
}

impl<Http: HttpClient, Secrets: SecretStore, Time: Clock> Censor<Http, Secrets, Time> {
    /// Over these ports.
    pub fn new(endpoints: Endpoints, http: Http, secrets: Secrets, clock: Time) -> Self {
        Self { endpoints, http, secrets, clock, tokens: Tokens::default() }
    }

    /// Asks once about one to [`MOST_TEXTS`] texts together: a hit in one of them is a hit.
    ///
    /// # Errors
    /// [`CensorError`], by cause; never with a text.
    pub async fn check(&self, of: Application<'_>, texts: &[&str]) -> Result<Answer, CensorError> {
        if !(1..=MOST_TEXTS).contains(&texts.len()) {
            let detail = format!("expected 1 to {MOST_TEXTS} texts, got {}", texts.len());
            return Err(CensorError::new(Trouble::Parameter, detail));
        }
        let Application { tenant, policy } = of;
        let key = TokenKey {
            tenant: tenant.clone(),
            api: policy.api,
            app_id: policy.app_id.clone(),
            secret: policy.secret.clone(),
        };
        let token = self.token(&key).await?;
        let judged = match self.asked(&key, &token, texts).await {
            Err(Refused::Token(_)) => {
                self.tokens.forget(&key, &token).await;
                let token = self.token(&key).await?;
                self.asked(&key, &token, texts).await
            }
            judged => judged,
        };
        let Judged { hits, log_id } = judged.map_err(Refused::into_error)?;
        Ok(Answer { hits, log_id, at: self.clock.now() })
    }

    async fn asked(&self, key: &TokenKey, token: &Token, texts: &[&str]) -> Result<Judged, Refused> {
        let request = request::check(key.api, &self.endpoints, &key.app_id, token.expose(), texts);
        let answer = self.sent(request.map_err(Refused::Other)?).await.map_err(Refused::Other)?;
        judged(key.api, &answer, texts.len())
    }

    async fn token(&self, key: &TokenKey) -> Result<Token, CensorError> {
        let fetch = async {
            let secret = self.secrets.secret(&key.tenant, &key.secret).await;
            let secret = secret.map_err(|error| {
                let trouble = match error.kind() {
                    FailureKind::Configuration | FailureKind::Permanent => Trouble::Secret,
                    FailureKind::Retry | FailureKind::InDoubt | FailureKind::ThrottledUntil(_) => {
                        Trouble::SecretStore
                    }
                };
                CensorError::new(trouble, error.to_string())
            })?;
            let secret = secrecy::ExposeSecret::expose_secret(&secret.current).to_owned();
            let request = request::token(key.api, &self.endpoints, &key.app_id, &secret);
            let issued = issued(&self.sent(request).await?)?;
            Ok(Token::issued(issued, self.clock.now()))
        };
        self.tokens.get(key, self.clock.now(), fetch).await
    }

    async fn sent(&self, request: HttpRequest) -> Result<HttpResponse, CensorError> {
        match tokio::time::timeout(TIMEOUT, self.http.send(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let trouble = match &error {
                    TransportError::NotSent(_) => Trouble::NotSent,
                    TransportError::BadRequest(_) => Trouble::Parameter,
                    _ => Trouble::NoAnswer,
                };
                Err(CensorError::new(trouble, error.to_string()))
            }
            Err(_) => Err(CensorError::new(Trouble::Timeout, format!("no answer in {TIMEOUT:?}"))),
        }
    }
}
