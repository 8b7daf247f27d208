//! Messages that a step can not finish.

use sluice_ports::{BuriedMessage, Inbox, PortError, Queue};

use super::message::{Attributes, CODE, DETAIL, QUEUE, sendable};
use super::outbox::fits;
use super::{Queues, dead, live};
use crate::fault::{code, port_error};

/// A message is hidden for twelve hours at most, counted from its first receive.
const LONGEST_SECONDS: u32 = 43_200;

impl Inbox for Queues {
    async fn bury(&self, queue: Queue, message: BuriedMessage) -> Result<(), PortError> {
        fits(message.body.len())?;
        let mut attributes = message.trace_id.map(Attributes::of_trace).unwrap_or_default();
        attributes.put(CODE, &message.code);
        attributes.put(DETAIL, &message.detail);
        attributes.put(QUEUE, queue.as_str());
        let system = (!attributes.system.is_empty()).then(|| attributes.system.clone());
        // SQS takes no empty body; an empty one came from nowhere and means as little as `null`.
        let body = if message.body.is_empty() { "null" } else { message.body.as_str() };
        self.client()
            .send_message()
            .queue_url(self.dead_letters_url(queue)?)
            .message_body(sendable(body))
            .set_message_attributes(attributes.own())
            .set_message_system_attributes(system)
            .send()
            .await
            .map(drop)
            .map_err(|error| port_error(dead(queue), &error, self.now()))
    }

    async fn postpone(&self, queue: Queue, receipt_handle: &str, seconds: u32) -> Result<(), PortError> {
        let seconds = seconds.min(LONGEST_SECONDS);
        match self.hide(queue, receipt_handle, seconds).await? {
            Hidden::Yes | Hidden::Gone => Ok(()),
            // Twelve hours from the first receive would be exceeded. Half is worth a try; after that the message comes back when its
            // visibility timeout ends, which is early but not lost.
            Hidden::TooLong => {
                if let Hidden::TooLong = self.hide(queue, receipt_handle, seconds / 2).await? {
                    tracing::debug!(
                        queue = queue.as_str(),
                        seconds,
                        "message can not be hidden that long any more"
                    );
                }
                Ok(())
            }
        }
    }
}

enum Hidden {
    Yes,
    /// It went back to the queue, was received by somebody else or deleted: it is theirs now.
    Gone,
    TooLong,
}

impl Queues {
    async fn hide(&self, queue: Queue, receipt_handle: &str, seconds: u32) -> Result<Hidden, PortError> {
        let changed = self
            .client()
            .change_message_visibility()
            .queue_url(self.url(queue)?)
            .receipt_handle(receipt_handle)
            .visibility_timeout(i32::try_from(seconds).unwrap_or(i32::MAX))
            .send()
            .await;
        let Err(error) = changed else { return Ok(Hidden::Yes) };
        let short = code(&error).map(|code| code.rsplit('.').next().unwrap_or(code));
        match short {
            Some("MessageNotInflight" | "ReceiptHandleIsInvalid") => Ok(Hidden::Gone),
            // The same code for a handle that is too old and for a time that is too long.
            Some("InvalidParameterValue") => Ok(Hidden::TooLong),
            _ => Err(port_error(live(queue), &error, self.now())),
        }
    }
}
