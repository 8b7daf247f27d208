use std::future::Future;

use sluice_domain::audit::tree::Hash;
use sluice_domain::id::TenantId;
use sluice_domain::time::BusinessDay;

use crate::{PortError, Written};

/// The digests of the audit log, a document a tenant and day, and beside it the list of the day's leaves: written once, and then out of
/// everybody's reach as far as the store can do that (Object Lock on AWS, a read-only file on one machine).
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

    /// Stores a leaf list of a day under its SHA-256. It comes before the document that names it, so that no document names what is not
    /// there; storing the same list again changes nothing.
    fn keep_leaves(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        leaves: Vec<u8>,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// What is stored as the leaf list of that name. Whether it still has the SHA-256 is the caller's to see.
    fn leaves(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        sha256: Hash,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, PortError>> + Send;
}

/// The days that [`Digests::last_sealed`] looks at, latest first.
pub fn days_before(day: BusinessDay, count: usize) -> impl Iterator<Item = BusinessDay> {
    std::iter::successors(Some(day.previous()), |day| Some(day.previous())).take(count)
}
