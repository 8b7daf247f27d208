use sluice_domain::failure::FailureKind;
use sluice_domain::id::{TenantId, TraceId};
use sluice_domain::review::{Ballot, Point, Review, ReviewId, Says, StateName, VoteError};
use sluice_domain::sealed::SealError;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Advanced, KeyRing, Outbox, PortError, Reviews, Wake};

use crate::view::{Detail, View};

/// How often a voice is counted anew when others changed the review meanwhile.
const TRIES: usize = 16;

/// Which review: the point may be left out, then the one that waits is meant, or else the last.
#[derive(Debug, Clone)]
pub struct Which {
    /// Whose.
    pub tenant: TenantId,
    /// The event's trace.
    pub trace: TraceId,
    /// Where it waits.
    pub point: Option<Point>,
}

/// Why a desk could not do it.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// There is no such review.
    #[error("no review of trace {0}: it was not decided as `review`, or belongs to another tenant")]
    Unknown(TraceId),
    /// The voice does not count.
    #[error(transparent)]
    Vote(#[from] VoteError),
    /// A text does not open.
    #[error("a text of the review does not open: {0}")]
    Sealed(#[from] SealError),
    /// The store or key ring failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Others changed the review each time.
    #[error("the review changed {TRIES} times while the voice was counted; try again")]
    Busy,
}

impl DeskError {
    /// What to do about it.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Unknown(_) | Self::Vote(_) => FailureKind::Permanent,
            Self::Sealed(error) => error.kind(),
            Self::Port(error) => error.kind(),
            Self::Busy => FailureKind::Retry,
        }
    }
}

/// What a voice came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voted {
    /// The review after it.
    pub view: View,
    /// The voice was there already; an approved event was sent to the engine once more.
    pub again: bool,
}

/// Works on reviews, at a moment.
#[derive(Debug)]
pub struct Desk<'a, S, K> {
    /// The reviews, and the queues that they wake.
    pub store: &'a S,
    /// The tenants' keys.
    pub keys: &'a K,
    /// Now.
    pub now: UnixMillis,
}

impl<S: Reviews + Outbox, K: KeyRing> Desk<'_, S, K> {
    /// The reviews of a tenant that stand so, oldest first, masked.
    ///
    /// # Errors
    /// When the store, the key ring or a seal fails.
    pub async fn list(&self, tenant: &TenantId, state: StateName) -> Result<Vec<View>, DeskError> {
        let keys = self.keys.keys(tenant).await?;
        let mut views = Vec::new();
        // One that nobody has noted as expired is still listed as open in the store.
        let stored: &[StateName] = match state {
            StateName::Expired => &[StateName::Open, StateName::Expired],
            StateName::Open => &[StateName::Open],
            StateName::Approved => &[StateName::Approved],
            StateName::Cleared => &[StateName::Cleared],
            StateName::Blocked => &[StateName::Blocked],
            StateName::Rejected => &[StateName::Rejected],
        };
        for stored in stored {
            let mut cursor = None;
            loop {
                let page = self.store.reviews(tenant, *stored, cursor).await?;
                for review in page.items.iter().filter(|review| review.standing(self.now) == state) {
                    views.push(View::masked(review, &keys, self.now)?);
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        views.sort_by_key(|view| (view.opened_at, view.trace_id, view.point));
        Ok(views)
    }

    /// One review, masked.
    ///
    /// # Errors
    /// [`DeskError`], by cause.
    pub async fn show(&self, which: &Which) -> Result<View, DeskError> {
        let review = self.find(which).await?;
        let keys = self.keys.keys(&which.tenant).await?;
        Ok(View::masked(&review, &keys, self.now)?)
    }

    /// One review with its open texts, once it is on record who looked, and why.
    ///
    /// # Errors
    /// [`DeskError`], by cause; a review that has ended has no text any more.
    pub async fn look(&self, which: &Which, ballot: Ballot) -> Result<View, DeskError> {
        let (review, _) = self.speak(which, Ballot { says: Says::Looked, ..ballot }).await?;
        let keys = self.keys.keys(&which.tenant).await?;
        Ok(View::of(&review, &keys, self.now, Detail::Open)?)
    }

    /// Counts a voice; the last approval that is needed sends the event back to the engine.
    ///
    /// # Errors
    /// [`DeskError`], by cause.
    pub async fn vote(&self, which: &Which, ballot: Ballot) -> Result<Voted, DeskError> {
        let (review, again) = self.speak(which, ballot).await?;
        let keys = self.keys.keys(&which.tenant).await?;
        Ok(Voted { view: View::masked(&review, &keys, self.now)?, again })
    }

    async fn speak(&self, which: &Which, ballot: Ballot) -> Result<(Review, bool), DeskError> {
        let keys = self.keys.keys(&which.tenant).await?;
        let mut review = self.find(which).await?;
        for _ in 0..TRIES {
            let moved = match review.vote(ballot.clone(), self.now, &keys) {
                Ok(moved) => moved,
                Err(VoteError::NotOpen(StateName::Approved)) if has_spoken(&review, &ballot) => {
                    self.wake_again(&review).await?;
                    return Ok((review, true));
                }
                Err(error @ VoteError::Overdue(_)) => {
                    self.expire(&review).await?;
                    return Err(error.into());
                }
                Err(error) => return Err(error.into()),
            };
            match self.store.advance_review(moved.review.clone(), Wake::of(&moved)).await? {
                Advanced::Done => {
                    tell(&moved.review, &ballot);
                    return Ok((moved.review, false));
                }
                Advanced::Overtaken(newer) => review = *newer,
                Advanced::Unknown => return Err(DeskError::Unknown(which.trace)),
            }
        }
        Err(DeskError::Busy)
    }

    /// Whoever comes too late ends the review on the way out.
    async fn expire(&self, review: &Review) -> Result<(), PortError> {
        if let Some(expired) = review.expire(self.now) {
            // Overtaken: somebody ended it at the same moment.
            let _advanced = self.store.advance_review(expired.review.clone(), Wake::of(&expired)).await?;
        }
        Ok(())
    }

    async fn wake_again(&self, review: &Review) -> Result<(), PortError> {
        let Some(Wake { queue, message }) = Wake::again(review) else { return Ok(()) };
        match self.store.send(queue, vec![message]).await.into_iter().next() {
            None => Ok(()),
            Some(failure) => Err(failure.error),
        }
    }

    async fn find(&self, which: &Which) -> Result<Review, DeskError> {
        let id = |point| ReviewId { tenant: which.tenant.clone(), trace: which.trace, point };
        let unknown = || DeskError::Unknown(which.trace);
        if let Some(point) = which.point {
            return self.store.review(&id(point)).await?.ok_or_else(unknown);
        }
        // The message waits only after the event went on.
        let message = self.store.review(&id(Point::Message)).await?;
        if let Some(message) = message {
            return Ok(message);
        }
        self.store.review(&id(Point::Event)).await?.ok_or_else(unknown)
    }
}

fn has_spoken(review: &Review, ballot: &Ballot) -> bool {
    let same = |voice: &sluice_domain::review::Voice| voice.is_same(ballot);
    ballot.says == Says::Approve && review.voices.iter().any(same)
}

fn tell(review: &Review, ballot: &Ballot) {
    let (tenant, point, says) = (&review.key.tenant, review.point, ballot.says.as_str());
    let (code, state) = (review.decision.main_code(), review.state.name());
    tracing::info!(trace_id = %review.trace_id, %tenant, %point, says, code, "reviewed: {says}, now {state}");
}
