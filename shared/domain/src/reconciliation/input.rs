//! What reconciliation looks at.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::audit::{AuditRecord, Receipt};
use crate::delivery::{Delivery, Exposure};
use crate::experiment::Experiment;
use crate::id::{TenantId, TraceId};
use crate::order::OrderEntry;
use crate::review::Review;
use crate::time::{BusinessDay, UnixMillis};

/// A message that was given up, as reconciliation sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The adapter's id of it.
    pub id: String,
    /// The queue it was on: `events`, `cleared`, `assigned`.
    pub queue: String,
    /// Its trace, if it could be read.
    pub trace_id: Option<TraceId>,
    /// Why, as a stable code.
    pub code: String,
    /// When it was given up.
    pub at: UnixMillis,
    /// How often it was put back before.
    pub redrives: u32,
}

impl DeadLetter {
    /// May it be put back without a person looking? Only once, and only what failed for passing reasons until its receives were
    /// used up; what a step buried will fail again.
    pub fn may_be_put_back(&self) -> bool {
        self.code == Self::RECEIVES_USED_UP && self.redrives == 0
    }

    /// The code of a message that was received too often.
    pub const RECEIVES_USED_UP: &str = "max_receives";
}

/// How many messages a queue holds: of all tenants, for a queue knows none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct QueueDepth {
    /// Its name.
    pub queue: String,
    /// Messages on it, hidden and delayed ones included.
    pub messages: u64,
}

/// How a day's audit records stand to their digest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Seal {
    /// There is no digest of the day.
    #[default]
    Absent,
    /// The records are those that were sealed.
    Intact {
        /// The SHA-256 of the digest's document, in lower-case hex.
        sha256: String,
    },
    /// They are not, or the digest or the one before it is not what was sealed; in stable codes.
    Broken(String),
}

/// Everything about one tenant's day.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Every callback that was acknowledged on the day, replays included.
    pub receipts: Vec<Receipt>,
    /// The decisions on the day's callbacks, and those of other days on events that the day's receipts and deliveries name.
    pub audits: Vec<AuditRecord>,
    /// Every exposure of the tenant.
    pub exposures: Vec<Exposure>,
    /// The deliveries opened on the day, and those of other days of events that were allowed on the day.
    pub deliveries: Vec<Delivery>,
    /// The deliveries of the messages by which the day's new contacts came, as far as they are not among those.
    pub came_by: Vec<Delivery>,
    /// What was given up; of other tenants, too: a trace tells whose it is.
    pub dead_letters: Vec<DeadLetter>,
    /// The ids of the dead letters that this run put back.
    pub redriven: BTreeSet<String>,
    /// The queues as they are now.
    pub queues: Vec<QueueDepth>,
    /// The digest of the day's audit records.
    pub seal: Seal,
    /// The order book of the day, and entries of other days of events that the day's decisions name.
    pub orders: Vec<OrderEntry>,
    /// The reviews of decisions of `review`, and of rendered messages whose deliveries wait or were withheld.
    pub reviews: Vec<Review>,
}

/// What is reconciled, and with what.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// Whose day.
    pub tenant: &'a TenantId,
    /// The company's name.
    pub name: &'a str,
    /// Which day.
    pub day: BusinessDay,
    /// The experiments as configured.
    pub experiments: Vec<&'a Experiment>,
    /// Now. It decides only whether unfinished work is late; a finished day gives the same report at any time.
    pub now: UnixMillis,
}
