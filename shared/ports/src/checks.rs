use std::future::Future;

use sluice_domain::id::TenantId;
use sluice_domain::safety::{Answer, TextDigest};
use sluice_domain::time::{BusinessDay, UnixMillis};

use crate::{Place, PortError};

/// What remote checks of texts remember: answers by the texts' keyed hashes, for a time, and how many requests a tenant made on a day.
///
/// No text is ever in it. Answers are speed and quota, never correctness: an adapter may forget one at any time, and must when its time is over.
pub trait CheckedTexts: Send + Sync {
    /// The remembered answer for a text; `None` when there is none, or its time is over at `now`.
    fn checked(
        &self,
        tenant: &TenantId,
        text: &TextDigest,
        now: UnixMillis,
    ) -> impl Future<Output = Result<Option<Answer>, PortError>> + Send;

    /// Remembers an answer until a moment, in place of an earlier one.
    fn remember(
        &self,
        tenant: &TenantId,
        text: &TextDigest,
        answer: Answer,
        until: UnixMillis,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Takes one of the `most` requests that a tenant may make on a day: one conditional write. Never one more than that, whoever asks at
    /// the same moment; one may be lost when an answer of the store is.
    fn take_request(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        most: u32,
    ) -> impl Future<Output = Result<Place, PortError>> + Send;
}
