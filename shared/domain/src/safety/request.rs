use serde::{Deserialize, Serialize};

use crate::id::{TenantId, TraceId};
use crate::review::{Point, Review, ReviewId};

/// A message of the `checks` queue: which review waits for the check. The text stays, sealed, in the review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckRequest {
    /// Whose.
    pub tenant: TenantId,
    /// The trace that was decided.
    pub trace: TraceId,
    /// Where it waits.
    pub point: Point,
}

impl CheckRequest {
    /// The request that a review opens with; `None` when it asks no machine.
    pub fn of(review: &Review) -> Option<Self> {
        let ReviewId { tenant, trace, point } = review.id();
        review.panel.machine.as_ref().map(|_| Self { tenant, trace, point })
    }

    /// The review.
    pub fn review(&self) -> ReviewId {
        ReviewId { tenant: self.tenant.clone(), trace: self.trace, point: self.point }
    }
}
