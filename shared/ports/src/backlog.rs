use std::future::Future;

use sluice_domain::id::TenantId;
use sluice_domain::reconciliation::DeadLetter;
use sluice_domain::time::BusinessDay;

use crate::{Page, PortError, Queue};

/// What lies on the queues unfinished, as reconciliation needs it.
///
/// The method names differ from those of the adapters' own inspection calls on purpose: those give bodies, these don't.
pub trait Backlog: Send + Sync {
    /// The dead letters of a queue, oldest first, without their bodies.
    fn given_up(
        &self,
        queue: Queue,
        cursor: Option<String>,
    ) -> impl Future<Output = Result<Page<DeadLetter>, PortError>> + Send;

    /// How many messages a queue holds: visible, received or delayed; dead letters don't count.
    fn unfinished(&self, queue: Queue) -> impl Future<Output = Result<u64, PortError>> + Send;

    /// Puts dead letters back on their queue, by [`DeadLetter::id`], and gives the ids of those that it put back. One that is not there
    /// any more is not among them. After an error some may have been put back.
    ///
    /// Many at once, for a queue may have to be gone through to find any.
    fn put_back(
        &self,
        queue: Queue,
        ids: &[String],
    ) -> impl Future<Output = Result<Vec<String>, PortError>> + Send;
}

/// Where reports are kept.
pub trait Reports: Send + Sync {
    /// Stores a file of a tenant's day, in place of an earlier one of that name; whole or not at all.
    fn put(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        name: &'static str,
        content_type: &'static str,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}
