//! Channels that are not a platform's message API, and calls that send no message: replies, webhooks, welcome messages, links.

use serde_json::Value;
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::ACKNOWLEDGEMENT;
use sluice_domain::id::{DestinationId, TenantId};
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, HttpClient, HttpRequest, HttpResponse, SecretStore};

use crate::account::{At, EndpointHealth};
use crate::application::Application;
use crate::call::{self, Payload};
use crate::channels::{Channels, Errand};
use crate::exchange::Heard;
use crate::limits::needs;
use crate::message::{Message, Reply, SendReport};
use crate::refusal::Refusal;
use crate::tokens::{Token, TokenKey};
use crate::verdict::Verdict;
use crate::wechat::link::MiniProgramLink;
use crate::wecom::contact::{ContactWay, CustomerContact, MadeContactWay, Welcome};
use crate::{echo, webhook};

/// Another application is welcoming the contact (WW92599).
const ANOTHER_APPLICATION: &str = "41096";

/// A call that brought nothing; the report says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", .0.outcome.as_str(), .0.code.as_deref().unwrap_or("-"))]
pub struct CallError(pub Box<SendReport>);

/// A call with an access token: what it sends, where, until when.
struct Call<'a> {
    application: Application<'a>,
    secret: &'a str,
    payload: Payload,
    /// The address without the token.
    url: String,
    deadline: Option<UnixMillis>,
}

impl<Http: HttpClient, Secrets: SecretStore, Time: Clock> Channels<Http, Secrets, Time> {
    /// Answers a person on Douyin, in the time in which that is possible.
    pub(crate) async fn douyin(
        &self,
        errand: Errand<'_>,
        client_key: &str,
        refresh_token: &str,
        acknowledge: &str,
    ) -> Result<SendReport, Refusal> {
        if acknowledge != ACKNOWLEDGEMENT {
            return Err(Refusal::endpoint("not_acknowledged"));
        }
        let Some(reply) = errand.message.reply.as_ref().filter(|reply| !reply.account().is_empty()) else {
            return Err(Refusal::unreachable("nothing_to_reply_to"));
        };
        if matches!(reply, Reply::Message { until, .. } if *until <= self.clock.now()) {
            return Err(Refusal::unreachable("reply_window_over"));
        }
        self.with_token(errand, Application::Douyin { client_key, reply }, refresh_token).await
    }

    /// Posts to the company's own system.
    pub(crate) async fn webhook(
        &self,
        errand: Errand<'_>,
        url: &str,
        secret: &str,
        private: bool,
    ) -> Result<SendReport, Refusal> {
        let payload = webhook::payload(errand.message)?;
        let secret = self.secret(errand.tenant, secret).await?;
        let secrets: Vec<&str> = std::iter::once(&secret.current)
            .chain(&secret.previous)
            .map(secrecy::ExposeSecret::expose_secret)
            .collect();
        let seconds = self.clock.now().as_secs();
        let admitted = self.admitted(errand).await?;
        let request = webhook::request(url, private, errand.message, &secrets, seconds, &payload)?;
        let answer = match self.http.send(request).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Self::unanswered(&error, &payload)),
        };
        admitted.answered(self.clock.now().0);
        Ok(SendReport {
            outcome: match webhook::verdict(answer.status) {
                None => Outcome::Delivered { provider_id: None },
                Some(verdict) => self.decided(errand, verdict, webhook::retry_after(&answer)).await,
            },
            code: Some(format!("http_{}", answer.status.as_u16())),
            message: refused_words(&answer, errand.message),
            provider_log_id: None,
            request_sha256: Some(payload.sha256()),
            endpoint: None,
        })
    }

    /// Sends a welcome message (WW92599), once and within the 20 s after the event, or not at all: `welcome_too_late`.
    ///
    /// The caller has the event at hand; there is no queue in between. An answer that got lost is [`Outcome::Unclear`] and not
    /// repeated; only [`Outcome::Transient`] (41096 and passing faults) may be, while there is time.
    ///
    /// The application has a circuit breaker of its own: after a refusal of everybody, or five faults in a row, nothing is asked but by one contact at a
    /// time, and the report says [`Outcome::Throttled`] with the code `endpoint_open`. It mends itself.
    pub async fn welcome(
        &self,
        tenant: &TenantId,
        endpoint: &DestinationId,
        contact: CustomerContact<'_>,
        welcome: &Welcome,
    ) -> SendReport {
        let message = Message { text: welcome.text.clone(), ..Message::default() };
        let (at, needs) =
            (contact.at(tenant, endpoint), needs::of_contact(tenant, contact.corp_id, Welcome::API));
        let errand = Errand { tenant, message: &message, at: &at, needs: &needs };
        let sent = async {
            self.in_time(Some(welcome.deadline()))?;
            self.accounts.may_leave(&self.shared, errand.at, self.clock.now()).await?;
            let call = Call {
                deadline: Some(welcome.deadline()),
                ..self.contact_call(contact, Welcome::API, welcome.payload()?)
            };
            let (report, _) = self.carry_out(errand, call).await?;
            Ok::<_, Refusal>(report)
        };
        let mut report = sent.await.unwrap_or_else(Refusal::into_report);
        // Of another application that is at it, this one is no worse.
        if report.code.as_deref() != Some(ANOTHER_APPLICATION) {
            self.hear(&at, &mut report).await;
        }
        report
    }

    /// A welcome was given up while it was sent; says how the endpoint is, if that changed it.
    pub async fn welcome_unanswered(
        &self,
        tenant: &TenantId,
        endpoint: &DestinationId,
        contact: CustomerContact<'_>,
    ) -> Option<EndpointHealth> {
        let (at, now) = (contact.at(tenant, endpoint), self.clock.now());
        self.accounts.heard(&self.shared, &at, &Outcome::Unclear, "no_answer", now).await
    }

    /// Makes a contact-me entry (WW96348). A repeat makes another one: keep what comes back.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn contact_way(
        &self,
        tenant: &TenantId,
        endpoint: &DestinationId,
        contact: CustomerContact<'_>,
        way: &ContactWay,
    ) -> Result<MadeContactWay, CallError> {
        let message = Message::default();
        let (at, needs) =
            (contact.at(tenant, endpoint), needs::of_contact(tenant, contact.corp_id, ContactWay::API));
        let errand = Errand { tenant, message: &message, at: &at, needs: &needs };
        let made = async {
            let call = self.contact_call(contact, ContactWay::API, way.payload()?);
            self.carry_out(errand, call).await
        };
        found(made.await, ContactWay::in_answer)
    }

    /// Makes a link into a mini-program, for one person who has just clicked.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn mini_program_link(
        &self,
        tenant: &TenantId,
        endpoint: &DestinationId,
        (app_id, secret): (&str, &str),
        link: &MiniProgramLink,
    ) -> Result<String, CallError> {
        let message = Message::default();
        let at = At::named(tenant, ("wechat_links", app_id), endpoint);
        let errand = Errand { tenant, message: &message, at: &at, needs: &[] };
        let made = async {
            let call = Call {
                application: Application::Wechat { app_id },
                secret,
                payload: link.payload()?,
                url: format!("{}/wxa/{}", self.endpoints.wechat(), link.api()),
                deadline: None,
            };
            self.carry_out(errand, call).await
        };
        found(made.await, |body| link.in_answer(body).map(str::to_owned))
    }

    fn contact_call<'a>(&self, contact: CustomerContact<'a>, api: &str, payload: Payload) -> Call<'a> {
        Call {
            application: Application::Wecom {
                corp_id: contact.corp_id,
                agent_id: contact.agent_id,
                members: &[],
            },
            secret: contact.secret,
            payload,
            url: format!("{}/cgi-bin/externalcontact/{api}", self.endpoints.wecom()),
            deadline: None,
        }
    }

    /// Calls with a token; when the platform calls it dead, once more with another one. The body comes with a success.
    async fn carry_out(
        &self,
        errand: Errand<'_>,
        call: Call<'_>,
    ) -> Result<(SendReport, Option<Value>), Refusal> {
        self.accounts.blocked(&self.shared, errand.at, self.clock.now()).await?;
        self.in_time(call.deadline)?;
        let dialect = call.application.dialect();
        let key = TokenKey::of_token(errand.tenant, call.application, call.secret);
        let token = self.token(errand, call.application, &key).await?;
        let mut heard = self.called(errand, &call, &token).await?;
        if heard.asks_for_another_token() {
            self.tokens.forget(&self.shared, &self.clock, &key, &token).await;
            self.in_time(call.deadline)?;
            let token = self.token(errand, call.application, &key).await?;
            heard = self.called(errand, &call, &token).await?;
        }
        let mut found = None;
        let report = self.conclude(errand, dialect, &call.payload, heard, |body| {
            found = Some(body.clone());
            Outcome::Delivered { provider_id: None }
        });
        let report = report.await;
        Ok((report, found))
    }

    async fn called(&self, errand: Errand<'_>, call: &Call<'_>, token: &Token) -> Result<Heard, Refusal> {
        let admitted = self.admitted(errand).await?;
        self.in_time(call.deadline)?;
        let url = format!("{}?access_token={}", call.url, call::query(token.expose()));
        let request: HttpRequest = call::post(url, &call.payload);
        Ok(self.exchange_admitted(admitted, call.application.dialect(), request).await)
    }

    fn in_time(&self, deadline: Option<UnixMillis>) -> Result<(), Refusal> {
        match deadline {
            Some(deadline) if deadline <= self.clock.now() => {
                let code = "welcome_too_late".to_owned();
                Err(Refusal::new(Outcome::Withheld { code: code.clone() }, code))
            }
            _ => Ok(()),
        }
    }
}

impl CustomerContact<'_> {
    fn at(&self, tenant: &TenantId, endpoint: &DestinationId) -> At {
        At::named(tenant, ("wecom_contact", &format!("{}:{}", self.corp_id, self.agent_id)), endpoint)
    }
}

/// What a successful answer holds.
fn found<T>(
    made: Result<(SendReport, Option<Value>), Refusal>,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<T, CallError> {
    let (report, body) = made.map_err(|refusal| CallError(Box::new(refusal.into_report())))?;
    match body.as_ref().and_then(read) {
        Some(found) => Ok(found),
        None if matches!(report.outcome, Outcome::Delivered { .. }) => {
            Err(CallError(Box::new(SendReport { outcome: Outcome::Unclear, ..report })))
        }
        None => Err(CallError(Box::new(report))),
    }
}

/// A receiver's own words for why it did not take the message.
fn refused_words(answer: &HttpResponse, message: &Message) -> Option<String> {
    let refused: Option<Verdict> = webhook::verdict(answer.status);
    refused.map(|_| echo::without(&echo::raw(&answer.body), message)).filter(|words| !words.is_empty())
}
