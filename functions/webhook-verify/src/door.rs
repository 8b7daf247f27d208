use std::io;
use std::time::{Duration, Instant};

use sluice_domain::event::{Event, EventKind, Reading, Unsealed, normalise};
use sluice_domain::scheme::{Acknowledgement, Credentials, Received, Refusal, Verified, deadline_ms, verify};
use sluice_domain::settings::Tenant;
use sluice_domain::source::{SchemeName, Source};
use sluice_domain::tenant::{HashPurpose, TenantKeys};
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, Entropy, Intake, KeyRing, Nonces as _, SecretStore};
use sluice_telemetry::{Metrics, Signal};

use crate::welcome::{Coming, Greeter};
use crate::{CurrentSettings, Refused};

/// The step's name in logs and metrics.
pub(crate) const STEP: &str = "webhook-verify";
/// The longest body that is read, decoded, in bytes.
pub const LONGEST_BODY: usize = 256 * 1024;
/// The most events that one callback may carry: they are queued together or not at all.
pub const MOST_EVENTS: usize = 1_000;
/// The longest message the queue takes, in bytes (SQS).
const LONGEST_EVENT: usize = 256 * 1024;
/// Sealing and naming a value makes it up to three times as long; below this no event can exceed the queue's limit.
const SURELY_FITS: usize = 64 * 1024;

/// A request as any HTTP server has it.
#[derive(Clone, Copy)]
pub struct RawRequest<'a> {
    /// `POST`, `GET`.
    pub method: &'a str,
    /// The path without the query string.
    pub path: &'a str,
    /// The query string without `?`, not decoded.
    pub query: &'a str,
    /// The headers, one entry for each that came.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The raw body.
    pub body: &'a [u8],
    /// The sender's address; it is only ever logged as a keyed hash.
    pub source_ip: Option<&'a str>,
}

/// The handler, over its ports.
pub struct WebhookVerify<S, I, K, X, C, E, W> {
    /// The configuration.
    pub settings: S,
    /// Where accepted events go.
    pub intake: I,
    /// The tenants' keys.
    pub keys: K,
    /// The sources' secrets.
    pub secrets: X,
    /// The time.
    pub clock: C,
    /// Randomness for nonces and trace ids.
    pub entropy: E,
    /// Welcomes contacts who have just come.
    pub greeter: W,
    /// What is counted.
    pub metrics: Metrics,
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
    /// Answers one request. When the answer is an acknowledgement, the events are durable.
    pub async fn handle_raw(&self, request: RawRequest<'_>) -> Acknowledgement {
        let began = Instant::now();
        self.metrics.count(Signal::Received);
        let answer = self.answer(request).await;
        self.metrics.duration(Signal::StepDuration { step: STEP }, began.elapsed());
        answer
    }

    async fn answer(&self, request: RawRequest<'_>) -> Acknowledgement {
        let settings = self.settings.current();
        let found = source_of(request.path).and_then(|id| settings.source(id));
        let Some((tenant, source)) = found else {
            return self.refuse(None, &Refused::UnknownSource);
        };
        let limit = deadline_ms(source.scheme);
        let until = tokio::time::Instant::now() + Duration::from_millis(limit);
        let work = self.take(tenant, source, request, until);
        match tokio::time::timeout_at(until, work).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(refused)) => {
                self.log(tenant, source, request.source_ip, &refused).await;
                self.refuse(Some(source.scheme), &refused)
            }
            // The events may be stored all the same; the platform pushes again and the event's key catches that.
            Err(_) => {
                let refused = Refused::Deadline(limit);
                tracing::error!(source = %source.id, code = refused.code(), "callback not taken: {refused}");
                self.refuse(Some(source.scheme), &refused)
            }
        }
    }

    async fn take(
        &self,
        tenant: &Tenant,
        source: &Source,
        request: RawRequest<'_>,
        until: tokio::time::Instant,
    ) -> Result<Acknowledgement, Refused> {
        let now = self.clock.now();
        if !takes_method(source.scheme, request.method) {
            return Err(Refused::Method);
        }
        if request.body.len() > LONGEST_BODY {
            return Err(Refused::BodyTooLarge { limit: LONGEST_BODY });
        }
        let secret = self.secrets.secret(&tenant.id, &source.secret).await?;
        let received = Received::new(request.method, request.headers.iter().copied(), request.body)
            .with_query_string(request.query);
        let credentials = Credentials::of_source(source, &secret.current, secret.previous.as_ref());
        let verified = verify(source.scheme, &received, &credentials, now)?;
        self.metrics.count(Signal::Verified);
        match normalise(&verified, source)? {
            Reading::Handshake(handshake) => {
                self.metrics.count(Signal::Handshake);
                Ok(Acknowledgement::handshake(source.scheme, &handshake))
            }
            Reading::Events(mut events) => {
                let keys = self.keys.keys(&tenant.id).await?;
                let coming = Coming::among(source, &mut events);
                let events = self.sealed(&verified, source, &keys, events, now)?;
                let coming = coming.and_then(|coming| Some((coming.event(&events)?, coming)));
                self.intake.accept(events).await?;
                if let Some((added, coming)) = coming {
                    // Boxed: hardly a callback carries a code.
                    Box::pin(self.welcome(tenant, source, coming, added, until)).await;
                }
                Ok(Acknowledgement::accepted(source.scheme))
            }
        }
    }

    fn sealed(
        &self,
        verified: &Verified<'_>,
        source: &Source,
        keys: &TenantKeys,
        events: Vec<Unsealed>,
        now: UnixMillis,
    ) -> Result<Vec<Event>, Refused> {
        if events.len() > MOST_EVENTS {
            return Err(Refused::TooManyEvents { limit: MOST_EVENTS });
        }
        let may_exceed = verified.payload().len() > SURELY_FITS;
        let mut out = Vec::with_capacity(events.len());
        for event in events {
            if event.kind == EventKind::Unhandled {
                self.metrics.count(Signal::Unhandled);
            }
            let trace_id = self.entropy.trace_id(now);
            let event = event.seal(&source.id, keys, || self.entropy.nonce(), trace_id, now)?;
            if may_exceed && encoded_length(&event) > LONGEST_EVENT {
                return Err(Refused::EventTooLarge { limit: LONGEST_EVENT });
            }
            tracing::debug!(trace_id = %event.trace_id, kind = %event.kind, "callback taken: {}", event.kind);
            out.push(event);
        }
        Ok(out)
    }

    fn refuse(&self, scheme: Option<SchemeName>, refused: &Refused) -> Acknowledgement {
        let code = refused.code();
        self.metrics.count(Signal::Rejected { code });
        let message = refused.public_message();
        Acknowledgement::refused(scheme, Refusal { status: refused.status(), code, message: &message })
    }

    /// One line, with pseudonyms only: the sender's address is hashed under the tenant's key.
    async fn log(&self, tenant: &Tenant, source: &Source, source_ip: Option<&str>, refused: &Refused) {
        let code = refused.code();
        if refused.status() >= 500 {
            tracing::error!(source = %source.id, code, "callback not taken: {refused}");
            return;
        }
        let client = match (source_ip, self.keys.keys(&tenant.id).await) {
            (Some(address), Ok(keys)) => pseudonym(&keys, address),
            _ => "unknown".to_owned(),
        };
        tracing::warn!(source = %source.id, code, client, "callback turned away: {refused}");
    }
}

/// The source of `/callbacks/{source}`, behind whatever stage the gateway puts before it.
fn source_of(path: &str) -> Option<&str> {
    let (_, source) = path.split_once("/callbacks/")?;
    let source = source.strip_suffix('/').unwrap_or(source);
    (!source.is_empty()).then_some(source)
}

fn takes_method(scheme: SchemeName, method: &str) -> bool {
    match scheme {
        // Handshakes of the console, and the SPI's queries.
        SchemeName::MiniAppPush
        | SchemeName::OceanEngine
        | SchemeName::LifeSpi
        | SchemeName::WecomCallback
        | SchemeName::WechatPush => matches!(method, "POST" | "GET"),
        SchemeName::OpenPlatform
        | SchemeName::MiniAppEncrypted
        | SchemeName::SecuredPayment
        | SchemeName::TradeSystem
        | SchemeName::LivePush
        | SchemeName::Doudian
        | SchemeName::FeishuEvents => method == "POST",
    }
}

fn pseudonym(keys: &TenantKeys, address: &str) -> String {
    let hash = keys.keyed_hash(HashPurpose::LogPseudonym, &["source_ip", address]);
    let (short, _) = hash.split_at(8);
    format!("c-{}", hex::encode(short))
}

/// The length of the event's JSON, without writing it anywhere.
fn encoded_length(event: &Event) -> usize {
    struct Counter(usize);
    impl io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, event) {
        Ok(()) => counter.0,
        // What can't be encoded can't be queued either.
        Err(_) => usize::MAX,
    }
}
