//! The types that carry an event's progress, so that a step can not be skipped:
//! `Received → Verified → Cleared → Assigned → Delivered`.
//!
//! `Received` and `Verified` live in [`crate::scheme`]. A [`Cleared`] can only be made from a decision that allows, or from one
//! that waited for a review and the checked approval of it; on the queue it carries a tag under the tenant's key, so that one
//! which did not come from the engine does not open.

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::decision::{Decision, Verdict};
use crate::event::Event;
use crate::failure::FailureKind;
use crate::id::{DestinationId, ExperimentId, PersonId, ScriptId, VariantId};
use crate::review::{Approval, Judgement};
use crate::rules::RulePack;
use crate::tenant::{HashPurpose, TenantKeys};
use crate::time::UnixMillis;

/// An event that the compliance engine allowed to go on.
#[expect(clippy::struct_field_names, reason = "the moment it was cleared")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cleared {
    event: Event,
    verdict: Verdict,
    reason: String,
    pack_sha256: String,
    cleared_at: UnixMillis,
    tag: String,
}

/// A [`Cleared`] as it lies on a queue: not yet checked.
#[derive(Debug, Clone, Deserialize)]
pub struct UncheckedCleared {
    event: Event,
    verdict: Verdict,
    reason: String,
    pack_sha256: String,
    cleared_at: UnixMillis,
    tag: String,
}

/// Why there is no [`Cleared`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClearanceError {
    /// The decision does not allow.
    #[error("decision is `{0}`, which clears nothing")]
    NotAllowed(Verdict),
    /// The event names nobody, so nobody can have agreed.
    #[error("event names no person")]
    NoPerson,
    /// The approval is of another event.
    #[error("the approval is of another event")]
    OtherEvent,
    /// The rules block what people approved, by this code.
    #[error("approved, but blocked by `{0}` since")]
    Blocked(String),
    /// The tag is not the engine's.
    #[error("clearance tag does not match: the message was not cleared by this tenant's compliance engine")]
    Forged,
}

impl ClearanceError {
    /// None of them heals by repeating.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::NotAllowed(_) | Self::NoPerson | Self::OtherEvent | Self::Blocked(_) | Self::Forged => {
                FailureKind::Permanent
            }
        }
    }
}

impl Cleared {
    /// Clears an event by an allowing decision.
    ///
    /// # Errors
    /// [`ClearanceError::NotAllowed`] or [`ClearanceError::NoPerson`].
    pub fn by(
        decision: &Decision,
        event: Event,
        at: UnixMillis,
        keys: &TenantKeys,
    ) -> Result<Self, ClearanceError> {
        if !decision.verdict.allows() {
            return Err(ClearanceError::NotAllowed(decision.verdict));
        }
        Self::made(event, decision.verdict, decision.main_code(), decision, at, keys)
    }

    /// Clears an event whose decision was `review` by the people's approval, and by `fresh`: what the rules say now, with consent as it stands
    /// now. An approval answers the reasons it was given for and no others.
    ///
    /// # Errors
    /// [`ClearanceError`], by cause.
    pub fn reviewed(
        approval: &Approval<'_>,
        fresh: &Decision,
        rules: &RulePack,
        event: Event,
        at: UnixMillis,
        keys: &TenantKeys,
    ) -> Result<Self, ClearanceError> {
        if !approval.is_of(&event) {
            return Err(ClearanceError::OtherEvent);
        }
        match approval.judge(fresh, rules) {
            Judgement::GoesOn(verdict) if verdict.allows() => {
                Self::made(event, verdict, approval.reason(), fresh, at, keys)
            }
            Judgement::GoesOn(verdict) => Err(ClearanceError::NotAllowed(verdict)),
            Judgement::Blocked(code) => Err(ClearanceError::Blocked(code)),
        }
    }

    fn made(
        event: Event,
        verdict: Verdict,
        reason: &str,
        decision: &Decision,
        at: UnixMillis,
        keys: &TenantKeys,
    ) -> Result<Self, ClearanceError> {
        if event.person.is_none() {
            return Err(ClearanceError::NoPerson);
        }
        let mut cleared = Self {
            event,
            verdict,
            reason: reason.to_owned(),
            pack_sha256: decision.pack.sha256.clone(),
            cleared_at: at,
            tag: String::new(),
        };
        cleared.tag = cleared.expected_tag(keys);
        Ok(cleared)
    }

    /// The tag covers the whole event, as it is written on the queues: what rules and scripts read must be what was cleared.
    fn expected_tag(&self, keys: &TenantKeys) -> String {
        #[expect(clippy::expect_used, reason = "its map keys are texts and its numbers integers")]
        let event = serde_json::to_string(&self.event).expect("an event can be written");
        let parts = [
            event,
            self.verdict.to_string(),
            self.reason.clone(),
            self.pack_sha256.clone(),
            self.cleared_at.0.to_string(),
        ];
        hex::encode(keys.keyed_hash(HashPurpose::Clearance, &parts.each_ref().map(String::as_str)))
    }

    /// The event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Whose event it is; a cleared event always has a person.
    #[expect(clippy::missing_panics_doc, reason = "it can not panic")]
    pub fn person(&self) -> &PersonId {
        #[expect(clippy::expect_used, reason = "both constructors refuse an event without a person")]
        self.event.person.as_ref().expect("cleared events have a person")
    }

    /// `allow` or `allow_masked`.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The main reason code of the decision.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// When it was cleared.
    pub fn cleared_at(&self) -> UnixMillis {
        self.cleared_at
    }
}

impl UncheckedCleared {
    /// Whose keys check it.
    pub fn tenant(&self) -> &crate::id::TenantId {
        &self.event.key.tenant
    }

    /// The trace, for logs about a message that does not check out.
    pub fn trace_id(&self) -> crate::id::TraceId {
        self.event.trace_id
    }

    /// Whose event it claims to be.
    pub fn person(&self) -> Option<&PersonId> {
        self.event.person.as_ref()
    }

    /// What is left of it when its person is erased: nothing personal, under the reference, and so old that consent is looked up before
    /// anything is sent; there is none.
    ///
    /// # Errors
    /// [`ClearanceError::Forged`]: what the engine did not clear gets no tag here either.
    pub fn erased(self, reference: &PersonId, keys: &TenantKeys) -> Result<Cleared, ClearanceError> {
        let Cleared { event, verdict, reason, pack_sha256, .. } = self.check(keys)?;
        let event = Event { person: Some(reference.clone()), ..event.erased() };
        let mut cleared =
            Cleared { event, verdict, reason, pack_sha256, cleared_at: UnixMillis(0), tag: String::new() };
        cleared.tag = cleared.expected_tag(keys);
        Ok(cleared)
    }

    /// Checks the tag in constant time.
    ///
    /// # Errors
    /// [`ClearanceError`], by cause.
    pub fn check(self, keys: &TenantKeys) -> Result<Cleared, ClearanceError> {
        let Self { event, verdict, reason, pack_sha256, cleared_at, tag } = self;
        let cleared = Cleared { event, verdict, reason, pack_sha256, cleared_at, tag };
        if !cleared.verdict.allows() {
            return Err(ClearanceError::NotAllowed(cleared.verdict));
        }
        if cleared.event.person.is_none() {
            return Err(ClearanceError::NoPerson);
        }
        let expected = cleared.expected_tag(keys);
        if bool::from(expected.as_bytes().ct_eq(cleared.tag.as_bytes())) {
            Ok(cleared)
        } else {
            Err(ClearanceError::Forged)
        }
    }
}

/// What bucket-assignment chose for a cleared event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The experiment, if one applies.
    pub experiment: Option<ExperimentId>,
    /// The bucket of 10 000 the person falls into.
    pub bucket: Option<u32>,
    /// The arm.
    pub variant: Option<VariantId>,
    /// The script to render.
    pub script: ScriptId,
    /// Its version.
    pub script_version: u32,
    /// Where to.
    pub destination: DestinationId,
}

/// A cleared event with its script and destination: the only thing channel-dispatch takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assigned {
    /// The cleared event.
    pub cleared: Cleared,
    /// The choice.
    pub assignment: Assignment,
    tag: String,
}

impl Assigned {
    /// Joins a cleared event and the choice made for it, under the tenant's keys: what was chosen can't be exchanged on the queue.
    pub fn of(cleared: Cleared, assignment: Assignment, keys: &TenantKeys) -> Self {
        let tag = assignment.tag(&cleared, keys);
        Self { cleared, assignment, tag }
    }
}

impl Assignment {
    fn tag(&self, cleared: &Cleared, keys: &TenantKeys) -> String {
        #[expect(clippy::expect_used, reason = "texts and integers only")]
        let assignment = serde_json::to_string(self).expect("an assignment can be written");
        hex::encode(keys.keyed_hash(HashPurpose::Assignment, &[&cleared.tag, &assignment]))
    }
}

/// An [`Assigned`] as it lies on a queue: not yet checked.
#[derive(Debug, Clone, Deserialize)]
pub struct UncheckedAssigned {
    cleared: UncheckedCleared,
    assignment: Assignment,
    tag: String,
}

impl UncheckedAssigned {
    /// Whose keys check it.
    pub fn tenant(&self) -> &crate::id::TenantId {
        self.cleared.tenant()
    }

    /// The trace, for logs about a message that does not check out.
    pub fn trace_id(&self) -> crate::id::TraceId {
        self.cleared.trace_id()
    }

    /// Whose event it claims to be.
    pub fn person(&self) -> Option<&PersonId> {
        self.cleared.person()
    }

    /// As [`UncheckedCleared::erased`].
    ///
    /// # Errors
    /// [`ClearanceError::Forged`], likewise.
    pub fn erased(self, reference: &PersonId, keys: &TenantKeys) -> Result<Assigned, ClearanceError> {
        let (cleared, assignment) = (self.cleared.clone(), self.assignment.clone());
        let _genuine = self.check(keys)?;
        Ok(Assigned::of(cleared.erased(reference, keys)?, assignment, keys))
    }

    /// Checks the clearance inside, and that the choice is the one that was made for it.
    ///
    /// # Errors
    /// [`ClearanceError`], by cause.
    pub fn check(self, keys: &TenantKeys) -> Result<Assigned, ClearanceError> {
        let Self { cleared, assignment, tag } = self;
        let assigned = Assigned::of(cleared.check(keys)?, assignment, keys);
        if bool::from(assigned.tag.as_bytes().ct_eq(tag.as_bytes())) {
            Ok(assigned)
        } else {
            Err(ClearanceError::Forged)
        }
    }
}
