//! A handler with everything real in memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sluice_domain::event::Event;
use sluice_domain::id::TenantId;
use sluice_domain::scheme::{Acknowledgement, Signed};
use sluice_domain::settings::{Settings, Tenant};
use sluice_domain::source::Source;
use sluice_embedded::{FixedSecrets, LocalKeyRing, ManualClock, MasterKey, Options, Store, SystemEntropy};
use sluice_ports::{Intake, Queue};
use sluice_telemetry::{Counters, Metrics};
use webhook_verify::samples::Manifest;
use webhook_verify::{RawRequest, WebhookVerify};

use crate::welcome::Greets;

pub(crate) type Handler<I = Store> =
    WebhookVerify<Arc<Settings>, I, LocalKeyRing, FixedSecrets, Arc<ManualClock>, SystemEntropy, Greets>;

pub(crate) struct Gate {
    pub(crate) manifest: Manifest,
    pub(crate) handler: Handler,
    pub(crate) store: Store,
    pub(crate) counters: Counters,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn manifest() -> Manifest {
    Manifest::load(&root().join("events/webhook-verify")).unwrap()
}

/// The samples' sources, as a tenant of its own beside whatever else a tenant needs.
pub(crate) fn settings(manifest: &Manifest, change: impl Fn(&mut Source)) -> Arc<Settings> {
    let shipped = sluice_settings::load(&root().join("config")).unwrap();
    let mut tenant: Tenant = shipped.tenants.values().next().unwrap().as_ref().clone();
    tenant.id = TenantId::new(manifest.tenant.clone()).unwrap();
    tenant.sources = manifest
        .sources
        .iter()
        .map(|sample| {
            let mut source = manifest.source(sample);
            change(&mut source);
            (source.id.clone(), source)
        })
        .collect();
    Arc::new(Settings { tenants: [(tenant.id.clone(), Arc::new(tenant))].into() })
}

pub(crate) fn secrets(manifest: &Manifest) -> FixedSecrets {
    let tenant = TenantId::new(manifest.tenant.clone()).unwrap();
    manifest.sources.iter().fold(FixedSecrets::new(), |secrets, source| {
        secrets.with(&tenant, source.id.as_str(), manifest.secret(source).unwrap())
    })
}

impl Gate {
    pub(crate) async fn open() -> Self {
        Self::with_sources(|_| ()).await
    }

    pub(crate) async fn with_sources(change: impl Fn(&mut Source)) -> Self {
        let manifest = manifest();
        let store = Store::in_memory(Options::default()).unwrap();
        let counters = Counters::default();
        let master = MasterKey::new(&[7; 32]);
        let keys = LocalKeyRing::with(store.clone(), master, Arc::new(SystemEntropy)).await.unwrap();
        let handler = WebhookVerify {
            settings: settings(&manifest, change),
            intake: store.clone(),
            keys,
            secrets: secrets(&manifest),
            clock: Arc::new(ManualClock::at(manifest.signed_at_ms)),
            entropy: SystemEntropy,
            greeter: Greets::default(),
            metrics: Metrics::new(counters.clone()),
        };
        Self { manifest, handler, store, counters }
    }

    /// The same gate under another configuration.
    pub(crate) fn under(mut self, settings: Settings) -> Self {
        self.handler.settings = Arc::new(settings);
        self
    }

    pub(crate) async fn post(&self, source: &str, signed: &Signed) -> Acknowledgement {
        let headers: Vec<_> =
            signed.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let path = format!("/callbacks/{source}");
        let request = RawRequest {
            method: "POST",
            path: &path,
            query: "",
            headers: &headers,
            body: &signed.body,
            source_ip: Some("192.0.2.1"),
        };
        self.handler.handle_raw(request).await
    }

    pub(crate) fn signed(&self, sample: &str) -> Signed {
        let sample = self.manifest.samples.iter().find(|entry| entry.name == sample).unwrap();
        self.manifest.signed(sample).unwrap()
    }

    /// What lies on the queue by now, and was not looked at before.
    pub(crate) async fn queued(&self) -> Vec<Event> {
        let received = self.store.receive(Queue::Events, 100, 3_600_000).await.unwrap();
        received.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
    }
}

/// Posts with the query that the scheme signs.
pub(crate) async fn posted<I: Intake>(
    handler: &Handler<I>,
    source: &str,
    signed: &Signed,
) -> Acknowledgement {
    let query: Vec<String> =
        signed.query.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    let (path, query) = (format!("/callbacks/{source}"), query.join("&"));
    let request = RawRequest {
        method: "POST",
        path: &path,
        query: &query,
        headers: &[],
        body: &signed.body,
        source_ip: None,
    };
    handler.handle_raw(request).await
}

/// For a query string.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

pub(crate) fn code(answer: &Acknowledgement) -> String {
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    body["error"]["code"].as_str().unwrap().to_owned()
}
