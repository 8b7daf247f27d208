//! The report of one tenant's day.

use std::collections::BTreeMap;

use serde::Serialize;

use super::attribution::Attribution;
use super::breaks::{Break, BreakState};
use super::deviation::Deviation;
use super::input::QueueDepth;
use super::reviewing::ReviewCounts;
use crate::id::TenantId;
use crate::time::BusinessDay;

/// What one day came to. The same evidence gives the same report, byte for byte.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Counts up with every change of this shape.
    pub version: u32,
    /// Whose day.
    pub tenant: TenantId,
    /// The company's name.
    pub name: String,
    /// Which day, in China Standard Time.
    pub day: BusinessDay,
    /// Where the day's events went.
    pub totals: Totals,
    /// Whether they add up.
    pub identity: Identity,
    /// Received events by kind.
    pub kinds: BTreeMap<String, u64>,
    /// Decided events by verdict and main reason, most frequent first.
    pub decisions: Vec<DecisionCount>,
    /// What became of the events that waited for people.
    pub reviews: ReviewCounts,
    /// Deliveries by destination.
    pub destinations: BTreeMap<String, DestinationCount>,
    /// The experiments' splits.
    pub experiments: Vec<Deviation>,
    /// The day's new contacts by the messages they came by.
    pub attribution: Attribution,
    /// The order book by action.
    pub orders: BTreeMap<String, OrderTotal>,
    /// What the queues of the whole gate still hold.
    pub queues: Vec<QueueDepth>,
    /// The SHA-256 of the document that seals the day's audit records, when there is one and they fit it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_digest: Option<String>,
    /// What does not fit together.
    pub breaks: Vec<Break>,
}

impl Report {
    /// How many breaks somebody must look at.
    pub fn open_breaks(&self) -> usize {
        self.breaks.iter().filter(|found| found.state == BreakState::Open).count()
    }
}

/// Where the day's events went. Each received event is counted in exactly one of the parts below `replays`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Different events acknowledged on the day that no earlier day decided.
    pub received: u64,
    /// Further callbacks of events received before.
    pub replays: u64,
    /// Taken by the channel.
    pub delivered: u64,
    /// Allowed, and not sent for good: by the channel, or by the last scan.
    pub refused: u64,
    /// Decided: do not send; or blocked later, while people were asked.
    pub blocked: u64,
    /// Decided: a person must look, and nobody has yet.
    pub review: u64,
    /// A person looked and said no.
    pub rejected: u64,
    /// Nobody looked in time, which is a block.
    pub expired: u64,
    /// Changed consent or the order book; nothing to send.
    pub recorded: u64,
    /// Genuine, of a name nobody acts on.
    pub unhandled: u64,
    /// Sent, perhaps.
    pub in_doubt: u64,
    /// Given up before it was finished.
    pub dead_lettered: u64,
    /// Allowed, and waiting for its retry.
    pub waiting: u64,
    /// On its way: young, claimed, or on a queue that is not empty.
    pub in_progress: u64,
    /// Unfinished, late, and on no queue: each of them is a break.
    pub missing: u64,
}

impl Totals {
    /// The parts that an event may end in, with code and Chinese label, in the order of the flow.
    pub fn parts(&self) -> [(&'static str, &'static str, u64); 12] {
        [
            ("delivered", "已送达", self.delivered),
            ("refused", "未送达（终态）", self.refused),
            ("blocked", "拦截", self.blocked),
            ("review", "待人工复核", self.review),
            ("rejected", "人工驳回", self.rejected),
            ("expired", "复核超时", self.expired),
            ("recorded", "仅记录", self.recorded),
            ("unhandled", "未处理类型", self.unhandled),
            ("in_doubt", "结果不明", self.in_doubt),
            ("dead_lettered", "死信", self.dead_lettered),
            ("waiting", "等待重试", self.waiting),
            ("in_progress", "处理中", self.in_progress),
        ]
    }
}

/// received = delivered + refused + blocked + review + rejected + expired + recorded + unhandled + in doubt + dead-lettered + waiting + in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The left side.
    pub received: u64,
    /// The sum of the right side.
    pub accounted: u64,
    /// Both are equal.
    pub holds: bool,
}

/// One verdict and reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecisionCount {
    /// `allow`, `allow_masked`, `review`, `block`.
    pub verdict: String,
    /// The main reason's code.
    pub code: String,
    /// Its Chinese title.
    pub title: String,
    /// How many events.
    pub count: u64,
}

/// One destination's deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DestinationCount {
    /// Taken by the channel.
    pub delivered: u64,
    /// Not sent, for good.
    pub refused: u64,
    /// Nobody knows.
    pub in_doubt: u64,
    /// Claimed or waiting.
    pub unfinished: u64,
    /// Requests that left, repeats included (the last 20 of each delivery).
    pub attempts: u64,
}

/// One action of the order book.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OrderTotal {
    /// How many entries.
    pub entries: u64,
    /// How many of them state no amount.
    pub without_amount: u64,
    /// The sum of the amounts, in fen; exact.
    pub fen: i128,
}
