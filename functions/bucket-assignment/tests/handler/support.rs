//! An assigner over an embedded store in memory, and cleared events.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bucket_assignment::BucketAssignment;
use sluice_domain::decision::{Decision, PackStamp, Reason, Verdict};
use sluice_domain::delivery::Exposure;
use sluice_domain::event::{Event, EventKind, Subject};
use sluice_domain::id::*;
use sluice_domain::progress::{Assigned, Cleared, UncheckedAssigned, UncheckedCleared};
use sluice_domain::sealed::DataKey;
use sluice_domain::settings::Settings;
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;
use sluice_embedded::{ManualClock, Options, Store};
use sluice_ports::{
    Exposures, KeyRing, OutboundMessage, Outbox, Page, PortError, Queue, SendFailure, Step, Written,
};
use sluice_steps::{Stage as _, StageError};
use sluice_telemetry::Metrics;
use zeroize::Zeroizing;

/// 2026-11-21T08:00:00Z.
pub(crate) const NOON: UnixMillis = UnixMillis(1_795_248_000_000);

/// Every tenant's keys: index key 32 × 7, one data key 32 × 9. The samples in `events/` are signed under them.
#[derive(Clone, Copy)]
pub(crate) struct FixedKeys;

pub(crate) fn keys() -> TenantKeys {
    let tenant = TenantId::new("demo-brand").unwrap();
    TenantKeys::new(tenant, Zeroizing::new([7; 32]), vec![DataKey::new(1, &[9; 32])])
}

impl KeyRing for FixedKeys {
    async fn keys(&self, tenant: &TenantId) -> Result<Arc<TenantKeys>, PortError> {
        assert_eq!(tenant, keys().tenant());
        Ok(Arc::new(keys()))
    }
}

/// The store, counting calls and refusing messages when told.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) inner: Store,
    pub(crate) exposes: Arc<AtomicUsize>,
    pub(crate) sends: Arc<AtomicUsize>,
    /// The place in the next batch of the message that is not taken, from 1.
    pub(crate) refused_place: Arc<AtomicUsize>,
}

impl Exposures for Watched {
    async fn expose(&self, steps: Vec<Step<Exposure>>) -> Vec<Result<Written<Exposure>, PortError>> {
        self.exposes.fetch_add(1, Ordering::SeqCst);
        self.inner.expose(steps).await
    }

    async fn exposure(
        &self,
        tenant: &TenantId,
        experiment: &ExperimentId,
        person: &PersonId,
    ) -> Result<Option<Exposure>, PortError> {
        self.inner.exposure(tenant, experiment, person).await
    }

    async fn exposures(
        &self,
        tenant: &TenantId,
        cursor: Option<String>,
    ) -> Result<Page<Exposure>, PortError> {
        self.inner.exposures(tenant, cursor).await
    }
}

impl Outbox for Watched {
    async fn send(&self, queue: Queue, mut messages: Vec<OutboundMessage>) -> Vec<SendFailure> {
        self.sends.fetch_add(1, Ordering::SeqCst);
        let Some(index) = self.refused_place.swap(0, Ordering::SeqCst).checked_sub(1) else {
            return self.inner.send(queue, messages).await;
        };
        messages.remove(index);
        assert_eq!(self.inner.send(queue, messages).await, []);
        vec![SendFailure { index, error: PortError::Unavailable { what: "queue", cause: "test".into() } }]
    }
}

/// The assigner and its world.
pub(crate) struct Desk {
    pub(crate) assigner: BucketAssignment<Watched, FixedKeys, Arc<ManualClock>>,
    pub(crate) store: Watched,
}

/// The shipped configuration.
pub(crate) fn settings() -> Settings {
    sluice_settings::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config")).unwrap()
}

/// The same with a change to the tenant.
pub(crate) fn settings_with(change: impl FnOnce(&mut sluice_domain::settings::Tenant)) -> Settings {
    let mut settings = settings();
    change(Arc::make_mut(settings.tenants.get_mut(keys().tenant()).unwrap()));
    settings
}

pub(crate) fn desk() -> Desk {
    let clock = Arc::new(ManualClock::at(NOON));
    let options = Options { clock: clock.clone(), ..Options::default() };
    let store = Watched {
        inner: Store::in_memory(options).unwrap(),
        exposes: Arc::default(),
        sends: Arc::default(),
        refused_place: Arc::default(),
    };
    desk_over(store, settings())
}

/// Another process over the same store, with another configuration.
pub(crate) fn desk_over(store: Watched, settings: Settings) -> Desk {
    let assigner = BucketAssignment {
        settings: Arc::new(settings),
        store: store.clone(),
        keys: FixedKeys,
        clock: Arc::new(ManualClock::at(NOON)),
        metrics: Metrics::default(),
    };
    Desk { assigner, store }
}

impl Desk {
    pub(crate) async fn assign(&self, batch: &[Cleared]) -> Vec<Result<(), StageError>> {
        self.assigner.handle(batch.iter().map(unchecked).collect()).await
    }

    /// Takes what lies on the next queue, checked as channel-dispatch does, in order.
    pub(crate) async fn next(&self) -> Vec<Assigned> {
        let received = self.store.inner.receive(Queue::Assigned, 100, 60_000).await.unwrap();
        let handles = received.iter().map(|message| message.receipt_handle.clone()).collect();
        self.store.inner.delete(Queue::Assigned, handles).await.unwrap();
        let check =
            |body: &str| serde_json::from_str::<UncheckedAssigned>(body).unwrap().check(&keys()).unwrap();
        received.iter().map(|message| check(&message.body)).collect()
    }

    pub(crate) async fn exposures(&self) -> Vec<Exposure> {
        self.store.exposures(keys().tenant(), None).await.unwrap().items
    }
}

pub(crate) fn unchecked(cleared: &Cleared) -> UncheckedCleared {
    serde_json::from_str(&serde_json::to_string(cleared).unwrap()).unwrap()
}

/// A cleared event of a person.
pub(crate) fn cleared(number: u8, kind: EventKind, open_id: &str) -> Cleared {
    let keys = keys();
    let event = Event {
        trace_id: TraceId::from_parts(NOON, [number; 10]),
        key: EventKey {
            tenant: keys.tenant().clone(),
            source: SourceId::new("open-platform").unwrap(),
            message: MessageId::new(format!("message-{number}")).unwrap(),
        },
        kind,
        name: "im_receive_msg".into(),
        occurred_at: None,
        received_at: NOON,
        payload_sha256: "00".repeat(32),
        person: Some(keys.person(open_id)),
        account: None,
        subject: Subject::Nothing,
        personal: [].into(),
    };
    let reason = Reason {
        code: "consent_stands".into(),
        title: "同意有效".into(),
        rule: RuleId::new("form-consented").unwrap(),
        exception: None,
        basis: vec![],
        evidence: vec![],
    };
    let pack =
        PackStamp { id: RulePackId::new("baseline").unwrap(), version: "1".into(), sha256: "ab".repeat(32) };
    let decision = Decision::of(Verdict::AllowMasked, vec![reason], pack);
    Cleared::by(&decision, event, NOON, &keys).unwrap()
}
