//! Dispatchers over one store, one queue and platforms where anything goes wrong, in simulated time; and what the recipients saw of it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use channel_dispatch::ChannelDispatch;
use futures_util::future::join_all;
use sluice_channels::{Channels, Endpoints, Idempotency};
use sluice_domain::delivery::DeliveryState;
use sluice_domain::failure::FailureKind;
use sluice_domain::settings::Settings;
use sluice_domain::time::UnixMillis;
use sluice_embedded::{Options, Store};
use sluice_ports::{Clock as _, Deliveries as _};
use sluice_simulators::{FaultEffect, FaultTimes, InProcess, Place, Platform};
use sluice_steps::{Stage as _, StageError};
use sluice_telemetry::{Counters, Metrics};
use tokio::time::Instant;

use crate::chance::{BEGIN, Chance, Skewed};
use crate::scene::{FixedKeys, KINDS, Named, Scene, TEMPLATE, WECHAT, number_in, open_id};
use crate::store::AtOnce;
use crate::way::{Fault, Way};

const BATCH: usize = 10;
/// One endpoint gets no more than so many a minute: four fifths of what the strictest platform lets through.
const PER_MINUTE: usize = 16;
/// And so many in all; then there are more endpoints.
const PER_ENDPOINT: usize = 640;
/// What is not finished comes back after so long.
const VISIBILITY_MS: i64 = 60_000;
/// In so many batches, one sandbox dies in the middle of its work …
const DIES: u64 = 30;
/// … at any moment of the time that a batch takes …
const LIFE_MS: u64 = 150;
/// … and of so many messages, the queue hands one out twice.
const TWICE: u64 = 100;

/// What a run is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) sends: usize,
    pub(crate) seed: u64,
    /// Sandboxes: one batch at a time each, as on Lambda.
    pub(crate) sandboxes: usize,
}

/// How the messages of one channel ended, by the records and by the recipients.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) channel: &'static str,
    /// The platform recognises a repeat.
    pub(crate) remembers: bool,
    pub(crate) sends: usize,
    pub(crate) delivered: usize,
    pub(crate) in_doubt: usize,
    pub(crate) refused: usize,
    /// Why, by the code of the last attempt.
    pub(crate) refused_for: BTreeMap<String, usize>,
    /// Where a repeat is recognised: what the last attempt of those in doubt came to, by its code.
    pub(crate) in_doubt_for: BTreeMap<String, usize>,
    /// Of those in doubt: the recipient has it.
    pub(crate) in_doubt_seen: usize,
    /// Recipients who have a message more than once.
    pub(crate) duplicates: usize,
    /// Never settled.
    pub(crate) lost: usize,
    /// Recorded as delivered, and nobody has it.
    pub(crate) falsely_delivered: usize,
    /// Recorded as refused, and the recipient has it.
    pub(crate) falsely_refused: usize,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Came {
    pub(crate) rows: Vec<Row>,
    /// Faults on the way, by kind.
    pub(crate) faults: BTreeMap<Fault, u64>,
    pub(crate) calls: u64,
    pub(crate) deaths: usize,
    pub(crate) twice: usize,
    /// How often messages were taken off the queue.
    pub(crate) received: u64,
    pub(crate) minutes: i64,
    /// The longest that a message lay on the queue after it could have been taken, in milliseconds.
    pub(crate) latest_ms: i64,
    /// Why messages did not go back to the queue.
    pub(crate) buried: BTreeMap<&'static str, usize>,
}

type Sender = Channels<Way, Named, Skewed>;
type Dispatch = ChannelDispatch<AtOnce, FixedKeys, Sender, Skewed, Chance, Arc<Settings>>;

/// Messages by the moment from which they can be taken.
#[derive(Default)]
struct Queue {
    waiting: Mutex<BinaryHeap<Reverse<(i64, u64, usize)>>>,
    order: Mutex<u64>,
    latest_ms: AtomicI64,
    out: AtomicUsize,
}

impl Queue {
    fn put(&self, at: i64, number: usize) {
        let mut order = self.order.lock().unwrap();
        *order += 1;
        self.waiting.lock().unwrap().push(Reverse((at, *order, number)));
    }

    fn take(&self, now: i64) -> Vec<usize> {
        let mut waiting = self.waiting.lock().unwrap();
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH
            && let Some(Reverse((at, _, number))) = waiting.peek().copied()
            && at <= now
        {
            waiting.pop();
            self.latest_ms.fetch_max(now - at, Ordering::Relaxed);
            batch.push(number);
        }
        self.out.fetch_add(batch.len(), Ordering::Relaxed);
        batch
    }

    fn done(&self, messages: usize) {
        self.out.fetch_sub(messages, Ordering::Relaxed);
    }

    /// When the next one can be taken; `None` when nothing will come any more.
    fn next(&self) -> Option<i64> {
        let next = self.waiting.lock().unwrap().peek().map(|Reverse((at, ..))| *at);
        next.or_else(|| (self.out.load(Ordering::Relaxed) > 0).then_some(i64::MAX))
    }
}

/// Everything that the sandboxes share.
struct Desk {
    scene: Scene,
    store: AtOnce,
    way: Way,
    clock: Skewed,
    chance: Chance,
    queue: Queue,
    /// Milliseconds between two messages.
    pace: f64,
    deaths: AtomicUsize,
    twice: AtomicUsize,
    received: AtomicUsize,
    buried: Mutex<BTreeMap<&'static str, usize>>,
}

impl Desk {
    fn dispatcher(&self) -> Dispatch {
        let channels = Channels::new(Endpoints::default(), self.way.clone(), Named, self.clock.clone());
        ChannelDispatch {
            settings: Arc::clone(&self.scene.settings),
            store: self.store.clone(),
            keys: FixedKeys,
            sender: channels.sharing(self.store.clone(), FixedKeys, self.chance.clone()),
            clock: self.clock.clone(),
            entropy: self.chance.clone(),
            metrics: Metrics::new(Counters::default()),
        }
    }

    fn arrives(&self, number: usize) -> i64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "minutes, in milliseconds"
        )]
        let after = (number as f64 * self.pace) as i64;
        BEGIN + after
    }

    /// Takes batches until nothing is left.
    async fn sandbox(&self) {
        let mut dispatch = self.dispatcher();
        while let Some(next) = self.queue.next() {
            let now = self.clock.now().0;
            let batch = self.queue.take(now);
            if batch.is_empty() {
                let wait = (next - now).clamp(1, 1_000).unsigned_abs();
                tokio::time::sleep(Duration::from_millis(wait)).await;
                continue;
            }
            self.received.fetch_add(batch.len(), Ordering::Relaxed);
            let inputs =
                batch.iter().map(|number| self.scene.assigned(*number, UnixMillis(self.arrives(*number))));
            let work = dispatch.handle(inputs.collect());
            let results = if self.chance.below(DIES) == 0 {
                let life = Duration::from_millis(self.chance.below(LIFE_MS));
                tokio::time::timeout(life, work).await.ok()
            } else {
                Some(work.await)
            };
            if let Some(results) = results {
                for (number, result) in batch.iter().zip(results) {
                    self.finished(*number, result);
                }
            } else {
                self.deaths.fetch_add(1, Ordering::Relaxed);
                for number in &batch {
                    self.queue.put(now + VISIBILITY_MS, *number);
                }
                dispatch = self.dispatcher();
            }
            self.queue.done(batch.len());
        }
    }

    fn finished(&self, number: usize, result: Result<(), StageError>) {
        let Err(error) = result else { return };
        let now = self.clock.now().0;
        match error.kind {
            // A queue counts in whole seconds.
            FailureKind::ThrottledUntil(until) => {
                self.queue.put(now + ((until.0 - now).max(0) + 999) / 1_000 * 1_000, number);
            }
            FailureKind::Retry | FailureKind::Configuration => self.queue.put(now + VISIBILITY_MS, number),
            FailureKind::Permanent | FailureKind::InDoubt => {
                *self.buried.lock().unwrap().entry(error.code).or_default() += 1;
            }
        }
    }
}

/// Sends so many messages through it and looks at what became of each.
pub(crate) async fn run(run: Run) -> Came {
    let per_channel = run.sends.div_ceil(KINDS);
    let endpoints = per_channel.div_ceil(PER_ENDPOINT).max(1);
    let minutes = per_channel.div_ceil(endpoints).div_ceil(PER_MINUTE);
    let scene = Scene::new(run.sends, endpoints);
    let clock = Skewed { began: Instant::now(), skew_ms: 0 };
    let chance = Chance::new(run.seed);
    let platform = Arc::new(platform(&scene, run.seed));
    let options = Options { clock: Arc::new(clock.clone()), ..Options::default() };
    let (struck, calls) = (Arc::default(), Arc::default());
    #[expect(clippy::cast_precision_loss, reason = "minutes and messages are far below 2^52")]
    let pace = (minutes * 60_000) as f64 / run.sends as f64;
    let desk = Desk {
        scene,
        store: AtOnce(Store::in_memory(options).unwrap()),
        way: Way {
            platform: Arc::clone(&platform),
            time: clock.clone(),
            chance: chance.clone(),
            struck,
            calls,
        },
        clock,
        chance,
        queue: Queue::default(),
        pace,
        deaths: AtomicUsize::new(0),
        twice: AtomicUsize::new(0),
        received: AtomicUsize::new(0),
        buried: Mutex::default(),
    };
    for number in 0..run.sends {
        desk.queue.put(desk.arrives(number), number);
        if desk.chance.below(TWICE) == 0 {
            desk.twice.fetch_add(1, Ordering::Relaxed);
            desk.queue.put(desk.arrives(number) + i64::try_from(desk.chance.below(500)).unwrap(), number);
        }
    }
    join_all((0..run.sandboxes).map(|_| desk.sandbox())).await;
    // The last stragglers arrive.
    tokio::time::sleep(Duration::from_mins(1)).await;
    let rows = rows(&desk, &platform).await;
    Came {
        rows,
        faults: desk.way.struck.lock().unwrap().clone(),
        calls: *desk.way.calls.lock().unwrap(),
        deaths: desk.deaths.into_inner(),
        twice: desk.twice.into_inner(),
        received: u64::try_from(desk.received.into_inner()).unwrap(),
        latest_ms: desk.queue.latest_ms.load(Ordering::Relaxed),
        minutes: (desk.clock.now().0 - BEGIN) / 60_000,
        buried: desk.buried.into_inner().unwrap(),
    }
}

/// The platforms, with the faults that they have themselves: before anything is taken.
fn platform(scene: &Scene, seed: u64) -> InProcess {
    let platform = InProcess::new(scene.options(seed), BEGIN);
    let order = |on, place, effect, share| {
        let times = FaultTimes::Ratio(share);
        platform.inject(sluice_simulators::Fault { platform: on, place, effect, times });
    };
    for (on, busy) in [(Platform::Feishu, 2_200), (Platform::Wecom, -1), (Platform::Wechat, -1)] {
        order(on, Place::Send, FaultEffect::Code { code: busy, status: 200 }, 0.005);
        order(on, Place::Send, FaultEffect::Status { status: 503 }, 0.005);
        order(on, Place::Send, FaultEffect::Html, 0.005);
        order(on, Place::Send, FaultEffect::RevokeTokens, 0.002);
        order(on, Place::Token, FaultEffect::Status { status: 500 }, 0.05);
        order(on, Place::Token, FaultEffect::Html, 0.05);
    }
    order(Platform::Feishu, Place::Send, FaultEffect::Code { code: 11_232, status: 200 }, 0.002);
    order(Platform::Feishu, Place::Send, FaultEffect::Code { code: 99_991_400, status: 429 }, 0.0002);
    order(Platform::Webhook, Place::Send, FaultEffect::Status { status: 500 }, 0.01);
    order(Platform::Webhook, Place::Send, FaultEffect::Status { status: 429 }, 0.0005);
    // Two consents each, so that a second message would be seen.
    for number in (0..scene.sends).filter(|number| number % KINDS == KINDS - 1) {
        platform.wechat_person_allows(WECHAT, &open_id(number), TEMPLATE);
        platform.wechat_person_allows(WECHAT, &open_id(number), TEMPLATE);
    }
    platform
}

async fn rows(desk: &Desk, platform: &InProcess) -> Vec<Row> {
    let mut seen: HashMap<usize, usize> = HashMap::new();
    for message in platform.seen() {
        *seen.entry(number_in(&message.text)).or_default() += 1;
    }
    let mut rows = vec![Row::default(); KINDS];
    for number in 0..desk.scene.sends {
        let row = rows.get_mut(number % KINDS).unwrap();
        let channel = desk.scene.channel(number);
        row.channel = channel.as_str();
        row.remembers =
            sluice_channels::idempotency(&channel, sluice_channels::Form::Text) != Idempotency::None;
        row.sends += 1;
        let times = seen.get(&number).copied().unwrap_or_default();
        row.duplicates += times.saturating_sub(1);
        let delivery = desk.store.delivery(&desk.scene.key(number)).await.unwrap();
        let last = delivery.as_ref().and_then(|it| it.attempts.last()?.code.clone()).unwrap_or_default();
        match delivery.map(|delivery| delivery.state) {
            Some(DeliveryState::Delivered) => {
                row.delivered += 1;
                row.falsely_delivered += usize::from(times == 0);
            }
            Some(DeliveryState::InDoubt) => {
                row.in_doubt += 1;
                if row.remembers {
                    *row.in_doubt_for.entry(last).or_default() += 1;
                }
                row.in_doubt_seen += usize::from(times > 0);
            }
            Some(DeliveryState::Refused) => {
                row.refused += 1;
                *row.refused_for.entry(last).or_default() += 1;
                row.falsely_refused += usize::from(times > 0);
            }
            Some(DeliveryState::Claimed { .. } | DeliveryState::Waiting { .. }) | None => row.lost += 1,
        }
    }
    rows
}
