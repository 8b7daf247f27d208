use std::future::Future;

use sluice_domain::id::TenantId;
use sluice_domain::time::BusinessDay;

use crate::{PortError, Written};

/// The digests of the audit log, a document a tenant and day: written once, and then out of everybody's reach as far as the store can do that
/// (Object Lock on AWS, a read-only file on one machine).
pub trait Digests: Send + Sync {
    /// How many days back [`Digests::last_sealed`] looks.
    const LOOKS_BACK_DAYS: usize = 31;

    /// Stores a day's document, unless there is one: then that one is handed back, and nothing is changed.
    fn seal(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        document: Vec<u8>,
    ) -> impl Future<Output = Result<Written<Vec<u8>>, PortError>> + Send;

    /// The document that was first stored for a day, whatever was tried since.
    fn sealed(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, PortError>> + Send;

    /// The latest day before `day` that has a document, at most [`Digests::LOOKS_BACK_DAYS`] back.
    fn last_sealed(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
    ) -> impl Future<Output = Result<Option<BusinessDay>, PortError>> + Send;
}

/// The days that [`Digests::last_sealed`] looks at, latest first.
pub fn days_before(day: BusinessDay, count: usize) -> impl Iterator<Item = BusinessDay> {
    std::iter::successors(Some(day.previous()), |day| Some(day.previous())).take(count)
}
