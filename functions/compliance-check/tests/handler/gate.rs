//! A handler with everything real in memory.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use compliance_check::ComplianceCheck;
use sluice_domain::audit::{AuditRecord, Disposition};
use sluice_domain::consent::{ConsentKey, ConsentRecord, Purpose, Recipient};
use sluice_domain::decision::Decision;
use sluice_domain::event::Event;
use sluice_domain::id::TenantId;
use sluice_domain::progress::{Cleared, UncheckedCleared};
use sluice_domain::settings::{Settings, Tenant};
use sluice_domain::tenant::TenantKeys;
use sluice_embedded::{ManualClock, Options, Store};
use sluice_ports::{AuditLog as _, ConsentStore as _, KeyRing, PortError, Queue};
use sluice_steps::{Stage as _, StageError};
use sluice_telemetry::{Counters, Metrics};

use crate::sample::{Made, RECEIVED, keys};

/// The keys of the samples, so that what lies in `events/` opens.
#[derive(Clone)]
pub(crate) struct SampleKeys;

impl KeyRing for SampleKeys {
    fn keys(&self, tenant: &TenantId) -> impl Future<Output = Result<Arc<TenantKeys>, PortError>> + Send {
        std::future::ready(Ok(Arc::new(keys(tenant))))
    }
}

pub(crate) type Handler<S = Store> = ComplianceCheck<S, SampleKeys, Arc<ManualClock>>;

pub(crate) struct Gate {
    pub(crate) handler: Handler,
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) counters: Counters,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn settings() -> Arc<Settings> {
    Arc::new(sluice_settings::load(&root().join("config")).unwrap())
}

impl Gate {
    /// One second after the samples arrived.
    pub(crate) fn open() -> Self {
        Self::open_with(|_| {})
    }

    /// Under the shipped configuration with a change of the brand's.
    pub(crate) fn open_with(change: impl FnOnce(&mut Tenant)) -> Self {
        let mut settings = settings();
        let tenants = &mut Arc::get_mut(&mut settings).unwrap().tenants;
        change(Arc::get_mut(tenants.get_mut(&TenantId::new("demo-brand").unwrap()).unwrap()).unwrap());
        let clock = Arc::new(ManualClock::at(RECEIVED.plus_ms(1_000)));
        let options = Options {
            clock: Arc::<ManualClock>::clone(&clock) as Arc<dyn sluice_ports::Clock>,
            ..Options::default()
        };
        let store = Store::in_memory(options).unwrap();
        let counters = Counters::default();
        let handler = ComplianceCheck {
            settings,
            store: store.clone(),
            keys: SampleKeys,
            clock: Arc::clone(&clock),
            metrics: Metrics::new(counters.clone()),
        };
        Self { handler, store, clock, counters }
    }

    pub(crate) async fn handle(&self, events: Vec<Event>) -> Vec<Result<(), StageError>> {
        self.handler.handle(events).await
    }

    /// Handles one event and gives its record.
    pub(crate) async fn take(&self, made: Made) -> AuditRecord {
        let event = made.event();
        let key = event.key.clone();
        assert_eq!(self.handle(vec![event]).await, [Ok(())]);
        self.store.audit(&key).await.unwrap().unwrap()
    }

    /// Handles one event that must be decided on.
    pub(crate) async fn decide(&self, made: Made) -> Decision {
        match self.take(made).await.disposition {
            Disposition::Decided { decision } => decision,
            other => panic!("not decided: {other:?}"),
        }
    }

    /// What lies on the cleared queue, each checked; it is taken off.
    pub(crate) async fn cleared(&self) -> Vec<Cleared> {
        let received = self.store.receive(Queue::Cleared, 100, 60_000).await.unwrap();
        let handles = received.iter().map(|message| message.receipt_handle.clone()).collect();
        self.store.delete(Queue::Cleared, handles).await.unwrap();
        received
            .iter()
            .map(|message| {
                let unchecked: UncheckedCleared = serde_json::from_str(&message.body).unwrap();
                let keys = keys(unchecked.tenant());
                unchecked.check(&keys).unwrap()
            })
            .collect()
    }

    /// The consent of the sample person for a purpose and recipient.
    pub(crate) async fn consent(&self, purpose: &str, recipient: &str) -> Option<ConsentRecord> {
        let key = consent_key(purpose, recipient);
        self.store.consents(&[key]).await.unwrap().remove(0)
    }

    /// Runs a batch of bodies as the queue hands it over.
    pub(crate) async fn run(&self, bodies: &[&str]) -> SqsBatchResponse {
        let mut event = SqsEvent::default();
        for (index, body) in bodies.iter().enumerate() {
            let mut message = SqsMessage::default();
            message.message_id = Some(format!("m{index}"));
            message.body = Some((*body).to_owned());
            event.records.push(message);
        }
        self.run_event(event).await
    }

    pub(crate) async fn run_event(&self, event: SqsEvent) -> SqsBatchResponse {
        let run = sluice_steps::run(&self.handler, &self.store, &self.clock, &self.handler.metrics, event);
        Box::pin(run).await
    }
}

pub(crate) fn consent_key(purpose: &str, recipient: &str) -> ConsentKey {
    let tenant = TenantId::new("demo-brand").unwrap();
    ConsentKey {
        person: keys(&tenant).person("open-1"),
        tenant,
        purpose: Purpose::new(purpose).unwrap(),
        recipient: Recipient::new(recipient).unwrap(),
    }
}
