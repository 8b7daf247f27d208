use std::future::Future;

use sluice_domain::audit::AuditRecord;
use sluice_domain::id::TenantId;
use sluice_domain::review::{Moved, Review, ReviewId, StateName, Wakes};
use sluice_domain::safety::CheckRequest;

use crate::{OutboundMessage, Page, PortError, Queue, Written};

/// An audit record whose decision waits for a review, and the review that is opened with it.
#[derive(Debug, Clone)]
pub struct ForReview {
    /// Written once, by its event.
    pub record: AuditRecord,
    /// Opened only when the record is new.
    pub review: Review,
}

impl ForReview {
    /// The request for the machine check that the review asks, if it asks one: on the `checks` queue. Sent with the review; sending it again does
    /// no harm.
    #[expect(clippy::missing_panics_doc, reason = "it can not panic")]
    pub fn check_of(review: &Review) -> Option<OutboundMessage> {
        let request = CheckRequest::of(review)?;
        #[expect(clippy::expect_used, reason = "two ids and a word")]
        let body = serde_json::to_string(&request).expect("a request can be written");
        Some(OutboundMessage { body, trace_id: review.trace_id, delay_seconds: 0 })
    }
}

/// What a change of a review found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Advanced {
    /// It is written, and its message is sent.
    Done,
    /// Somebody changed the review since it was read: nothing was written or sent. This is how it stands now.
    Overtaken(Box<Review>),
    /// There is no such review.
    Unknown,
}

/// A message that goes with a change of a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wake {
    /// To which queue.
    pub queue: Queue,
    /// What.
    pub message: OutboundMessage,
}

impl Wake {
    /// What a transition wakes, as a message.
    pub fn of(moved: &Moved) -> Option<Self> {
        Some(Self::by(&moved.review, moved.wakes.clone()?))
    }

    /// What an approved review wakes, once more.
    pub fn again(review: &Review) -> Option<Self> {
        Some(Self::by(review, review.wakes()?))
    }

    fn by(review: &Review, wakes: Wakes) -> Self {
        let (queue, body) = match wakes {
            Wakes::Event(body) => (Queue::Events, body),
            Wakes::Message(body) => (Queue::Assigned, body),
        };
        Self { queue, message: OutboundMessage { body, trace_id: review.trace_id, delay_seconds: 0 } }
    }
}

/// Reviews by (tenant, trace, point), and by state.
///
/// A review is changed by putting the next version in place of the one that was read ([`sluice_domain::review`] has the transitions): of two
/// who change the same version, one finds [`Advanced::Overtaken`].
pub trait Reviews: Send + Sync {
    /// Writes a batch of audit records, each once, opens the reviews of the new ones, and sends those that ask a machine check to the `checks`
    /// queue. The answers are in the order of the batch.
    ///
    /// The embedded store does all of it in one transaction; AWS writes the record, then the review, then sends: who finds their own record
    /// ([`Written::Existing`], same trace) without its review opens it with [`Reviews::open_review`], and who finds one that
    /// still waits for its check sends [`ForReview::check_of`] again.
    fn record_for_review(
        &self,
        batch: Vec<ForReview>,
    ) -> impl Future<Output = Vec<Result<Written<AuditRecord>, PortError>>> + Send;

    /// Opens a review, once.
    fn open_review(&self, review: Review) -> impl Future<Output = Result<Written<Review>, PortError>> + Send;

    /// One review.
    fn review(&self, id: &ReviewId) -> impl Future<Output = Result<Option<Review>, PortError>> + Send;

    /// The reviews of a tenant in a state, in the order in which they were opened.
    fn reviews(
        &self,
        tenant: &TenantId,
        state: StateName,
        cursor: Option<String>,
    ) -> impl Future<Output = Result<Page<Review>, PortError>> + Send;

    /// Puts the next version of a review in place of the one before it, and then sends a message.
    ///
    /// After an error the review may be written and the message not sent. An approved review sends it again by [`Wake::again`]; for others
    /// the step whose message was lost finds the review by itself.
    fn advance_review(
        &self,
        next: Review,
        wake: Option<Wake>,
    ) -> impl Future<Output = Result<Advanced, PortError>> + Send;
}
