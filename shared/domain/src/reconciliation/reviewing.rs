//! What became of the events that waited for people.

use serde::Serialize;

use super::breaks::BreakClass;
use super::matching::Walk;
use crate::audit::AuditRecord;
use crate::delivery::Delivery;
use crate::id::{EventKey, TraceId};
use crate::review::{Point, Review, State, StateName};

/// The day's events that waited for people, and its messages that wait or waited in vain, by how that stands. The report changes as long as one
/// of them is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ReviewCounts {
    /// Wait still.
    pub open: u64,
    /// Approved, and not gone on yet.
    pub approved: u64,
    /// Approved, and gone on.
    pub cleared: u64,
    /// Approved or waiting, and blocked by something that came up later.
    pub blocked: u64,
    /// Somebody said no.
    pub rejected: u64,
    /// Nobody decided in time.
    pub expired: u64,
}

impl ReviewCounts {
    /// Each state with its Chinese label and count, in the order of a review's life.
    pub fn parts(&self) -> [(StateName, &'static str, u64); 6] {
        [
            (StateName::Open, "待复核", self.open),
            (StateName::Approved, "已通过，待放行", self.approved),
            (StateName::Cleared, "已通过并放行", self.cleared),
            (StateName::Blocked, "复核后拦截", self.blocked),
            (StateName::Rejected, "人工驳回", self.rejected),
            (StateName::Expired, "超时未复核", self.expired),
        ]
    }

    fn add(&mut self, state: StateName) {
        *(match state {
            StateName::Open => &mut self.open,
            StateName::Approved => &mut self.approved,
            StateName::Cleared => &mut self.cleared,
            StateName::Blocked => &mut self.blocked,
            StateName::Rejected => &mut self.rejected,
            StateName::Expired => &mut self.expired,
        }) += 1;
    }
}

impl<'a> Walk<'a> {
    /// An event that was decided as `review`.
    pub(super) fn reviewed(&mut self, key: &'a EventKey, audit: &'a AuditRecord) {
        let at = Some((key, audit.trace_id));
        let Some(review) = self.ledger.reviews.get(&(key, Point::Event)).copied() else {
            return self.unfinished(BreakClass::ReviewMissing, (at, audit.decided_at), &["events"]);
        };
        let standing = review.standing(self.subject.now);
        self.reviews.add(standing);
        match standing {
            StateName::Open => self.totals.review += 1,
            StateName::Approved => self.not_resumed(review, at, &["events"]),
            StateName::Cleared => {
                let since = match review.state {
                    State::Cleared { at, .. } => at,
                    _ => audit.decided_at,
                };
                self.allowed(key, audit, since);
            }
            StateName::Blocked => self.totals.blocked += 1,
            StateName::Rejected => self.totals.rejected += 1,
            StateName::Expired => self.totals.expired += 1,
        }
    }

    /// A delivery whose rendered message waits, or waited in vain; says whether it is counted with that.
    pub(super) fn message_reviewed(
        &mut self,
        delivery: &'a Delivery,
        at: Option<(&'a EventKey, TraceId)>,
    ) -> bool {
        let Some(review) = self.ledger.reviews.get(&(&delivery.key, Point::Message)).copied() else {
            return false;
        };
        let standing = review.standing(self.subject.now);
        self.reviews.add(standing);
        match standing {
            StateName::Open => self.totals.review += 1,
            // Approved, and nobody has taken it up since.
            StateName::Approved if delivery.waits_for_review() => {
                self.not_resumed(review, at, &["assigned"]);
            }
            StateName::Rejected => self.totals.rejected += 1,
            StateName::Expired => self.totals.expired += 1,
            StateName::Blocked => self.totals.blocked += 1,
            // The delivery itself tells.
            StateName::Approved | StateName::Cleared => return false,
        }
        true
    }

    fn not_resumed(&mut self, review: &Review, at: Option<(&'a EventKey, TraceId)>, queues: &[&str]) {
        let since = match review.state {
            State::Approved { at } => at,
            _ => review.opened_at,
        };
        self.unfinished(BreakClass::ReviewNotResumed, (at, since), queues);
    }

    /// Did people let an event go on that was decided as `review`?
    pub(super) fn was_approved(&self, key: &EventKey) -> bool {
        let review = self.ledger.reviews.get(&(key, Point::Event));
        review.is_some_and(|review| review.state.name() == StateName::Cleared)
    }
}
