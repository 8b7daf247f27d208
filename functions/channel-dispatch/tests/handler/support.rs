//! A dispatcher over an embedded store in memory, a platform that answers as told, and assigned events.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use channel_dispatch::{ChannelDispatch, Sender};
use sluice_channels::{EndpointHealth, Form, Idempotency, Message, SendReport};
use sluice_domain::audit::AuditRecord;
use sluice_domain::consent::{ConsentKey, ConsentRecord, Evidence, Mark, Withdrawal};
use sluice_domain::contact::{Acquaintance, Slot};
use sluice_domain::decision::{Decision, PackStamp, Reason, Verdict};
use sluice_domain::delivery::{Attempt, Delivery, FencingToken, Outcome};
use sluice_domain::destination::{Channel, Destination};
use sluice_domain::event::{Event, EventKind, PersonalField, SEAL_TABLE, Subject};
use sluice_domain::id::*;
use sluice_domain::progress::{Assigned, Assignment, Cleared, UncheckedAssigned};
use sluice_domain::review::{Review, ReviewId, StateName};
use sluice_domain::sealed::DataKey;
use sluice_domain::settings::Settings;
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_embedded::{ManualClock, Options, Store, SystemEntropy};
use sluice_ports::{
    Acquaintances, Advanced, Claim, ClaimRequest, Clock as _, ConsentStore, ContactLimits, Deliveries,
    ForReview, KeyRing, OutboundMessage, Outbox, Page, Place, PortError, Queue, Reviews, SendFailure,
    Settlement, Wake, Written,
};
use sluice_steps::{Stage as _, StageError};
use sluice_telemetry::{Counters, Metrics};
use zeroize::Zeroizing;

/// 2026-11-21T08:00:00Z, 16:00 in China.
pub(crate) const NOON: UnixMillis = UnixMillis(1_795_248_000_000);
pub(crate) const MINUTE: i64 = 60_000;

/// A group bot: nothing remembers a message.
pub(crate) const BOT: &str = "wecom-sales-group";
/// An application: repeats are recognised for hours.
pub(crate) const APP: &str = "wecom-sales-east";
/// To the person.
pub(crate) const PERSON: &str = "wechat-service";

/// Every tenant's keys: index key 32 × 7, one data key 32 × 9. The samples in `events/` are signed under them.
#[derive(Clone, Copy)]
pub(crate) struct FixedKeys;

pub(crate) fn keys(tenant: &TenantId) -> TenantKeys {
    TenantKeys::new(tenant.clone(), Zeroizing::new([7; 32]), vec![DataKey::new(1, &[9; 32])])
}

impl KeyRing for FixedKeys {
    async fn keys(&self, tenant: &TenantId) -> Result<Arc<TenantKeys>, PortError> {
        Ok(Arc::new(keys(tenant)))
    }
}

/// The store, counting writes and failing when told.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) inner: Store,
    pub(crate) writes: Arc<AtomicUsize>,
    pub(crate) failing_settles: Arc<AtomicUsize>,
    pub(crate) failing_withdrawals: Arc<AtomicUsize>,
    pub(crate) failing_acquaintances: Arc<AtomicUsize>,
    pub(crate) failing_reviews: Arc<AtomicUsize>,
}

/// One failure of those that are due.
fn due(failures: &AtomicUsize) -> Result<(), PortError> {
    let left = failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    match left {
        Ok(_) => Err(PortError::Unavailable { what: "store", cause: "test".into() }),
        Err(_) => Ok(()),
    }
}

impl Deliveries for Watched {
    async fn claim(&self, request: ClaimRequest) -> Result<Claim, PortError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.inner.claim(request).await
    }

    async fn settle(
        &self,
        key: &EventKey,
        owner: FencingToken,
        attempt: Attempt,
        settlement: Settlement,
    ) -> Result<(), PortError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        due(&self.failing_settles)?;
        self.inner.settle(key, owner, attempt, settlement).await
    }

    async fn delivery(&self, key: &EventKey) -> Result<Option<Delivery>, PortError> {
        self.inner.delivery(key).await
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<Delivery>, PortError> {
        self.inner.deliveries(tenant, day, cursor).await
    }
}

impl ConsentStore for Watched {
    async fn consents(&self, keys: &[ConsentKey]) -> Result<Vec<Option<ConsentRecord>>, PortError> {
        self.inner.consents(keys).await
    }

    async fn consents_of(
        &self,
        tenant: &TenantId,
        person: &PersonId,
    ) -> Result<Vec<ConsentRecord>, PortError> {
        self.inner.consents_of(tenant, person).await
    }

    async fn grant(&self, record: ConsentRecord) -> Result<bool, PortError> {
        self.inner.grant(record).await
    }

    async fn withdraw(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        key: Option<&ConsentKey>,
        withdrawal: Withdrawal,
    ) -> Result<usize, PortError> {
        due(&self.failing_withdrawals)?;
        self.inner.withdraw(tenant, person, key, withdrawal).await
    }

    async fn mark(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        mark: Mark,
        at: UnixMillis,
        evidence: Evidence,
    ) -> Result<bool, PortError> {
        self.inner.mark(tenant, person, mark, at, evidence).await
    }
}

impl Acquaintances for Watched {
    async fn acquaint(&self, acquaintance: Acquaintance) -> Result<(), PortError> {
        due(&self.failing_acquaintances)?;
        self.inner.acquaint(acquaintance).await
    }

    async fn known_as(&self, tenant: &TenantId, contact: &PersonId) -> Result<Vec<Acquaintance>, PortError> {
        self.inner.known_as(tenant, contact).await
    }
}

impl ContactLimits for Watched {
    async fn take_place(&self, slot: &Slot) -> Result<Place, PortError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.inner.take_place(slot).await
    }
}

impl Reviews for Watched {
    async fn record_for_review(&self, batch: Vec<ForReview>) -> Vec<Result<Written<AuditRecord>, PortError>> {
        self.inner.record_for_review(batch).await
    }

    async fn open_review(&self, review: Review) -> Result<Written<Review>, PortError> {
        due(&self.failing_reviews)?;
        self.inner.open_review(review).await
    }

    async fn review(&self, id: &ReviewId) -> Result<Option<Review>, PortError> {
        self.inner.review(id).await
    }

    async fn reviews(
        &self,
        tenant: &TenantId,
        state: StateName,
        cursor: Option<String>,
    ) -> Result<Page<Review>, PortError> {
        self.inner.reviews(tenant, state, cursor).await
    }

    async fn advance_review(&self, next: Review, wake: Option<Wake>) -> Result<Advanced, PortError> {
        due(&self.failing_reviews)?;
        self.inner.advance_review(next, wake).await
    }
}

impl Outbox for Watched {
    async fn send(&self, queue: Queue, messages: Vec<OutboundMessage>) -> Vec<SendFailure> {
        self.inner.send(queue, messages).await
    }
}

/// A platform: it takes messages and answers as told; without an answer to give, it says that it took the message.
#[derive(Clone, Default)]
pub(crate) struct Platform {
    answers: Arc<Mutex<VecDeque<(Outcome, String)>>>,
    taken: Arc<Mutex<Vec<(String, Message)>>>,
    /// By destination, what is not healthy.
    pub(crate) health: Arc<Mutex<BTreeMap<String, EndpointHealth>>>,
    /// What the next calls do to their endpoint.
    pub(crate) changes: Arc<Mutex<VecDeque<EndpointHealth>>>,
    /// Told when a message came in that will never be answered.
    pub(crate) swallowed: Arc<tokio::sync::Notify>,
    pub(crate) swallows: Arc<AtomicUsize>,
}

impl Platform {
    pub(crate) fn answers(&self, outcome: Outcome) {
        self.answers_code(outcome, "0");
    }

    pub(crate) fn answers_code(&self, outcome: Outcome, code: &str) {
        self.answers.lock().unwrap().push_back((outcome, code.to_owned()));
    }

    /// Nothing leaves through this endpoint any more.
    pub(crate) fn disable(&self, destination: &str) {
        let disabled = EndpointHealth::Disabled {
            since: NOON,
            code: "93000".into(),
            by: "automatic".into(),
            why: "refused 6 times".into(),
        };
        self.health.lock().unwrap().insert(destination.to_owned(), disabled);
    }

    pub(crate) fn enable(&self, destination: &str) {
        self.health.lock().unwrap().remove(destination);
    }

    pub(crate) fn taken(&self) -> Vec<(String, Message)> {
        self.taken.lock().unwrap().clone()
    }
}

impl Sender for Platform {
    fn idempotency(&self, channel: &Channel, form: Form) -> Idempotency {
        sluice_channels::idempotency(channel, form)
    }

    async fn health(&self, _: &TenantId, destination: &Destination) -> Result<EndpointHealth, PortError> {
        let health = self.health.lock().unwrap();
        Ok(health.get(destination.id.as_str()).cloned().unwrap_or(EndpointHealth::Healthy))
    }

    async fn send(&self, _: &TenantId, destination: &Destination, message: &Message) -> SendReport {
        self.taken.lock().unwrap().push((destination.id.to_string(), message.clone()));
        if due(&self.swallows).is_err() {
            self.swallowed.notify_one();
            std::future::pending::<()>().await;
        }
        let told = self.answers.lock().unwrap().pop_front();
        let taken = || (Outcome::Delivered { provider_id: Some("om_1".into()) }, "0".to_owned());
        let (outcome, code) = told.unwrap_or_else(taken);
        let endpoint = self.changes.lock().unwrap().pop_front();
        SendReport {
            outcome,
            code: Some(code),
            message: None,
            provider_log_id: None,
            request_sha256: None,
            endpoint,
        }
    }
}

type Dispatch = ChannelDispatch<Watched, FixedKeys, Platform, Arc<ManualClock>, SystemEntropy>;

/// The dispatcher and its world.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) dispatch: Arc<Dispatch>,
    pub(crate) store: Watched,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) platform: Platform,
    pub(crate) counters: Counters,
}

pub(crate) fn desk() -> Desk {
    desk_with(settings())
}

pub(crate) fn desk_with(settings: Settings) -> Desk {
    let clock = Arc::new(ManualClock::at(NOON));
    let options = Options { clock: clock.clone(), ..Options::default() };
    let store = Watched {
        inner: Store::in_memory(options).unwrap(),
        writes: Arc::default(),
        failing_settles: Arc::default(),
        failing_withdrawals: Arc::default(),
        failing_acquaintances: Arc::default(),
        failing_reviews: Arc::default(),
    };
    let (platform, counters) = (Platform::default(), Counters::default());
    let dispatch = Arc::new(ChannelDispatch {
        settings: Arc::new(settings),
        store: store.clone(),
        keys: FixedKeys,
        sender: platform.clone(),
        clock: clock.clone(),
        entropy: SystemEntropy,
        metrics: Metrics::new(counters.clone()),
    });
    Desk { dispatch, store, clock, platform, counters }
}

/// The desk after its configuration was changed.
pub(crate) fn reconfigured(desk: &Desk, settings: Settings) -> Desk {
    let dispatch = ChannelDispatch {
        settings: Arc::new(settings),
        store: desk.store.clone(),
        keys: FixedKeys,
        sender: desk.platform.clone(),
        clock: desk.clock.clone(),
        entropy: SystemEntropy,
        metrics: Metrics::new(desk.counters.clone()),
    };
    Desk { dispatch: Arc::new(dispatch), ..desk.clone() }
}

/// The shipped configuration.
pub(crate) fn settings() -> Settings {
    sluice_settings::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config")).unwrap()
}

/// Another group of the same team: nothing remembers a message.
pub(crate) const DUTY: &str = "wecom-duty-group";

/// The shipped configuration, whose forms fall back to a destination.
pub(crate) fn falling_back(to: &str) -> Settings {
    with_fallback(settings(), to)
}

/// A configuration whose forms fall back to a destination.
pub(crate) fn with_fallback(mut settings: Settings, to: &str) -> Settings {
    let tenant = settings.tenants.get_mut(&TenantId::new("demo-brand").unwrap()).unwrap();
    let tenant = Arc::get_mut(tenant).unwrap();
    let (duty, group) = (DestinationId::new(DUTY).unwrap(), DestinationId::new(BOT).unwrap());
    let channel = Channel::WecomBot { key: "demo-brand/wecom-duty-bot".into() };
    let duty = Destination { id: duty, channel, ..tenant.destinations[&group].clone() };
    tenant.destinations.insert(duty.id.clone(), duty);
    let route = tenant.routes.iter_mut().find(|route| route.recipient.as_str() == "wecom_sales").unwrap();
    route.fallback = Some(DestinationId::new(to).unwrap());
    settings
}

impl Desk {
    /// Handles one message as it comes off the queue.
    pub(crate) async fn deliver(&self, assigned: &Assigned) -> Result<(), StageError> {
        let results = self.dispatch.handle(vec![unchecked(assigned)]).await;
        assert_eq!(results.len(), 1);
        results.into_iter().next().unwrap()
    }

    pub(crate) async fn delivery(&self, assigned: &Assigned) -> Delivery {
        self.store.delivery(&assigned.cleared.event().key).await.unwrap().unwrap()
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }
}

pub(crate) fn unchecked(assigned: &Assigned) -> UncheckedAssigned {
    serde_json::from_str(&serde_json::to_string(assigned).unwrap()).unwrap()
}

/// A form of 张三, 13800138000, cleared at [`NOON`] and assigned to a destination.
pub(crate) fn assigned(number: u8, destination: &str, verdict: Verdict) -> Assigned {
    assigned_to(event, number, destination, verdict)
}

/// An event of a person who did something before.
pub(crate) fn of_person(number: u8, person: u8, destination: &str) -> Assigned {
    let event = |number, keys: &TenantKeys| Event {
        person: Some(keys.person(&format!("open-{person}"))),
        ..event(number, keys)
    };
    assigned_to(event, number, destination, Verdict::AllowMasked)
}

fn assigned_to(
    event: impl Fn(u8, &TenantKeys) -> Event,
    number: u8,
    destination: &str,
    verdict: Verdict,
) -> Assigned {
    let tenant = if destination == PERSON { "demo-mcn" } else { "demo-brand" };
    let keys = keys(&TenantId::new(tenant).unwrap());
    let cleared = Cleared::by(&decision(verdict), event(number, &keys), NOON, &keys).unwrap();
    let script = if destination == PERSON { "appointment" } else { "lead-card-plain" };
    let assignment = Assignment {
        experiment: None,
        bucket: None,
        variant: None,
        script: ScriptId::new(script).unwrap(),
        script_version: 1,
        destination: DestinationId::new(destination).unwrap(),
    };
    Assigned::of(cleared, assignment, &keys)
}

/// The same event with another choice, as bucket-assignment would have made it under another configuration.
pub(crate) fn reassigned(assigned: Assigned, change: impl FnOnce(&mut Assignment)) -> Assigned {
    let Assigned { cleared, mut assignment, .. } = assigned;
    change(&mut assignment);
    let keys = keys(&cleared.event().key.tenant);
    Assigned::of(cleared, assignment, &keys)
}

fn event(number: u8, keys: &TenantKeys) -> Event {
    let key = EventKey {
        tenant: keys.tenant().clone(),
        source: SourceId::new("open-platform").unwrap(),
        message: MessageId::new(format!("message-{number}")).unwrap(),
    };
    let fields = [
        (PersonalField::Name, "张三"),
        (PersonalField::Phone, "13800138000"),
        (PersonalField::Form("城市".into()), "北京市"),
        (PersonalField::Form("wechat_openid".into()), "oPerson00000000000000000000001"),
    ];
    let record = key.to_string();
    let seal = |(place, (field, value)): (u8, (PersonalField, &str))| {
        // A nonce of its own for each field of each event: the key is fixed.
        let nonce = [[number, place].as_slice(), &[0; 10]].concat().try_into().unwrap();
        let sealed = keys.seal(SEAL_TABLE, &field.to_string(), &record, value, nonce).unwrap();
        (field, sealed)
    };
    Event {
        trace_id: TraceId::from_parts(NOON, [number; 10]),
        key,
        kind: EventKind::FormSubmit,
        name: "im_receive_msg".into(),
        occurred_at: None,
        received_at: NOON,
        payload_sha256: "00".repeat(32),
        person: Some(keys.person(&format!("open-{number}"))),
        account: None,
        subject: Subject::Nothing,
        personal: (0..).zip(fields).map(seal).collect(),
    }
}

fn decision(verdict: Verdict) -> Decision {
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
    Decision::of(verdict, vec![reason], pack)
}
