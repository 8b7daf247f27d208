//! The transitions. Each takes a review and gives the next one, or says why there is none; nothing is changed in place.

use subtle::ConstantTimeEq as _;

use super::state::State;
use super::voice::{Ballot, Says, Voice, VoteError, Voter};
use super::{Review, Work};
use crate::decision::{Decision, Verdict};
use crate::safety::Finding;
use crate::tenant::{HashPurpose, TenantKeys};
use crate::time::UnixMillis;

/// The most voices of one review: its record stays small.
const MOST_VOICES: usize = 64;

/// A review after a transition, and what must be woken in the same breath.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Moved {
    /// The next version.
    pub review: Review,
    /// What goes back to its queue.
    pub wakes: Option<Wakes>,
}

/// What goes back to its queue when a review ends. The step finds its own record, and through it the review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wakes {
    /// The event, for compliance-check.
    Event(String),
    /// The assigned event, for channel-dispatch: to send it, or to settle that it is not sent.
    Message(String),
}

impl Wakes {
    /// What a piece of work is on its queue.
    #[expect(clippy::missing_panics_doc, reason = "it can not panic")]
    pub fn of(work: &Work) -> Self {
        match work {
            Work::Event { event } => {
                #[expect(clippy::expect_used, reason = "its map keys are texts and its numbers integers")]
                let body = serde_json::to_string(event).expect("an event can be written");
                Self::Event(body)
            }
            Work::Message { assigned, .. } => Self::Message(assigned.clone()),
        }
    }
}

impl Review {
    /// Counts a voice: one rejection ends the review, enough approvals of different people (or the machine's) let it go on.
    ///
    /// # Errors
    /// [`VoteError`]: the voice does not count, and nothing changes.
    pub fn vote(&self, ballot: Ballot, now: UnixMillis, keys: &TenantKeys) -> Result<Moved, VoteError> {
        self.spoken(ballot, None, now, keys).map(Self::moved)
    }

    /// With one more voice, and as that leaves it; no next version yet.
    pub(super) fn spoken(
        &self,
        ballot: Ballot,
        finding: Option<Finding>,
        now: UnixMillis,
        keys: &TenantKeys,
    ) -> Result<Self, VoteError> {
        if self.state != State::Open {
            return Err(VoteError::NotOpen(self.state.name()));
        }
        if now >= self.deadline {
            return Err(VoteError::Overdue(self.deadline));
        }
        if !self.is_genuine(keys) {
            return Err(VoteError::Forged);
        }
        match (&ballot.by, &self.panel.machine) {
            (Voter::Person { .. }, _) => {}
            (Voter::Machine { check }, Some(asked)) if check == asked => {}
            (Voter::Machine { .. }, _) => return Err(VoteError::NotAsked),
        }
        let known = || self.approvers().any(|other| is_same(other, &ballot.by));
        if ballot.says == Says::Approve && known() {
            return Err(VoteError::SamePerson);
        }
        // The last place is for the voice that ends it.
        let ends = matches!(ballot.says, Says::Approve | Says::Reject);
        let most = if ends { MOST_VOICES } else { MOST_VOICES - 2 };
        if self.voices.len() >= most {
            return Err(VoteError::Full(self.voices.len()));
        }
        let mut next = self.clone();
        let Ballot { by, says, why } = ballot;
        let mut voice = Voice { by, says, why, at: now, finding, tag: String::new() };
        voice.tag = voice_tag(self.last_tag(), &voice, keys);
        next.voices.push(voice);
        next.state = match says {
            Says::Reject => State::Rejected { at: now },
            Says::Approve if next.is_enough() => State::Approved { at: now },
            Says::Approve | Says::Looked | Says::Abstain => State::Open,
        };
        Ok(next)
    }

    /// Ends an open review whose deadline has passed; `None` when there is nothing to end.
    pub fn expire(&self, now: UnixMillis) -> Option<Moved> {
        let due = self.state == State::Open && now >= self.deadline;
        due.then(|| Self { state: State::Expired { at: now }, ..self.clone() }.moved())
    }

    /// Notes that an approved review went on, by what the rules said then; `None` when it is not approved.
    pub fn clear(&self, verdict: Verdict, decision: Decision, now: UnixMillis) -> Option<Moved> {
        let approved = matches!(self.state, State::Approved { .. }) && verdict.allows();
        let state = State::Cleared { at: now, verdict, decision: Box::new(decision) };
        approved.then(|| Self { state, ..self.clone() }.moved())
    }

    /// Ends a review that has not ended with a block that came up later; `None` when it has ended.
    pub fn block(&self, code: &str, decision: Option<Decision>, now: UnixMillis) -> Option<Moved> {
        let state = State::Blocked { at: now, code: code.to_owned(), decision: decision.map(Box::new) };
        (!self.state.name().is_final()).then(|| Self { state, ..self.clone() }.moved())
    }

    /// What an approved review sends back to its queue: once more, when it is not known whether it arrived.
    pub fn wakes(&self) -> Option<Wakes> {
        let work = self.work.as_ref()?;
        let wakes = match (&self.state, work) {
            (State::Approved { .. }, _) => true,
            // A delivery waits to be settled, whatever became of it; that it went on is channel-dispatch's own word.
            (State::Rejected { .. } | State::Expired { .. } | State::Blocked { .. }, work) => {
                matches!(work, Work::Message { .. })
            }
            (State::Open | State::Cleared { .. }, _) => false,
        };
        wakes.then(|| Wakes::of(work))
    }

    /// The next version; what has ended keeps nothing of the person.
    pub(super) fn moved(mut self) -> Moved {
        let wakes = self.wakes();
        self.version = self.version.saturating_add(1);
        if self.state.name().is_final() {
            self.work = None;
        }
        Moved { review: self, wakes }
    }

    /// Are opening and voices what the tenant's key wrote? In constant time for each tag.
    pub fn is_genuine(&self, keys: &TenantKeys) -> bool {
        let fits = |expected: &str, tag: &str| bool::from(expected.as_bytes().ct_eq(tag.as_bytes()));
        let mut before = self.tag.as_str();
        if !fits(&self.expected_tag(keys), before) {
            return false;
        }
        for voice in &self.voices {
            let expected = voice_tag(before, voice, keys);
            if !fits(&expected, &voice.tag) {
                return false;
            }
            before = &voice.tag;
        }
        true
    }

    /// Do the voices suffice? The state is not asked.
    pub(super) fn is_enough(&self) -> bool {
        let counted = |voice: &&Voice| voice.says == Says::Approve && voice.at < self.deadline;
        if self.voices.iter().any(|voice| voice.says == Says::Reject) {
            return false;
        }
        let mut people: Vec<&Voter> = Vec::new();
        for voice in self.voices.iter().filter(counted) {
            match &voice.by {
                Voter::Machine { check } if self.panel.is_settled_by(check) => return true,
                Voter::Machine { .. } => {}
                person @ Voter::Person { .. } => {
                    if !people.iter().any(|other| is_same(other, person)) {
                        people.push(person);
                    }
                }
            }
        }
        people.len() >= self.panel.people()
    }

    /// Who approved so far.
    pub fn approvers(&self) -> impl Iterator<Item = &Voter> {
        self.voices.iter().filter(|voice| voice.says == Says::Approve).map(|voice| &voice.by)
    }

    fn last_tag(&self) -> &str {
        self.voices.last().map_or(self.tag.as_str(), |voice| voice.tag.as_str())
    }
}

impl Voice {
    /// Is this the voice that the ballot would be: of the same voter, and the same word?
    pub fn is_same(&self, ballot: &Ballot) -> bool {
        self.says == ballot.says && is_same(&self.by, &ballot.by)
    }
}

fn is_same(one: &Voter, other: &Voter) -> bool {
    match (one, other) {
        (Voter::Person { name: one }, Voter::Person { name: other }) => one.is_same(other),
        (Voter::Machine { check: one }, Voter::Machine { check: other }) => one == other,
        (Voter::Person { .. }, Voter::Machine { .. }) | (Voter::Machine { .. }, Voter::Person { .. }) => {
            false
        }
    }
}

fn voice_tag(before: &str, voice: &Voice, keys: &TenantKeys) -> String {
    let Voice { by, says, why, at, finding, tag: _ } = voice;
    let kind = match by {
        Voter::Person { .. } => "person",
        Voter::Machine { .. } => "machine",
    };
    let (by, at) = (by.to_string(), at.0.to_string());
    #[expect(clippy::expect_used, reason = "texts and integers only")]
    let finding = finding.as_ref().map(|it| serde_json::to_string(it).expect("it can be written"));
    let mut parts = vec![before, kind, &by, says.as_str(), why.as_str(), &at];
    parts.extend(finding.as_deref());
    hex::encode(keys.keyed_hash(HashPurpose::ReviewVoice, &parts))
}
