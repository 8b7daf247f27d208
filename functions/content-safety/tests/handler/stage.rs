//! A handler with everything real: store, keys, HTTP, and the platform's simulator.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use content_safety::ContentSafety;
use secrecy::SecretString;
use sluice_censor::{Censor, Endpoints};
use sluice_channels::HyperClient;
use sluice_domain::decision::{Decision, PackStamp, Reason, Verdict};
use sluice_domain::event::{Event, EventKind, PersonalField, Subject, Unsealed};
use sluice_domain::id::{MessageId, RuleId, RulePackId, SourceId, TenantId, TraceId};
use sluice_domain::review::{Opening, Panel, Review};
use sluice_domain::safety::{CHECK, CensorApi, CheckRequest, SafetyPolicy};
use sluice_domain::sealed::DataKey;
use sluice_domain::settings::Settings;
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;
use sluice_embedded::{ManualClock, Options, Store};
use sluice_ports::{Clock, KeyRing, PortError, Queue, Reviews as _, SecretStore, SecretVersions, Written};
use sluice_simulators::{
    CensorApp, Fault, FaultEffect, FaultTimes, Place, Platform, Running, SimulatorOptions, Simulators,
};
use sluice_steps::{Stage as _, StageError};
use sluice_telemetry::{Counters, Metrics};

/// When the events arrived and were decided.
pub(crate) const DECIDED: UnixMillis = UnixMillis(1_795_219_200_000);
/// What the simulated censor hits.
pub(crate) const HIT: &str = "违禁";

pub(crate) fn brand() -> TenantId {
    TenantId::new("demo-brand").unwrap()
}

pub(crate) fn keys() -> TenantKeys {
    TenantKeys::new(brand(), zeroize::Zeroizing::new([7; 32]), vec![DataKey::new(1, &[9; 32])])
}

/// The keys of the samples, for any tenant.
#[derive(Clone)]
pub(crate) struct SampleKeys;

impl KeyRing for SampleKeys {
    fn keys(&self, _: &TenantId) -> impl Future<Output = Result<Arc<TenantKeys>, PortError>> + Send {
        std::future::ready(Ok(Arc::new(keys())))
    }
}

/// One secret for every name; an empty one is a store that does not answer.
pub(crate) struct OneSecret(&'static str);

impl SecretStore for OneSecret {
    fn secret(
        &self,
        _: &TenantId,
        _: &str,
    ) -> impl Future<Output = Result<SecretVersions, PortError>> + Send {
        std::future::ready(match self.0 {
            "" => Err(PortError::Unavailable { what: "secrets", cause: "test".into() }),
            secret => Ok(SecretVersions { current: SecretString::from(secret), previous: None }),
        })
    }
}

type Handler = ContentSafety<Store, SampleKeys, Arc<ManualClock>, HyperClient, OneSecret>;

pub(crate) struct Stage {
    pub(crate) handler: Handler,
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) counters: Counters,
    pub(crate) platform: Running,
    pub(crate) api: CensorApi,
}

/// A change of a tenant's policy.
pub(crate) type Change = fn(&mut SafetyPolicy);

/// How a stage differs from the usual.
pub(crate) struct Set {
    pub(crate) api: CensorApi,
    pub(crate) secret: &'static str,
    pub(crate) platform_per_day: Option<u32>,
    pub(crate) policy: Change,
}

impl Default for Set {
    fn default() -> Self {
        Self { api: CensorApi::OpenPlatform, secret: "right", platform_per_day: None, policy: |_| {} }
    }
}

impl Stage {
    pub(crate) async fn new(set: Set) -> Self {
        let app_id = "tt00demo0000000001".to_owned();
        let options = SimulatorOptions {
            censor_apps: vec![CensorApp {
                app_id: app_id.clone(),
                secret: "right".into(),
                hit_words: vec![HIT.into()],
                per_day: set.platform_per_day,
            }],
            ..SimulatorOptions::default()
        };
        let platform = Simulators::start(options).await.unwrap();
        let clock = Arc::new(ManualClock::at(DECIDED.plus_ms(1_000)));
        let time = Arc::<ManualClock>::clone(&clock) as Arc<dyn Clock>;
        let store = Store::in_memory(Options { clock: time, ..Options::default() }).unwrap();
        let endpoints = Endpoints::new(&platform.douyin_url, &platform.toutiao_url).unwrap();
        let http = HyperClient::new().unwrap();
        let counters = Counters::default();
        let handler = ContentSafety {
            settings: settings(&set, app_id),
            store: store.clone(),
            keys: SampleKeys,
            censor: Censor::new(endpoints, http, OneSecret(set.secret), Arc::clone(&clock)),
            clock: Arc::clone(&clock),
            metrics: Metrics::new(counters.clone()),
        };
        Self { handler, store, clock, counters, platform, api: set.api }
    }

    pub(crate) async fn usual() -> Self {
        Self::new(Set::default()).await
    }

    /// Opens a review that asks the censor, and gives the request that goes with it.
    pub(crate) async fn waits(&self, number: u8, texts: &[&str]) -> CheckRequest {
        self.waits_with(number, texts, false).await
    }

    pub(crate) async fn waits_with(&self, number: u8, texts: &[&str], advises: bool) -> CheckRequest {
        let review = review(number, texts, advises);
        let request = CheckRequest::of(&review).unwrap();
        assert_eq!(self.store.open_review(review).await, Ok(Written::New));
        request
    }

    pub(crate) async fn handle(&self, request: &CheckRequest) -> Result<(), StageError> {
        self.handler.handle(vec![request.clone()]).await.remove(0)
    }

    /// Handles a request and gives its review.
    pub(crate) async fn answered(&self, request: &CheckRequest) -> Review {
        self.handle(request).await.unwrap();
        self.review(request).await
    }

    pub(crate) async fn review(&self, request: &CheckRequest) -> Review {
        self.store.review(&request.review()).await.unwrap().unwrap()
    }

    /// How many events lie on the `events` queue; they are taken off.
    pub(crate) async fn woken(&self) -> usize {
        let received = self.store.receive(Queue::Events, 100, 60_000).await.unwrap();
        let handles = received.iter().map(|message| message.receipt_handle.clone()).collect();
        self.store.delete(Queue::Events, handles).await.unwrap();
        received.len()
    }

    pub(crate) fn platform_of(&self) -> Platform {
        match self.api {
            CensorApi::OpenPlatform => Platform::DouyinCensor,
            CensorApi::MiniApp => Platform::ToutiaoCensor,
        }
    }

    pub(crate) fn trouble(&self, place: Place, effect: FaultEffect, calls: u32) {
        let platform = self.platform_of();
        self.platform.inject(Fault { platform, place, effect, times: FaultTimes::Next(calls) });
    }

    /// Texts that the platform looked at.
    pub(crate) fn checked(&self) -> usize {
        self.platform.checked_texts().len()
    }
}

fn settings(set: &Set, app_id: String) -> Arc<Settings> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    let mut settings = sluice_settings::load(&root).unwrap();
    let tenant = Arc::get_mut(settings.tenants.get_mut(&brand()).unwrap()).unwrap();
    let policy = tenant.safety.as_mut().unwrap();
    (policy.api, policy.app_id) = (set.api, app_id);
    (set.policy)(policy);
    Arc::new(settings)
}

pub(crate) fn event(number: u8, texts: &[&str]) -> Event {
    let mut nonce = 0_u8;
    let nonces = || {
        nonce += 1;
        [nonce; 12]
    };
    let fields = texts.iter().enumerate().map(|(place, text)| {
        let field = if place == 0 { PersonalField::Text } else { PersonalField::Form(format!("f{place}")) };
        (field, SecretString::from((*text).to_owned()))
    });
    let made = Unsealed {
        message: MessageId::new(format!("m-{number}")).unwrap(),
        kind: EventKind::DirectMessage,
        name: "im_receive_msg".to_owned(),
        occurred_at: None,
        payload_sha256: "0".repeat(64),
        person: Some(SecretString::from("open-1")),
        account: None,
        subject: Subject::Nothing,
        personal: fields.collect(),
        welcome_code: None,
    };
    let trace = TraceId::from_parts(DECIDED, [number; 10]);
    made.seal(&SourceId::new("open-platform").unwrap(), &keys(), nonces, trace, DECIDED).unwrap()
}

pub(crate) fn review(number: u8, texts: &[&str], advises: bool) -> Review {
    let reason = Reason {
        code: "text_to_check".into(),
        title: "待检测".into(),
        rule: RuleId::new("long-text-checked").unwrap(),
        exception: None,
        basis: Vec::new(),
        evidence: Vec::new(),
    };
    let pack = PackStamp { id: RulePackId::new("p").unwrap(), version: "1".into(), sha256: "ab".into() };
    let opening = Opening {
        decision: Decision::of(Verdict::Review, vec![reason], pack),
        panel: Panel { people: 1, machine: Some(CHECK.into()), advises },
        opened_at: DECIDED,
        deadline: DECIDED.plus_ms(72 * 3_600_000),
    };
    Review::of_event(event(number, texts), opening, &keys())
}
