use std::future::Future;

use crate::PortError;

/// The queues between the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// webhook-verify → compliance-check.
    Events,
    /// compliance-check → bucket-assignment.
    Cleared,
    /// bucket-assignment → channel-dispatch.
    Assigned,
}

impl Queue {
    /// Every queue, in the order of the flow.
    pub const ALL: [Self; 3] = [Self::Events, Self::Cleared, Self::Assigned];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Cleared => "cleared",
            Self::Assigned => "assigned",
        }
    }
}

impl std::fmt::Display for Queue {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

/// One message for a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundMessage {
    /// JSON. At most 256 KiB.
    pub body: String,
    /// The event's trace id, carried as a message attribute.
    pub trace_id: sluice_domain::id::TraceId,
    /// Not delivered before so many seconds (0 to 900).
    pub delay_seconds: u32,
}

/// Which message of a batch was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendFailure {
    /// Its place in the batch.
    pub index: usize,
    /// Why.
    pub error: PortError,
}

/// Puts messages on queues, durably: when it returns, they are on disk or at SQS.
pub trait Outbox: Send + Sync {
    /// Sends a batch; the failures name the messages that were not taken. An empty list means all were.
    fn send(
        &self,
        queue: Queue,
        messages: Vec<OutboundMessage>,
    ) -> impl Future<Output = Vec<SendFailure>> + Send;
}
