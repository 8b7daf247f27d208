use std::future::Future;

use sluice_domain::contact::Acquaintance;
use sluice_domain::id::{PersonId, TenantId};

use crate::PortError;

/// Which person of a Douyin event a contact of a channel is. Many to many: a person may write from two accounts, and a telephone be shared.
pub trait Acquaintances: Send + Sync {
    /// Notes one, unless the two are known to each other already; the first event stays.
    fn acquaint(&self, acquaintance: Acquaintance) -> impl Future<Output = Result<(), PortError>> + Send;

    /// The persons that a contact is known as, in no order that matters.
    fn known_as(
        &self,
        tenant: &TenantId,
        contact: &PersonId,
    ) -> impl Future<Output = Result<Vec<Acquaintance>, PortError>> + Send;
}
