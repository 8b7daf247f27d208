//! Reviews: what a decision of `review` waits for, and how it ends.
//!
//! A review is opened by the engine, together with the record of its decision; people (or one named machine check) vote; a rejection ends it,
//! enough approvals let the engine look once more; and when the deadline has passed without an end, it is a block.
//!
//! ```text
//! open ──enough approvals──► approved ──engine looks once more──► cleared
//!   │                           └──consent gone, rules block────► blocked
//!   ├──one rejection──► rejected
//!   ├──deadline───────► expired
//!   └──person erased──► blocked
//! ```
//!
//! **Who may write the store may not approve.** What is reviewed is bound by a tag under the tenant's key at opening, and every voice by a tag
//! of its own that continues the one before it. Only [`Review::approval`] gives an [`Approval`], and it trusts no stored state: it counts
//! voices whose tags are right, before the deadline, of different people. Ending a review without sending needs no tag: that is the safe side.
//!
//! **Nothing is kept longer than needed.** The sealed event goes with the end of its review; what stays is what an audit record holds, too.

mod approval;
mod machine;
mod masked;
mod moves;
mod policy;
mod state;
#[cfg(test)]
mod tests;
mod voice;

pub use approval::{Approval, Judgement, NotApproved};
pub use masked::masked;
pub use moves::{Moved, Wakes};
pub use policy::{Opening, Panel, ReviewPolicy};
pub use state::{State, StateName};
pub use voice::{Ballot, InvalidReviewer, ReviewerName, Says, Voice, VoteError, Voter, Why};

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::decision::Decision;
use crate::event::{Event, EventKind, PersonalField};
use crate::id::{EventKey, PersonId, TenantId, TraceId};
use crate::sealed::{SealError, Sealed};
use crate::tenant::{HashPurpose, TenantKeys};
use crate::time::UnixMillis;

/// The table that texts of [`Work::Message`] are sealed for; the record is the review's id.
const SEAL_TABLE: &str = "reviews";

/// Where in the flow an event waits. An event may wait at both, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// At compliance-check: the event, before anything is made of it.
    Event,
    /// At channel-dispatch: the rendered message, before it leaves.
    Message,
}

impl Point {
    /// Both, in the order of the flow.
    pub const ALL: [Self; 2] = [Self::Event, Self::Message];

    /// As written in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Message => "message",
        }
    }
}

/// A text that names no point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a point must be event or message")]
pub struct UnknownPoint;

impl std::str::FromStr for Point {
    type Err = UnknownPoint;
    fn from_str(text: &str) -> Result<Self, UnknownPoint> {
        Self::ALL.into_iter().find(|point| point.as_str() == text).ok_or(UnknownPoint)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Names a review for ever: the trace that was decided, and where it waits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReviewId {
    /// Whose.
    pub tenant: TenantId,
    /// The trace of the decision.
    pub trace: TraceId,
    /// Where it waits.
    pub point: Point,
}

impl fmt::Display for ReviewId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}/{}", self.tenant, self.trace, self.point)
    }
}

/// What goes on when the review is approved, as it lies on a queue; gone when the review has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly every review is of an event")]
pub enum Work {
    /// The event, its personal fields sealed.
    Event {
        /// The event.
        event: Event,
    },
    /// The assigned event, with its tags, and what was rendered from it.
    Message {
        /// The body of the message on the `assigned` queue.
        assigned: String,
        /// The rendered texts by field, sealed.
        texts: BTreeMap<String, Sealed>,
    },
}

/// One review, as it is stored. Nothing in it is trusted before [`Review::approval`] has checked it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Where the event waits.
    pub point: Point,
    /// The event.
    #[serde(flatten)]
    pub key: EventKey,
    /// The trace that was decided.
    pub trace_id: TraceId,
    /// The event's kind.
    pub kind: EventKind,
    /// Whose event.
    pub person: Option<PersonId>,
    /// Why it waits: reasons, evidence, rules.
    pub decision: Decision,
    /// Who must speak.
    pub panel: Panel,
    /// Since when it waits.
    pub opened_at: UnixMillis,
    /// From then on it is a block.
    pub deadline: UnixMillis,
    /// Lower-case hex SHA-256 of what waits: of the event, or of the texts that were rendered.
    pub subject_sha256: String,
    /// What goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<Work>,
    /// Who said what, in order; only ever added to.
    #[serde(default)]
    pub voices: Vec<Voice>,
    /// How it stands.
    pub state: State,
    /// Counts the changes; a store changes only the version that was read.
    pub version: u32,
    tag: String,
}

/// A rendered text that waits at [`Point::Message`].
#[derive(Debug, Clone, Copy)]
pub struct RenderedText<'a> {
    /// `title`, `message` or `fields.…`.
    pub field: &'a str,
    /// The text.
    pub text: &'a str,
}

impl Review {
    /// Opens the review of an event. The same arguments give the same review: it may be opened again.
    pub fn of_event(event: Event, opening: Opening, keys: &TenantKeys) -> Self {
        let Opening { decision, panel, opened_at, deadline } = opening;
        let subject_sha256 = sha256_of_event(&event);
        Self {
            point: Point::Event,
            key: event.key.clone(),
            trace_id: event.trace_id,
            kind: event.kind,
            person: event.person.clone(),
            decision,
            panel,
            opened_at,
            deadline,
            subject_sha256,
            work: Some(Work::Event { event }),
            voices: Vec::new(),
            state: State::Open,
            version: 0,
            tag: String::new(),
        }
        .tagged(keys)
    }

    /// Opens the review of a rendered message. `assigned` is the body that lay on the queue; `nonce` must give another value each time.
    ///
    /// # Errors
    /// [`SealError`] when the tenant has no data key.
    pub fn of_message(
        event: &Event,
        assigned: String,
        texts: &[RenderedText<'_>],
        opening: Opening,
        keys: &TenantKeys,
        mut nonce: impl FnMut() -> [u8; 12],
    ) -> Result<Self, SealError> {
        let Opening { decision, panel, opened_at, deadline } = opening;
        let id = ReviewId { tenant: event.key.tenant.clone(), trace: event.trace_id, point: Point::Message };
        let record = id.to_string();
        let mut sealed = BTreeMap::new();
        for RenderedText { field, text } in texts {
            sealed.insert((*field).to_owned(), keys.seal(SEAL_TABLE, field, &record, text, nonce())?);
        }
        let review = Self {
            point: Point::Message,
            key: event.key.clone(),
            trace_id: event.trace_id,
            kind: event.kind,
            person: event.person.clone(),
            decision,
            panel,
            opened_at,
            deadline,
            subject_sha256: sha256_of_texts(texts),
            work: Some(Work::Message { assigned, texts: sealed }),
            voices: Vec::new(),
            state: State::Open,
            version: 0,
            tag: String::new(),
        };
        Ok(review.tagged(keys))
    }

    /// Its name.
    pub fn id(&self) -> ReviewId {
        ReviewId { tenant: self.key.tenant.clone(), trace: self.trace_id, point: self.point }
    }

    /// How it stands at a moment: an open review past its deadline has expired, whether or not anybody has written it down.
    pub fn standing(&self, now: UnixMillis) -> StateName {
        match self.state.name() {
            StateName::Open if now >= self.deadline => StateName::Expired,
            name => name,
        }
    }

    /// Since when it is approved: the moment of the last voice that was needed. Unlike the state's, it is under the tag.
    pub fn approved_at(&self) -> UnixMillis {
        let approvals = self.voices.iter().filter(|voice| voice.says == Says::Approve);
        approvals.map(|voice| voice.at).max().unwrap_or(self.opened_at)
    }

    /// The texts that were judged, opened; none when the review has ended.
    ///
    /// # Errors
    /// [`SealError`], by cause.
    pub fn texts(&self, keys: &TenantKeys) -> Result<Vec<(String, SecretString)>, SealError> {
        let mut opened = Vec::new();
        match &self.work {
            None => {}
            Some(Work::Event { event }) => {
                for field in event.personal.keys() {
                    if matches!(field, PersonalField::Text | PersonalField::Form(_)) {
                        opened.extend(event.open(keys, field)?.map(|text| (field.to_string(), text)));
                    }
                }
            }
            Some(Work::Message { texts, .. }) => {
                let record = self.id().to_string();
                for (field, sealed) in texts {
                    opened.push((field.clone(), keys.open(SEAL_TABLE, field, &record, sealed)?));
                }
            }
        }
        Ok(opened)
    }

    fn tagged(mut self, keys: &TenantKeys) -> Self {
        self.tag = self.expected_tag(keys);
        self
    }

    /// Covers what is reviewed, by whom and until when: everything that is fixed at opening.
    fn expected_tag(&self, keys: &TenantKeys) -> String {
        #[expect(clippy::expect_used, reason = "texts and integers only")]
        let json = |value: Result<String, serde_json::Error>| value.expect("it can be written");
        let parts = [
            self.id().to_string(),
            self.key.to_string(),
            self.person.as_ref().map(ToString::to_string).unwrap_or_default(),
            json(serde_json::to_string(&self.decision)),
            json(serde_json::to_string(&self.panel)),
            self.opened_at.0.to_string(),
            self.deadline.0.to_string(),
            self.subject_sha256.clone(),
        ];
        hex::encode(keys.keyed_hash(HashPurpose::Review, &parts.each_ref().map(String::as_str)))
    }
}

/// What an event is, to its review: everything of it, as it is written on the queues.
pub(crate) fn sha256_of_event(event: &Event) -> String {
    #[expect(clippy::expect_used, reason = "its map keys are texts and its numbers integers")]
    let body = serde_json::to_vec(event).expect("an event can be written");
    hex::encode(Sha256::digest(body))
}

/// What rendered texts are, to their review: by their names, in whatever order they come.
fn sha256_of_texts(texts: &[RenderedText<'_>]) -> String {
    let mut digest = Sha256::new();
    let mut texts: Vec<_> = texts.iter().collect();
    texts.sort_by_key(|text| text.field);
    for RenderedText { field, text } in texts {
        for part in [field, text] {
            digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(part);
        }
    }
    hex::encode(digest.finalize())
}
