//! Instances of the real sender over one shared state and one platform, in simulated time: ten minutes take a moment, and every wait,
//! way and clock is part of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use secrecy::SecretString;
use sluice_channels::{Channels, Endpoints, Message, SendReport};
use sluice_domain::consent::Recipient;
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::{Channel, Destination};
use sluice_domain::id::{DestinationId, TenantId};
use sluice_domain::sealed::DataKey;
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;
use sluice_ports::{
    ChannelState, Clock as _, HttpClient, HttpRequest, HttpResponse, KeyRing, PortError, Replaced,
    SecretStore, SecretVersions, StateDocument, StateKey, TransportError,
};
use sluice_simulators::{
    Counters, FeishuApp, FeishuBot, InProcess, Platform, SimulatorOptions, WecomApp, WecomBot,
};
use tokio::time::Instant;

#[path = "chance.rs"]
mod chance;

use chance::{BEGIN, Chance, Skewed};

/// Messages that an instance has in hand at a time: a batch.
pub(crate) const BATCH: usize = 10;

/// The way to the platform and back, which takes its time.
#[derive(Clone)]
struct Way {
    platform: Arc<InProcess>,
    time: Skewed,
    chance: Chance,
}

impl HttpClient for Way {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.chance.takes(10, 50).await;
        let address = request.url.parse().map_err(|_| TransportError::BadRequest("address".to_owned()))?;
        let headers = request.headers.into_iter().collect();
        let answer = self.platform.call(&request.method, &address, headers, request.body, self.time.now().0);
        self.chance.takes(10, 50).await;
        let answer = answer.ok_or_else(|| TransportError::NoAnswer("connection lost".to_owned()))?;
        Ok(HttpResponse { status: answer.status, headers: answer.headers, body: answer.body })
    }
}

/// The shared state, as far away as a database; it counts what it is asked.
#[derive(Clone)]
struct Far {
    documents: Arc<Mutex<HashMap<StateKey, (u64, String)>>>,
    chance: Chance,
    counts: Arc<Counts>,
}

/// What the shared state was asked.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) reads: AtomicU64,
    /// Lost ones too: they cost the same.
    pub(crate) writes: AtomicU64,
}

fn stored(found: &(u64, String)) -> StateDocument {
    StateDocument { body: found.1.clone(), version: found.0.to_string() }
}

impl ChannelState for Far {
    async fn document(&self, key: &StateKey) -> Result<Option<StateDocument>, PortError> {
        self.counts.reads.fetch_add(1, Ordering::Relaxed);
        self.chance.takes(1, 5).await;
        let found = self.documents.lock().unwrap().get(key).map(stored);
        self.chance.takes(1, 5).await;
        Ok(found)
    }

    async fn replace(
        &self,
        key: &StateKey,
        seen: Option<&str>,
        body: String,
        _: UnixMillis,
    ) -> Result<Replaced, PortError> {
        self.counts.writes.fetch_add(1, Ordering::Relaxed);
        self.chance.takes(2, 7).await;
        let replaced = {
            let mut documents = self.documents.lock().unwrap();
            let there = documents.get(key);
            if there.map(|found| found.0.to_string()).as_deref() == seen {
                let version = there.map_or(0, |found| found.0) + 1;
                documents.insert(key.clone(), (version, body));
                Replaced::Done { version: version.to_string() }
            } else {
                Replaced::Overtaken(there.map(stored))
            }
        };
        self.chance.takes(2, 7).await;
        Ok(replaced)
    }
}

struct Named;

impl SecretStore for Named {
    async fn secret(&self, _: &TenantId, name: &str) -> Result<SecretVersions, PortError> {
        Ok(SecretVersions { current: SecretString::from(name), previous: None })
    }
}

struct Keys;

impl KeyRing for Keys {
    async fn keys(&self, tenant: &TenantId) -> Result<Arc<TenantKeys>, PortError> {
        let keys = vec![DataKey::new(1, &[9; 32])];
        Ok(Arc::new(TenantKeys::new(tenant.clone(), zeroize::Zeroizing::new([7; 32]), keys)))
    }
}

/// What a run is about.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) channel: Channel,
    pub(crate) instances: usize,
    pub(crate) minutes: i64,
    /// Clocks are up to so many milliseconds wrong, either way.
    pub(crate) skew_ms: i64,
    /// One in so many sends dies with its instance, after it had its permit; 0 for none.
    pub(crate) dies: u64,
    pub(crate) seed: u64,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Came {
    /// Messages that a recipient saw.
    pub(crate) seen: u64,
    /// Calls that the platform refused as too many.
    pub(crate) over_limit: u64,
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    pub(crate) counters: Counters,
}

type Sender = Channels<Way, Named, Skewed>;

/// Every instance always has the next batch at hand; what is told to come back later comes back then.
pub(crate) async fn run(run: &Run) -> Came {
    let began = Instant::now();
    let chance = Chance::new(run.seed);
    let platform = Arc::new(InProcess::new(options(), BEGIN));
    let counts = Arc::new(Counts::default());
    let far = Far { documents: Arc::default(), chance: chance.clone(), counts: Arc::clone(&counts) };
    let way =
        Way { platform: Arc::clone(&platform), time: Skewed { began, skew_ms: 0 }, chance: chance.clone() };
    let ends = began + Duration::from_secs(u64::try_from(run.minutes * 60).unwrap());
    let instances = (0..run.instances).map(|number| {
        let span = u64::try_from(2 * run.skew_ms + 1).unwrap();
        let skew_ms = i64::try_from(chance.below(span)).unwrap() - run.skew_ms;
        let clock = Skewed { began, skew_ms };
        let make = {
            let (way, far, chance, clock) = (way.clone(), far.clone(), chance.clone(), clock.clone());
            move || {
                let endpoints = Endpoints::default();
                Channels::new(endpoints, way.clone(), Named, clock.clone()).sharing(
                    far.clone(),
                    Keys,
                    chance.clone(),
                )
            }
        };
        instance(make, run.clone(), clock, chance.clone(), number, ends)
    });
    let over_limit = join_all(instances).await.into_iter().sum();
    let counters = platform.counters(match run.channel {
        Channel::FeishuBot { .. } | Channel::FeishuApp { .. } => Platform::Feishu,
        _ => Platform::Wecom,
    });
    let (reads, writes) = (counts.reads.load(Ordering::Relaxed), counts.writes.load(Ordering::Relaxed));
    let seen = u64::try_from(platform.seen().len()).unwrap();
    Came { seen, over_limit, reads, writes, counters }
}

async fn instance(
    make: impl Fn() -> Sender,
    run: Run,
    clock: Skewed,
    chance: Chance,
    number: usize,
    ends: Instant,
) -> u64 {
    let (mut sender, mut over_limit, mut sent) = (make(), 0, 0_u64);
    let tenant = TenantId::new("acme").unwrap();
    let destination = destination(&run.channel);
    // They do not all start at once.
    chance.takes(0, 1_000).await;
    while Instant::now() < ends {
        let dies = run.dies > 0 && chance.below(run.dies) == 0;
        let sends = (0..BATCH).map(|place| {
            let message = message(number, sent + u64::try_from(place).unwrap());
            let (sender, tenant, destination) = (&sender, &tenant, &destination);
            async move { sender.send(tenant, destination, &message).await }
        });
        let batch = join_all(sends);
        sent += u64::try_from(BATCH).unwrap();
        if dies {
            // Somewhere between the lease of its permits and the last answer.
            let life = Duration::from_millis(chance.below(200));
            if tokio::time::timeout(life, batch).await.is_err() {
                sender = make();
            }
            // Its messages come back after a while, to another one.
            chance.takes(1_000, 5_000).await;
            continue;
        }
        let reports = batch.await;
        over_limit += reports.iter().filter(|report| is_over_limit(report)).count() as u64;
        let back = reports.iter().filter_map(|report| match report.outcome {
            Outcome::Throttled { until } => Some(until),
            _ => None,
        });
        match back.min() {
            // A queue counts in whole seconds.
            Some(until) => {
                let wait = (until.since(clock.now()).max(0) + 999) / 1_000;
                tokio::time::sleep_until(
                    (Instant::now() + Duration::from_secs(u64::try_from(wait).unwrap())).min(ends),
                )
                .await;
            }
            // Claims and settlements, and the next batch.
            None => chance.takes(20, 80).await,
        }
    }
    over_limit
}

fn is_over_limit(report: &SendReport) -> bool {
    let own = |code: &str| code.starts_with("limit_") || code == "blocked" || code.starts_with("endpoint_");
    matches!(report.outcome, Outcome::Throttled { .. }) && !report.code.as_deref().is_some_and(own)
}

fn message(instance: usize, number: u64) -> Message {
    Message {
        dispatch_id: format!("0193a0c0-{instance:04}-7000-8000-{number:012}"),
        text: format!("新线索 {instance} {number}"),
        ..Message::default()
    }
}

fn destination(channel: &Channel) -> Destination {
    Destination {
        id: DestinationId::new(channel.as_str()).unwrap(),
        weight: 1,
        recipient: Recipient::new("sales").unwrap(),
        channel: channel.clone(),
        acquisition_link: None,
        limits: Arc::default(),
    }
}

fn options() -> SimulatorOptions {
    SimulatorOptions {
        feishu_bots: vec![FeishuBot { hook: "hook".to_owned(), signing: None, keywords: Vec::new() }],
        feishu_apps: vec![FeishuApp {
            app_id: "cli_1".to_owned(),
            app_secret: "app-secret".to_owned(),
            receivers: vec!["oc_1".to_owned()],
        }],
        wecom_bots: vec![WecomBot { key: "key".to_owned() }],
        wecom_apps: vec![WecomApp {
            corp_id: "ww1".to_owned(),
            agent_id: 7,
            secret: "corp-secret".to_owned(),
            members: vec!["zhangsan".to_owned()],
        }],
        ..SimulatorOptions::default()
    }
}

/// The channels that have limits, and what each lets through in a minute.
pub(crate) fn channels() -> [(Channel, u64); 4] {
    [
        (Channel::FeishuBot { hook: "hook".to_owned(), signing: None, uploads: None }, 100),
        (
            Channel::FeishuApp {
                app_id: "cli_1".to_owned(),
                secret: "app-secret".to_owned(),
                receive_id_type: "chat_id".to_owned(),
                receive_id: "oc_1".to_owned(),
            },
            300,
        ),
        (Channel::WecomBot { key: "key".to_owned() }, 20),
        (
            Channel::WecomApp {
                corp_id: "ww1".to_owned(),
                agent_id: 7,
                secret: "corp-secret".to_owned(),
                members: vec!["zhangsan".to_owned()],
            },
            30,
        ),
    ]
}
