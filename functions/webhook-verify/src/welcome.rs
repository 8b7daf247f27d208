//! Welcomes people who have just added a member of staff, before their callback is answered: the code that it carries is good once and for 20 s, and is kept
//! nowhere (`docs/adr/0081-welcome-messages.md`).

use std::future::Future;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use sluice_channels::{Channels, CustomerContact, EndpointHealth, SendReport, Welcome};
use sluice_domain::delivery::Outcome;
use sluice_domain::event::{Event, EventKind, Subject, Unsealed};
use sluice_domain::id::{DestinationId, EventKey, MessageId, TenantId};
use sluice_domain::settings::Tenant;
use sluice_domain::source::Source;
use sluice_domain::welcome::{CHANNEL, WelcomePolicy, words};
use sluice_ports::{Clock, Entropy, HttpClient, Intake, KeyRing, Nonces as _, SecretStore};
use sluice_telemetry::Signal;
use tokio::time::{Instant, sleep, timeout_at};

use crate::CurrentSettings;
use crate::door::WebhookVerify;

/// What is left of the platform's patience for the record and the answer.
const RECORD: Duration = Duration::from_millis(500);
/// Of that, for noting that nobody answered.
const NOTE: Duration = Duration::from_millis(150);
const ANSWER: Duration = Duration::from_millis(100);
/// Before a passing fault is tried again.
const PAUSE: Duration = Duration::from_millis(400);

/// Says the first words to a contact.
pub trait Greeter: Send + Sync {
    /// Sends one welcome, once; every fault is in the report.
    fn greet(
        &self,
        tenant: &TenantId,
        source: &Source,
        policy: &WelcomePolicy,
        welcome: &Welcome,
    ) -> impl Future<Output = SendReport> + Send;

    /// A welcome was given up while it was sent: notes it, and says how the application's endpoint is, if that changed it.
    fn unanswered(
        &self,
        tenant: &TenantId,
        source: &Source,
        policy: &WelcomePolicy,
    ) -> impl Future<Output = Option<EndpointHealth>> + Send;
}

impl<Http: HttpClient, Secrets: SecretStore, Time: Clock> Greeter for Channels<Http, Secrets, Time> {
    async fn greet(
        &self,
        tenant: &TenantId,
        source: &Source,
        policy: &WelcomePolicy,
        welcome: &Welcome,
    ) -> SendReport {
        let (endpoint, contact) = application(source, policy);
        self.welcome(tenant, &endpoint, contact, welcome).await
    }

    async fn unanswered(
        &self,
        tenant: &TenantId,
        source: &Source,
        policy: &WelcomePolicy,
    ) -> Option<EndpointHealth> {
        let (endpoint, contact) = application(source, policy);
        self.welcome_unanswered(tenant, &endpoint, contact).await
    }
}

/// The application that welcomes the contacts of a source, under the source's name.
fn application<'a>(source: &'a Source, policy: &'a WelcomePolicy) -> (DestinationId, CustomerContact<'a>) {
    #[expect(clippy::expect_used, reason = "both are 1 to 64 of the same characters")]
    let endpoint = DestinationId::new(source.id.as_str()).expect("a source's id");
    let corp_id = source.app_id.as_deref().unwrap_or_default();
    (endpoint, CustomerContact { corp_id, agent_id: policy.agent_id, secret: &policy.secret })
}

/// Somebody who may be welcomed.
pub(crate) struct Coming<'a> {
    policy: &'a WelcomePolicy,
    code: secrecy::SecretString,
    /// The place of their event among those of the callback.
    number: usize,
}

impl<'a> Coming<'a> {
    /// Takes the code out of the events, if the source welcomes people.
    pub(crate) fn among(source: &'a Source, events: &mut [Unsealed]) -> Option<Self> {
        let policy = source.welcome.as_ref()?;
        let number = events.iter().position(|event| event.welcome_code.is_some())?;
        let code = events.get_mut(number)?.welcome_code.take()?;
        Some(Self { policy, code, number })
    }

    /// Their event.
    pub(crate) fn event(&self, events: &[Event]) -> Option<Event> {
        events.get(self.number).cloned()
    }
}

impl<S, I, K, X, C, E, W> WebhookVerify<S, I, K, X, C, E, W>
where
    S: CurrentSettings,
    I: Intake,
    K: KeyRing,
    X: SecretStore,
    C: Clock,
    E: Entropy,
    W: Greeter,
{
    /// Welcomes somebody whose event is durable, and puts what came of it on record. Nothing of it changes how the callback is answered.
    pub(crate) async fn welcome(
        &self,
        tenant: &Tenant,
        source: &Source,
        coming: Coming<'_>,
        added: Event,
        until: Instant,
    ) {
        let report = match words(coming.policy, tenant, self.clock.now()) {
            Ok(text) => {
                // The platform's clock counts, and repeats of a callback are no new events.
                let event_at = added.occurred_at.unwrap_or(added.received_at).min(added.received_at);
                let code = coming.code.expose_secret().to_owned();
                let welcome = Welcome { code, event_at, text, attachments: Vec::new() };
                self.greeted(tenant, source, coming.policy, &welcome, before(until, RECORD)).await
            }
            Err(error) => {
                tracing::error!(trace_id = %added.trace_id, code = error.code(), "nobody is welcomed: {error}");
                withheld(Outcome::Withheld { code: error.code().to_owned() }, error.code())
            }
        };
        let (trace, outcome) = (added.trace_id, report.outcome.as_str());
        let code = report.code.as_deref().unwrap_or("-");
        tracing::info!(trace_id = %trace, source = %source.id, outcome, code, "welcomed: {outcome}");
        self.metrics.count(Signal::Welcomed { outcome });
        match &report.endpoint {
            Some(EndpointHealth::Open { code, .. }) => self.metrics.count(Signal::EndpointOpened { code }),
            Some(EndpointHealth::Healthy | EndpointHealth::Disabled { .. }) | None => {}
        }
        if report.outcome == Outcome::UnknownCode {
            self.metrics.count(Signal::UnknownCode { channel: CHANNEL });
        }
        let record = self.record(added, outcome, code);
        let kept = timeout_at(before(until, ANSWER), self.intake.accept(vec![record])).await;
        match kept {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(trace_id = %trace, outcome, "a welcome is not on record: {error}");
            }
            Err(_) => tracing::error!(trace_id = %trace, outcome, "a welcome is not on record: no time left"),
        }
    }

    /// Sends it; again only what a platform has surely not taken, and while there is time.
    async fn greeted(
        &self,
        tenant: &Tenant,
        source: &Source,
        policy: &WelcomePolicy,
        welcome: &Welcome,
        until: Instant,
    ) -> SendReport {
        loop {
            let sending = self.greeter.greet(&tenant.id, source, policy, welcome);
            let Ok(report) = timeout_at(until, sending).await else {
                // It may be on its way.
                let noted = self.greeter.unanswered(&tenant.id, source, policy);
                let endpoint = timeout_at(until + NOTE, noted).await.ok().flatten();
                return SendReport { endpoint, ..withheld(Outcome::Unclear, "welcome_timeout") };
            };
            if report.outcome != Outcome::Transient || Instant::now() + PAUSE >= until {
                return report;
            }
            sleep(PAUSE).await;
        }
    }

    /// What came of it, as an event of its own: it goes the way of the others into the audit log.
    fn record(&self, added: Event, outcome: &str, code: &str) -> Event {
        let now = self.clock.now();
        #[expect(clippy::expect_used, reason = "an id of WeCom's is at most 69 characters")]
        let message = MessageId::new(format!("{}:welcome", added.key.message)).expect("an id and a word");
        Event {
            trace_id: self.entropy.trace_id(now),
            key: EventKey { message, ..added.key },
            kind: EventKind::ChannelActivity,
            name: format!("send_welcome_msg {code}"),
            occurred_at: Some(now),
            received_at: now,
            subject: Subject::Activity {
                what: format!("welcome_{outcome}"),
                state: None,
                messages: Vec::new(),
            },
            personal: std::collections::BTreeMap::new(),
            ..added
        }
    }
}

fn before(moment: Instant, time: Duration) -> Instant {
    moment.checked_sub(time).unwrap_or(moment)
}

fn withheld(outcome: Outcome, code: &str) -> SendReport {
    SendReport {
        outcome,
        code: Some(code.to_owned()),
        message: None,
        provider_log_id: None,
        request_sha256: None,
        endpoint: None,
    }
}
