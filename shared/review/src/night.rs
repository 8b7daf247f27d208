use std::future::Future;

use sluice_domain::id::{PersonId, TenantId};
use sluice_domain::review::{Moved, Review, State, StateName};
use sluice_domain::time::UnixMillis;
use sluice_ports::{Advanced, Outbox, Page, PortError, Reviews, Wake};

/// An approved review that has not gone on for so long has lost its message.
const LOST_AFTER_MS: i64 = 15 * 60 * 1_000;

/// What a sweep found and did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Reviews ended because nobody decided in time.
    pub expired: usize,
    /// Approved events sent to the engine once more.
    pub woken: usize,
    /// Reviews that wait for a person.
    pub open: usize,
    /// Since when the oldest of them waits.
    pub oldest: Option<UnixMillis>,
}

/// Ends a tenant's reviews whose deadline has passed, and wakes approved work that has not gone on. It may run twice, and beside reviewers.
///
/// # Errors
/// The store's failure; what was done before it stays done.
pub async fn sweep<S: Reviews + Outbox>(
    store: &S,
    tenant: &TenantId,
    now: UnixMillis,
) -> Result<Swept, PortError> {
    let mut swept = Swept::default();
    for review in all(|cursor| store.reviews(tenant, StateName::Open, cursor)).await? {
        if let Some(expired) = review.expire(now) {
            swept.expired += usize::from(advance(store, &expired).await?);
        } else {
            swept.open += 1;
            swept.oldest = Some(swept.oldest.map_or(review.opened_at, |at| at.min(review.opened_at)));
        }
    }
    for review in all(|cursor| store.reviews(tenant, StateName::Approved, cursor)).await? {
        let State::Approved { at } = review.state else { continue };
        if now.since(at) < LOST_AFTER_MS {
            continue;
        }
        if let Some(Wake { queue, message }) = Wake::again(&review) {
            if let Some(failure) = store.send(queue, vec![message]).await.into_iter().next() {
                return Err(failure.error);
            }
            swept.woken += 1;
        }
    }
    Ok(swept)
}

/// Ends everything that waits of one person, as `person_erased`, and destroys the sealed texts with it; says how many.
///
/// Nothing is woken: what would go back to its queue is the person's own data. A delivery whose message waited stays unsettled, and the books
/// count it with its review.
///
/// Reviews that have ended before hold no text of anybody.
///
/// # Errors
/// The store's failure; what was ended before it stays so, and the next call ends the rest.
pub async fn erase<S: Reviews>(
    store: &S,
    tenant: &TenantId,
    person: &PersonId,
    now: UnixMillis,
) -> Result<usize, PortError> {
    let mut ended = 0;
    for state in [StateName::Open, StateName::Approved] {
        for mut review in all(|cursor| store.reviews(tenant, state, cursor)).await? {
            if review.person.as_ref() != Some(person) {
                continue;
            }
            while let Some(blocked) = review.block("person_erased", None, now) {
                match store.advance_review(blocked.review, None).await? {
                    Advanced::Done => {
                        ended += 1;
                        break;
                    }
                    Advanced::Overtaken(newer) => review = *newer,
                    Advanced::Unknown => break,
                }
            }
        }
    }
    Ok(ended)
}

async fn advance(store: &impl Reviews, moved: &Moved) -> Result<bool, PortError> {
    let Moved { review, .. } = moved;
    match store.advance_review(review.clone(), Wake::of(moved)).await? {
        Advanced::Done => {
            let (tenant, code) = (&review.key.tenant, review.decision.main_code());
            tracing::info!(trace_id = %review.trace_id, %tenant, code, "reviewed: expired");
            Ok(true)
        }
        Advanced::Overtaken(_) | Advanced::Unknown => Ok(false),
    }
}

/// Every page of a listing, read before anything of it is changed.
async fn all<F>(mut page: impl FnMut(Option<String>) -> F) -> Result<Vec<Review>, PortError>
where
    F: Future<Output = Result<Page<Review>, PortError>>,
{
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let found = page(cursor).await?;
        items.extend(found.items);
        match found.next {
            Some(next) => cursor = Some(next),
            None => return Ok(items),
        }
    }
}
