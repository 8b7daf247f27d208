use std::future::Future;

use sluice_domain::contact::Slot;

use crate::PortError;

/// Whether there is room among those of a day: for a message to a person, or for a request to a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Place {
    /// It has one, now or since an earlier asking.
    Taken,
    /// The caps are reached.
    Full,
}

/// Counts the messages that a person gets on a day.
pub trait ContactLimits: Send + Sync {
    /// Takes a place for the message of an event: one conditional write. Exact whatever happens at the same time, and for an event that
    /// has a place already it changes nothing. A place is not given back when the message is refused after all.
    fn take_place(&self, slot: &Slot) -> impl Future<Output = Result<Place, PortError>> + Send;
}
