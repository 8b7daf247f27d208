//! A small day: one callback of each fate, and what must be true after it, whatever broke on the way.

use std::collections::BTreeMap;

use serde_json::Value;
use sluice::demo::callbacks::{self, Callback};
use sluice_domain::destination::Channel;
use sluice_domain::settings::Settings;
use sluice_ports::Clock as _;
use sluice_simulators::{Platform, Running};

use crate::gate::Gate;

/// Titles in the demo's list; with message id where the title is not the only one of its name.
const PLAYED: [(&str, Option<&str>); 11] = [
    ("lead card", Some("lead-1")),
    ("membership joined", None),
    ("follow, consent stands", None),
    ("follow, no consent", None),
    ("long chat, checked by the platform", None),
    ("chat with a grey word, checked", None),
    ("chat with contact diversion", None),
    ("order paid (生活服务)", None),
    ("live comments, one with consent", None),
    ("OceanEngine lead form", None),
    ("replayed: same message id", None),
];

/// The callbacks of the day.
pub(crate) fn callbacks_of(now_ms: i64) -> Vec<Callback> {
    let all = callbacks::all(now_ms);
    let find = |(title, id): (&str, Option<&str>)| {
        let found = all.iter().find(|it| it.title == title && (id.is_none() || it.message_id == id));
        found.unwrap_or_else(|| panic!("the demo has no `{title}`")).clone()
    };
    PLAYED.map(find).into()
}

/// What a day came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    totals: BTreeMap<String, u64>,
    /// Open breaks by class, without those of deliveries in doubt.
    breaks: BTreeMap<String, usize>,
    /// Messages in the dead-letter queues of events, cleared, assigned and checks.
    dead: [u64; 4],
}

/// Messages in people's hands. Which destination a person's event goes to differs from world to world, for it hangs on the tenant's key; so
/// what was seen is compared with the same day's deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    count: u64,
    /// Of deliveries that the channel took.
    delivered: u64,
    /// Of deliveries that it may have taken.
    in_doubt: u64,
}

/// The kind of a channel as the simulators call it, and how many people see one message of it.
fn audience(channel: &Channel) -> ((Platform, &'static str), u64) {
    match channel {
        Channel::FeishuBot { .. } => ((Platform::Feishu, "bot"), 1),
        Channel::FeishuApp { .. } => ((Platform::Feishu, "app"), 1),
        Channel::WecomBot { .. } => ((Platform::Wecom, "bot"), 1),
        Channel::WecomApp { members, .. } => {
            ((Platform::Wecom, "app"), u64::try_from(members.len()).unwrap())
        }
        Channel::WechatCustom { .. } => ((Platform::Wechat, "custom"), 1),
        Channel::WechatTemplate { .. } => ((Platform::Wechat, "template"), 1),
        Channel::WechatSubscribe { .. } => ((Platform::Wechat, "subscribe"), 1),
        Channel::DouyinMessage { .. } => ((Platform::Douyin, "message"), 1),
        Channel::DouyinComment { .. } => ((Platform::Douyin, "comment"), 1),
        Channel::Webhook { .. } => ((Platform::Webhook, "webhook"), 1),
    }
}

/// What was seen beside what was delivered, by kind of channel.
fn seen(
    settings: &Settings,
    simulators: &Running,
    reports: &[Value],
) -> BTreeMap<(Platform, &'static str), Seen> {
    let mut all: BTreeMap<_, Seen> = BTreeMap::new();
    for tenant in settings.tenants.values() {
        let report = reports.iter().find(|report| report["tenant"] == tenant.id.as_str()).unwrap();
        for (id, destination) in &tenant.destinations {
            let (kind, people) = audience(&destination.channel);
            let counts = &report["destinations"][id.as_str()];
            let seen = all.entry(kind).or_default();
            seen.delivered += people * counts["delivered"].as_u64().unwrap_or(0);
            seen.in_doubt += people * counts["in_doubt"].as_u64().unwrap_or(0);
        }
    }
    for message in simulators.seen() {
        let kind =
            all.iter_mut().find(|((platform, api), _)| *platform == message.platform && *api == message.api);
        kind.unwrap().1.count += 1;
    }
    all
}

/// Nobody saw anything twice, and whom a channel's answer says it reached saw it.
pub(crate) fn assert_seen_once(settings: &Settings, simulators: &Running, reports: &[Value], what: &str) {
    for (kind, Seen { count, delivered, in_doubt }) in seen(settings, simulators, reports) {
        let told = format!("{kind:?} after {what}: {count} seen, {delivered} delivered, {in_doubt} in doubt");
        assert!((delivered..=delivered + in_doubt).contains(&count), "{told}\n{reports:#?}");
    }
}

/// Plays the day up to the night.
pub(crate) async fn play(gate: &Gate) {
    for callback in callbacks_of(gate.clock.now().0) {
        gate.call(&callback).await;
    }
    gate.poison("EventsQueue").await;
    gate.settle().await;
    for callback in callbacks::endings() {
        gate.call(&callback).await;
    }
    gate.settle().await;
}

/// What the day came to, by the night's reports and what people saw.
pub(crate) async fn outcome(gate: &Gate, reports: &[Value], what: &str) -> Outcome {
    assert_seen_once(&gate.settings, &gate.simulators, reports, what);
    let mut breaks = BTreeMap::new();
    for found in reports.iter().flat_map(|report| report["breaks"].as_array().unwrap()) {
        let class = found["class"].as_str().unwrap();
        if found["state"] == "open" && class != "in_doubt" {
            *breaks.entry(class.to_owned()).or_default() += 1;
        }
    }
    let mut dead = [0; 4];
    let queues = ["EventsDeadLetters", "ClearedDeadLetters", "AssignedDeadLetters", "ChecksDeadLetters"];
    for (count, queue) in dead.iter_mut().zip(queues) {
        *count = gate.depth(queue).await;
    }
    Outcome { totals: sum(reports), breaks, dead }
}

/// Sums of the reports' totals, by part.
pub(crate) fn sum(reports: &[Value]) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for report in reports {
        assert_eq!(report["identity"]["holds"], true, "{report}");
        for (part, count) in report["totals"].as_object().unwrap() {
            *sums.entry(part.clone()).or_default() += count.as_u64().unwrap();
        }
    }
    sums
}

/// Parts that are empty when nothing is left undone or unclear.
const UNFINISHED: [&str; 5] = ["in_doubt", "dead_lettered", "waiting", "in_progress", "missing"];

impl Outcome {
    /// A clean day: nothing in doubt, nothing left, one poison message buried.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(UNFINISHED.map(|part| self.totals[part]), [0; 5], "{self:#?}");
        assert!(self.totals["delivered"] >= 5, "{self:#?}");
        assert_eq!(self.dead, [1, 0, 0, 0], "{self:#?}");
    }

    /// After faults the day must come to the same: nothing lost, nothing twice, only poison buried.
    pub(crate) fn assert_as_good_as(&self, clean: &Self, what: &str) {
        let (now, then) = (&self.totals, &clean.totals);
        let told = || format!("after {what}:\n{self:#?}\nclean:\n{clean:#?}");
        for (part, count) in now {
            match part.as_str() {
                // A platform that got no answer calls again: the same event once more.
                "replays" => assert!(*count >= then[part], "{}", told()),
                // A send whose end could not be recorded is in doubt on a channel without idempotency, and is not repeated.
                "delivered" => assert_eq!(count + now["in_doubt"], then[part], "{}", told()),
                "in_doubt" => {}
                _ => assert_eq!(*count, then[part], "{part} {}", told()),
            }
        }
        assert_eq!(self.breaks, clean.breaks, "{}", told());
        // The poison is buried again when the answer to a burial was lost, which three attempts of one call may be. Nothing else is buried.
        let [events, cleared, assigned, checks] = self.dead;
        assert!((1..=4).contains(&events), "{}", told());
        assert_eq!([cleared, assigned, checks], [0, 0, 0], "{}", told());
    }
}
