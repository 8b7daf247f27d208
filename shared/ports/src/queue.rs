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
    /// compliance-check → content-safety: texts that wait for a remote check.
    Checks,
}

impl Queue {
    /// Every queue, in the order of the flow.
    pub const ALL: [Self; 4] = [Self::Events, Self::Cleared, Self::Assigned, Self::Checks];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Cleared => "cleared",
            Self::Assigned => "assigned",
            Self::Checks => "checks",
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

/// A message that will never succeed, on its way to the dead-letter queue with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuriedMessage {
    /// The body as it was received.
    pub body: String,
    /// Its trace, if it could be read.
    pub trace_id: Option<sluice_domain::id::TraceId>,
    /// Stable code of the reason: `malformed_message`, `clearance_forged`, …
    pub code: String,
    /// The reason in words; no personal value.
    pub detail: String,
}

/// What a step does with messages of its own inbox that it can not finish.
pub trait Inbox: Send + Sync {
    /// Puts a message on the queue's dead-letter queue, durably.
    fn bury(
        &self,
        queue: Queue,
        message: BuriedMessage,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Hides a received message for so many seconds (0 to 43 200); its receive count stays.
    fn postpone(
        &self,
        queue: Queue,
        receipt_handle: &str,
        seconds: u32,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}
