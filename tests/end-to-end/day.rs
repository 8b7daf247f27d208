//! One day of a small brand through the whole gate, with troubles. It proves that every metric is emitted by code, and is what the README's
//! picture of the dashboard shows: with `SLUICE_RECORD` set to a file, what was measured is written there (`cargo xtask dashboard
//! --record`).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use compliance_check::ComplianceCheck;
use nightly_reconciliation::NightlyReconciliation;
use secrecy::SecretString;
use serde_json::{Value, json};
use sluice::builtin;
use sluice::cli::Place;
use sluice::client::GateClient;
use sluice::demo::callbacks::LONG;
use sluice::demo::world::{DemoClock, World};
use sluice::gate::{Gate, GateOptions};
use sluice::state::{self, State};
use sluice_channels::Endpoints;
use sluice_domain::audit::Disposition;
use sluice_domain::consent::{ConsentKey, ConsentRecord, ConsentText, Evidence, Purpose, Recipient};
use sluice_domain::decision::Verdict;
use sluice_domain::id::{EventKey, MessageId, PersonId, SourceId, TenantId, TraceId};
use sluice_domain::link::{Campaign, ToSign as LinkToSign, sign_link};
use sluice_domain::review::{Ballot, ReviewerName, Says, StateName, Voter, Why};
use sluice_domain::scheme::{Credentials, ToSign, sign};
use sluice_domain::settings::Settings;
use sluice_domain::source::SchemeName;
use sluice_domain::time::UnixMillis;
use sluice_embedded::{FileSecrets, SystemEntropy};
use sluice_ports::{
    AuditLog as _, Clock, ConsentStore as _, Deliveries as _, Intake as _, KeyRing as _, OutboundMessage,
    Outbox as _, PortError, Queue,
};
use sluice_review::{Desk, Which};
use sluice_simulators::{Fault, FaultEffect, FaultTimes, Place as At, Platform, Running, Simulators};
use sluice_steps::Stage as _;
use sluice_telemetry::{Counters, EmfWriter, Invocation, Invocations, Metrics, Signal};

use crate::no_consents::NoConsents;
use crate::program::get;

/// 2026-11-20 00:00 in China.
pub(crate) const MIDNIGHT: i64 = 1_795_104_000_000;
const SLOT_MS: i64 = 30 * 60_000;
const SLOTS: i64 = 48;

/// Lines of one day, in memory.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) struct Day {
    pub(crate) settings: Arc<Settings>,
    pub(crate) world: World,
    pub(crate) state: State,
    pub(crate) platforms: Running,
    gate: Gate,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) client: GateClient,
    metrics: Metrics,
}

impl Day {
    pub(crate) async fn begin(
        data: &std::path::Path,
        metrics: impl FnOnce(Arc<dyn Clock>) -> Metrics,
    ) -> Self {
        let settings = Arc::new(sluice_settings::load_bundle(&builtin::bundle()).unwrap());
        let world = World::new(&settings, &SystemEntropy);
        let platforms = Simulators::start(world.platforms(&settings)).await.unwrap();
        platforms.clock().set_ms(MIDNIGHT);
        let clock: Arc<dyn Clock> = Arc::new(DemoClock(platforms.clock()));
        let place = Place { config: None, data: data.to_owned(), secrets: None };
        let state = state::open(&place, Arc::clone(&clock)).await.unwrap();
        let path = state::secrets_path(&place);
        world.write(&path).unwrap();
        let secrets = Arc::new(FileSecrets::open(&path, Arc::clone(&clock)).unwrap());
        let endpoints =
            Endpoints::new(&*platforms.feishu_url, &*platforms.wecom_url, &*platforms.wechat_url).unwrap();
        let metrics = metrics(Arc::clone(&clock));
        let listen = ([127, 0, 0, 1], 0).into();
        let censors = sluice_censor::Endpoints::new(&platforms.douyin_url, &platforms.toutiao_url).unwrap();
        let options =
            GateOptions { listen, endpoints, censors, front_door_only: false, metrics: metrics.clone() };
        let gate = Gate::start(state.clone(), secrets, options).await.unwrap();
        let client = GateClient::new(format!("http://{}", gate.address));
        Self { settings, world, state, platforms, gate, clock, client, metrics }
    }

    pub(crate) async fn post(&self, source: &str, id: &str, body: &Value, forged: bool) {
        let (tenant, configured) = self.settings.source(source).unwrap();
        let secret = SecretString::from(self.world.secret(&tenant.id, &configured.secret));
        let body = body.to_string();
        let headers = [("Msg-Id".to_owned(), id.to_owned())];
        let mut message = ToSign::post(body.as_bytes(), self.clock.now());
        message.headers = &headers;
        let credentials = Credentials::of_source(configured, &secret, None);
        let mut signed = sign(configured.scheme, message, &credentials).unwrap();
        if forged {
            *signed.body.last_mut().unwrap() = b' ';
        }
        let answer = self.client.send(source, "POST", signed).await.unwrap();
        assert_eq!(answer.status.is_success(), !forged, "{source}: {}", answer.status);
    }

    /// A poster of the spring campaign is scanned, and somebody tries another address.
    async fn open_a_link(&self) {
        let keys = self.state.keys.keys(&TenantId::new("demo-brand").unwrap()).await.unwrap();
        let campaign = Campaign::new("spring").unwrap();
        let expires_at = self.clock.now().plus_ms(SLOT_MS);
        let destination = "https://www.example.com/spring";
        let what = LinkToSign {
            campaign: &campaign,
            destination,
            reference: None,
            expires_at,
            nonce: [1; 12],
            key: None,
        };
        let token = sign_link(&keys, &what).unwrap();
        for (token, status) in [(token.clone(), "303"), (token.replacen("bDF8", "bDF9", 1), "404")] {
            let base = format!("http://{}", self.gate.address);
            let answer =
                tokio::task::spawn_blocking(move || get(&base, &format!("/links/{token}"), "text/html"))
                    .await
                    .unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        }
    }

    pub(crate) fn trouble(&self, platform: Platform, effect: FaultEffect, calls: u32) {
        self.platforms.inject(Fault { platform, place: At::Send, effect, times: FaultTimes::Next(calls) });
    }

    /// Waits until no message can go on at this moment of the day.
    pub(crate) async fn settle(&self) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
        let busy = || {
            Queue::ALL.into_iter().any(|queue| {
                let depth = self.state.store.depth(queue).unwrap();
                depth.visible + depth.in_flight > 0
            })
        };
        while busy() {
            assert!(std::time::Instant::now() < deadline, "the gate stands still");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    fn move_to(&self, at: i64) {
        let ahead = at - self.platforms.clock().now_ms();
        self.platforms.clock().advance_ms(ahead.max(0));
        self.gate.clock_moved();
    }
}

fn open_platform(event: &str, from: &str, content: &Value) -> Value {
    json!({ "event": event, "client_key": "awdemobrand000001", "from_user_id": from, "to_user_id": "shop", "content": content.to_string() })
}

pub(crate) fn lead(number: i64, at: i64) -> Value {
    let content = json!({
        "conversation_short_id": format!("@conversation-{number}=="), "server_message_id": format!("@message-{number}=="),
        "conversation_type": 1, "create_time": at, "message_type": "retain_consult_card", "source": "", "scene_type": 100,
        "card_id": "@72Mq-demo-card", "card_status": 2, "user_infos": [],
        "card_data": [{ "label": "姓名", "value": "李雷" }, { "label": "手机号", "value": format!("138{number:08}") }],
    });
    json!({ "event": "im_receive_msg", "client_key": "awdemobrand000001", "from_user_id": format!("person-{number}"), "to_user_id": "shop", "content": content })
}

fn chat(number: i64, at: i64, text: &str) -> Value {
    let content = json!({
        "conversation_short_id": format!("@chat-{number}=="), "server_message_id": format!("@said-{number}=="), "conversation_type": 1,
        "create_time": at, "message_type": "text", "source": "", "scene_type": 100, "text": text, "user_infos": [],
    });
    json!({ "event": "im_receive_msg", "client_key": "awdemobrand000001", "from_user_id": format!("person-{}", number / 7), "to_user_id": "shop", "content": content })
}

pub(crate) fn ad_lead(number: i64, at: i64) -> Value {
    let content = json!({ "content": {
        "clue_id": format!("{number}"), "form_id": "ocean-lead-form", "open_id": format!("ad-{number}"), "name": "赵六",
        "telephone": format!("137{number:08}"), "wechat_openid": if number % 4 == 1 { "openid-nobody" } else { "openid-zhaoliu" },
    }});
    json!({
        "message_id": format!("ad-{number}"), "account_relation": "{}", "service_label": "clue.form.submit", "advertiser_ids": [1],
        "publish_time": at, "timestamp": at, "nonce": "n", "data": content.to_string(),
    })
}

/// Callbacks of half an hour: few at night, most in the evening.
fn busy(slot: i64) -> i64 {
    let hour = slot / 2;
    match hour {
        0..7 => 1,
        7..11 => 3 + slot % 2,
        11..14 => 6,
        14..18 => 4 + slot % 3,
        18..22 => 8 + slot % 3,
        _ => 3,
    }
}

/// People whose consent stood before the day.
async fn consents(day: &Day) {
    let tenant = TenantId::new("demo-brand").unwrap();
    let keys = day.state.keys.keys(&tenant).await.unwrap();
    for number in 0..60 {
        let key = ConsentKey {
            tenant: tenant.clone(),
            person: keys.person(&format!("person-{number}")),
            purpose: Purpose::new("sales_contact").unwrap(),
            recipient: Recipient::new("feishu_leads").unwrap(),
        };
        let text = ConsentText::shown("day", "我同意与我联系。");
        let evidence = Evidence::Operator { note: "day".into() };
        let record = ConsentRecord::new(key, text, UnixMillis(MIDNIGHT - 86_400_000), evidence);
        assert!(day.state.store.grant(record).await.unwrap());
    }
}

async fn play(day: &Day) {
    let mut number = 0;
    for slot in 0..SLOTS {
        let at = MIDNIGHT + slot * SLOT_MS;
        day.move_to(at);
        day.settle().await;
        match slot {
            25 => day.trouble(Platform::Wecom, FaultEffect::Code { code: 45_009, status: 200 }, 3),
            32 => day.trouble(Platform::Feishu, FaultEffect::ResetAfterCommit, 1),
            36 => day.trouble(Platform::Wechat, FaultEffect::ResetAfterCommit, 2),
            38 => day.trouble(Platform::Feishu, FaultEffect::Code { code: 7_654_321, status: 200 }, 1),
            39 => day.trouble(Platform::Wecom, FaultEffect::Status { status: 503 }, 3),
            41 => day.trouble(Platform::Feishu, FaultEffect::Code { code: 19_001, status: 200 }, 1),
            34 => day.trouble(Platform::DouyinCensor, FaultEffect::Status { status: 503 }, 3),
            _ => {}
        }
        day.platforms.wechat_person_writes("wx00demo00000000", "openid-zhaoliu");
        for _ in 0..busy(slot) {
            number += 1;
            let (id, person) = (format!("m-{number}"), format!("fan-{number}"));
            day.post("open-platform", &id, &lead(number, at), false).await;
            let follow = open_platform(
                "new_follow_action",
                &person,
                &json!({ "action_type": 1, "action_time": at / 1_000 }),
            );
            match number % 6 {
                0 => day.post("open-platform", &id, &lead(number, at), false).await,
                1 | 4 => day.post("open-platform", &format!("f-{number}"), &follow, false).await,
                2 => {
                    day.post(
                        "open-platform",
                        &format!("c-{number}"),
                        &chat(number, at, "加我薇信 vx_12345 私聊"),
                        false,
                    )
                    .await;
                }
                3 => day.post("ocean", &format!("a-{number}"), &ad_lead(number, at), false).await,
                _ => {
                    day.post("open-platform", &format!("q-{number}"), &chat(number, at, "有现货吗"), false)
                        .await;
                }
            }
            if number % 23 == 0 {
                let text = "我是车主,13912345678";
                day.post("open-platform", &format!("r-{number}"), &chat(number, at, text), false).await;
            }
            // The same texts again and again: the platform is asked about each once.
            if number % 13 == 0 {
                let text = if number % 2 == 0 { LONG } else { "请问能代开发票吗" };
                day.post("open-platform", &format!("l-{number}"), &chat(number, at, text), false).await;
            }
            if number % 17 == 0 {
                day.post("open-platform", "forged", &follow, true).await;
                let unknown = open_platform("brand_new_event_2027", &person, &json!({ "x": 1 }));
                day.post("open-platform", &format!("u-{number}"), &unknown, false).await;
            }
        }
        if slot == 16 || slot == 30 {
            let challenge =
                json!({ "event": "verify_webhook", "client_key": "", "content": { "challenge": 12345 } });
            day.post("open-platform", "handshake", &challenge, false).await;
            day.open_a_link().await;
            let trace_id = TraceId::from_parts(day.clock.now(), [u8::try_from(slot).unwrap(); 10]);
            let message = OutboundMessage { body: "no event".into(), trace_id, delay_seconds: 0 };
            assert!(day.state.store.send(Queue::Events, vec![message]).await.is_empty());
        }
        if slot == 34 {
            // The censor is down: people decide.
            day.post("open-platform", "unchecked", &chat(number, at, "有翻墙软件吗"), false).await;
        }
        day.settle().await;
        if slot == 40 {
            // Who is welcomed is welcomed once: what is left of the slot before must not strike it.
            day.platforms.clear_faults();
            crate::callbacks::channels_tell(day).await;
            day.settle().await;
        }
        if slot == 28 {
            crate::fallback::an_order_falls_back(day).await;
        }
        if slot % 6 == 5 {
            review(day).await;
        }
        day.metrics.flush();
    }
}

/// A reviewer comes by, and leaves the newest for the next time.
async fn review(day: &Day) {
    let tenant = TenantId::new("demo-brand").unwrap();
    let desk = Desk { store: &day.state.store, keys: &day.state.keys, now: day.clock.now() };
    let mut waiting = desk.list(&tenant, StateName::Open).await.unwrap();
    waiting.pop();
    for view in waiting {
        let by = Voter::Person { name: ReviewerName::new("王芳").unwrap() };
        let ballot = Ballot { by, says: Says::Approve, why: Why::new("本人的号码").unwrap() };
        let which = Which { tenant: tenant.clone(), trace: view.trace_id, point: None };
        desk.vote(&which, ballot).await.unwrap();
    }
    day.settle().await;
}

/// Every delivery has the trace that its callback got at the door, and so has the decision between the two.
async fn one_trace_each(day: &Day) {
    let (tenant, store) = (TenantId::new("demo-brand").unwrap(), &day.state.store);
    let today = UnixMillis(MIDNIGHT).business_day();
    let (mut arrived, mut cursor) = (BTreeSet::new(), None);
    loop {
        let page = store.receipts(&tenant, today, cursor).await.unwrap();
        arrived.extend(page.items.into_iter().map(|receipt| receipt.trace_id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let (mut delivered, mut cursor) = (0, None);
    loop {
        let page = store.deliveries(&tenant, today, cursor).await.unwrap();
        for delivery in page.items {
            assert!(arrived.contains(&delivery.trace_id), "{} is no callback's", delivery.trace_id);
            let decided = store.audit(&delivery.key).await.unwrap().unwrap();
            assert_eq!(decided.trace_id, delivery.trace_id);
            delivered += 1;
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert!(delivered > 100, "{delivered}");
}

/// The night's run, as the function does it.
async fn reconcile(day: &Day) {
    day.move_to(MIDNIGHT + 26 * 3_600_000);
    day.settle().await;
    let state = &day.state;
    let handler = NightlyReconciliation::new(
        Arc::clone(&day.settings),
        state.store.clone(),
        state.reports.clone(),
        state.signer.clone(),
        Arc::clone(&day.clock),
        day.metrics.clone(),
    );
    let invocations = Invocations::of("nightly-reconciliation", day.metrics.clone());
    let invocation = Invocation { request_id: "night", xray: None, deadline_ms: None };
    let event = serde_json::from_value(json!({
        "version": "0", "id": "n", "detail-type": "Scheduled Event", "source": "aws.scheduler", "account": "123456789012",
        "time": "2026-11-20T18:00:00Z", "region": "cn", "resources": [], "detail": {},
    }));
    let outcome = invocations.run(invocation, handler.handle(event.unwrap()), Result::is_err).await.unwrap();
    assert!(outcome.tenants.iter().all(|tenant| tenant.balanced), "{outcome:?}");
    // One contact came by the link of a message, one by none.
    let brand = TenantId::new("demo-brand").unwrap();
    let report = handler.reconcile(&brand, outcome.day, day.clock.now()).await.unwrap();
    let found = report.attribution;
    assert_eq!((found.added, found.attributed, found.unattributed), (2, 1, 1));
    assert_eq!(found.destinations.values().map(|counts| counts.contacts).sum::<u64>(), 1);
}

/// A consent store that does not answer: the event waits, and the failure is counted.
async fn without_consents(day: &Day) {
    let stage = ComplianceCheck {
        settings: Arc::clone(&day.settings),
        store: NoConsents,
        keys: day.state.keys.clone(),
        clock: Arc::clone(&day.clock),
        metrics: day.metrics.clone(),
    };
    let event = follow(day, "waits", Some(PersonId::new("p-0").unwrap()));
    let [result] = stage.handle(vec![event]).await.try_into().unwrap();
    let error = result.unwrap_err();
    assert_eq!(error.kind, PortError::Unavailable { what: "", cause: String::new() }.kind());
}

/// A rule without a value for the event, which blocks it, and a candidate pack that decides otherwise.
async fn with_troubled_rules(day: &Day) {
    let failing = "
rules:
  - id: fails-without-consent
    title: 没有同意时无法求值
    code: fails_without_consent
    priority: 10
    kinds: [follow]
    when: event.kind in consent.purpose or consent.purpose == 'never'
    then: review
    basis: [{ document: 个人信息保护法, article: 第十三条 }]
";
    let files = builtin::FILES.iter().map(|(name, text)| match *name {
        "rules/baseline.yaml" => (*name, format!("{text}{failing}")),
        "sluice.yaml" => {
            (*name, text.replacen("rules: baseline.yaml", "rules: baseline.yaml\n    shadow: pipl.yaml", 1))
        }
        _ => (*name, (*text).to_owned()),
    });
    let settings = sluice_settings::load_bundle(&files.collect()).unwrap();
    let stage = ComplianceCheck {
        settings: Arc::new(settings),
        store: day.state.store.clone(),
        keys: day.state.keys.clone(),
        clock: Arc::clone(&day.clock),
        metrics: day.metrics.clone(),
    };
    let event = follow(day, "fails", None);
    let key = event.key.clone();
    let [result] = stage.handle(vec![event]).await.try_into().unwrap();
    result.unwrap();
    let record = day.state.store.audit(&key).await.unwrap().unwrap();
    let Disposition::Decided { decision } = record.disposition else { panic!("decided") };
    assert_eq!((decision.verdict, decision.main_code()), (Verdict::Block, "rule_failed"));
    assert_eq!(decision.shadow.unwrap().code, "person_unknown");
}

/// Somebody follows, now.
fn follow(day: &Day, message: &str, person: Option<PersonId>) -> sluice_domain::event::Event {
    let now = day.clock.now();
    sluice_domain::event::Event {
        trace_id: TraceId::from_parts(now, [9; 10]),
        key: EventKey {
            tenant: TenantId::new("demo-brand").unwrap(),
            source: SourceId::new("open-platform").unwrap(),
            message: MessageId::new(message).unwrap(),
        },
        kind: sluice_domain::event::EventKind::Follow,
        name: "new_follow_action".into(),
        occurred_at: Some(now),
        received_at: now,
        payload_sha256: String::new(),
        person,
        account: None,
        subject: sluice_domain::event::Subject::Nothing,
        personal: std::collections::BTreeMap::new(),
    }
}

/// A configuration that breaks while it is in use.
fn with_a_broken_configuration(day: &Day) {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("config");
    builtin::write(&config).unwrap();
    let settings = sluice_settings::LastGood::open(&config).unwrap().counting(day.metrics.clone());
    std::fs::write(config.join("sluice.yaml"), "tenants: 7").unwrap();
    assert!(settings.reload().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_with_troubles_emits_every_metric() {
    let directory = tempfile::tempdir().unwrap();
    let (counters, lines) = (Counters::default(), Lines::default());
    let day = {
        let (counters, lines) = (counters.clone(), lines.clone());
        let metrics = move |clock: Arc<dyn Clock>| {
            let emf = EmfWriter::new(lines, move || clock.now()).holding();
            Metrics::new((Metrics::new(counters), Metrics::new(emf)))
        };
        Day::begin(&directory.path().join("data"), metrics).await
    };
    assert_eq!(day.settings.source("open-platform").unwrap().1.scheme, SchemeName::OpenPlatform);
    consents(&day).await;
    play(&day).await;
    one_trace_each(&day).await;
    without_consents(&day).await;
    with_troubled_rules(&day).await;
    with_a_broken_configuration(&day);
    reconcile(&day).await;
    day.gate.stop().await;

    let emitted: BTreeSet<&str> = counters.snapshot().iter().map(|reading| reading.name).collect();
    let named: BTreeSet<&str> = Signal::ALL.iter().map(|signal| signal.name()).collect();
    assert_eq!(emitted, named, "each metric is counted by code that ran, and none other");
    let steps: BTreeSet<String> = counters
        .snapshot()
        .into_iter()
        .filter(|it| it.name == "StepDuration")
        .map(|it| it.dimension)
        .collect();
    assert_eq!(
        steps.iter().map(String::as_str).collect::<Vec<_>>(),
        ["bucket-assignment", "channel-dispatch", "compliance-check", "content-safety", "webhook-verify"]
    );
    let written = lines.0.lock().unwrap();
    for line in std::str::from_utf8(&written).unwrap().lines() {
        assert!(serde_json::from_str::<Value>(line).unwrap()["_aws"].is_object());
    }
    if let Some(path) = std::env::var_os("SLUICE_RECORD") {
        std::fs::write(path, written.as_slice()).unwrap();
    }
}
