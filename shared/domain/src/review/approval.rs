use std::collections::BTreeSet;

use super::state::State;
use super::{RenderedText, Review, sha256_of_event, sha256_of_texts};
use crate::decision::{Decision, Verdict};
use crate::event::Event;
use crate::rules::RulePack;
use crate::tenant::TenantKeys;

/// Why a review is no approval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotApproved {
    /// It is not approved, or has ended otherwise.
    #[error("the review is {0}")]
    State(super::StateName),
    /// The voices don't suffice, whatever the state says.
    #[error("the review says approved, but its voices don't suffice")]
    TooFewVoices,
    /// A tag does not fit.
    #[error("the stored review does not fit its tag: it was altered, or belongs to another tenant")]
    Forged,
    /// What waits is not what was reviewed.
    #[error("what waits is not what was reviewed")]
    OtherSubject,
}

/// An approved review whose tags were checked: the only way from a decision of `review` to a
/// [`Cleared`](crate::progress::Cleared). Nothing but [`Review::approval`] and [`Review::approval_of_texts`] makes one.
#[derive(Debug)]
pub struct Approval<'a> {
    review: &'a Review,
}

/// What an approval means to a decision that is made later.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Judgement {
    /// It goes on, with this verdict.
    GoesOn(Verdict),
    /// It does not, by this code.
    Blocked(String),
}

impl Review {
    /// The approval of an event.
    ///
    /// # Errors
    /// [`NotApproved`], by cause.
    pub fn approval(&self, event: &Event, keys: &TenantKeys) -> Result<Approval<'_>, NotApproved> {
        let is_its = self.point == super::Point::Event && self.subject_sha256 == sha256_of_event(event);
        self.approved(is_its, keys)
    }

    /// The approval of a rendered message: of these very texts, by their hash. What is sent on it are the texts that the review holds, for a
    /// script may have been changed since.
    ///
    /// # Errors
    /// [`NotApproved`], by cause.
    pub fn approval_of_texts(
        &self,
        event: &Event,
        texts: &[RenderedText<'_>],
        keys: &TenantKeys,
    ) -> Result<Approval<'_>, NotApproved> {
        let is_its = self.point == super::Point::Message
            && (&self.key, self.trace_id) == (&event.key, event.trace_id)
            && self.subject_sha256 == sha256_of_texts(texts);
        self.approved(is_its, keys)
    }

    fn approved(&self, is_its: bool, keys: &TenantKeys) -> Result<Approval<'_>, NotApproved> {
        match self.state {
            // A cleared one is asked again when its message was delivered twice.
            State::Approved { .. } | State::Cleared { .. } => {}
            State::Open | State::Blocked { .. } | State::Rejected { .. } | State::Expired { .. } => {
                return Err(NotApproved::State(self.state.name()));
            }
        }
        if !self.is_genuine(keys) {
            return Err(NotApproved::Forged);
        }
        if !is_its {
            return Err(NotApproved::OtherSubject);
        }
        if !self.is_enough() {
            return Err(NotApproved::TooFewVoices);
        }
        Ok(Approval { review: self })
    }
}

impl Approval<'_> {
    /// Not sent: a rule asks for a review for a reason that nobody has looked at.
    pub const OUTDATED: &'static str = "review_outdated";

    /// The reason that was reviewed.
    pub fn reason(&self) -> &str {
        self.review.decision.main_code()
    }

    /// Is this event the one that was reviewed?
    pub(crate) fn is_of(&self, event: &Event) -> bool {
        self.review.point == super::Point::Event && self.review.subject_sha256 == sha256_of_event(event)
    }

    /// What the approval means to the rules as they are now, with consent as it stands now.
    ///
    /// The approval answers the reasons that were reviewed and no others: a block holds, and so does a review for another reason. What the rules
    /// would allow without those reasons decides between plain and masked; when no rule allows, the people's word does, masked.
    pub fn judge(&self, fresh: &Decision, rules: &RulePack) -> Judgement {
        match fresh.verdict {
            Verdict::Allow | Verdict::AllowMasked => Judgement::GoesOn(fresh.verdict),
            Verdict::Block => Judgement::Blocked(fresh.main_code().to_owned()),
            Verdict::Review => {
                let reviewed: BTreeSet<&str> =
                    self.review.decision.reasons.iter().map(|reason| reason.code.as_str()).collect();
                if fresh.reasons.iter().all(|reason| reviewed.contains(reason.code.as_str())) {
                    Judgement::GoesOn(rules.allowed_besides(fresh).unwrap_or(Verdict::AllowMasked))
                } else {
                    Judgement::Blocked(Self::OUTDATED.to_owned())
                }
            }
        }
    }
}
