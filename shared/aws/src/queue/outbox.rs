//! Sending, ten messages and 256 KiB a call.

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use aws_sdk_sqs::types::builders::SendMessageBatchRequestEntryBuilder;
use futures_util::future::join_all;
use sluice_ports::{OutboundMessage, Outbox, PortError, Queue, SendFailure};

use super::message::{Attributes, sendable};
use super::{Queues, live};
use crate::fault::{code, entry_error, port_error};

/// Entries of a call.
const MOST_ENTRIES: usize = 10;
/// Bytes of a body, by the port's contract.
pub(super) const LARGEST_BODY: usize = 256 * 1_024;
/// Bytes of a call, attributes included. Newer queues take more; every queue of every region takes this.
const LARGEST_CALL: usize = 256 * 1_024;
/// The longest delay that SQS knows.
const LONGEST_DELAY_SECONDS: u32 = 900;

/// A message ready to go, and its place in the caller's batch.
struct Prepared {
    index: usize,
    size: usize,
    entry: SendMessageBatchRequestEntryBuilder,
}

impl Outbox for Queues {
    async fn send(&self, queue: Queue, messages: Vec<OutboundMessage>) -> Vec<SendFailure> {
        let (mut ready, mut failures) = (Vec::with_capacity(messages.len()), Vec::new());
        for (index, message) in messages.into_iter().enumerate() {
            match prepared(index, &message) {
                Ok(message) => ready.push(message),
                Err(error) => failures.push(SendFailure { index, error }),
            }
        }
        let calls = chunks(ready).into_iter().map(|chunk| self.send_chunk(queue, chunk));
        failures.extend(join_all(calls).await.into_iter().flatten());
        failures.sort_by_key(|failure| failure.index);
        failures
    }
}

impl Queues {
    /// One call. A failure of the call is a failure of each of its messages.
    async fn send_chunk(&self, queue: Queue, chunk: Vec<Prepared>) -> Vec<SendFailure> {
        let mut open: Vec<usize> = chunk.iter().map(|message| message.index).collect();
        let all = |indexes: Vec<usize>, error: &PortError| {
            indexes.into_iter().map(|index| SendFailure { index, error: error.clone() }).collect()
        };
        let size = chunk.iter().map(|message| message.size).sum();
        let entries: Result<Vec<SendMessageBatchRequestEntry>, _> =
            chunk.into_iter().map(|message| message.entry.build()).collect();
        let url = match self.url(queue) {
            Ok(url) => url,
            Err(error) => return all(open, &error),
        };
        let Ok(entries) = entries else {
            let cause = "a message can not be put into a request".to_owned();
            return all(open, &PortError::Unavailable { what: live(queue), cause });
        };
        let sent = self.client().send_message_batch().queue_url(url).set_entries(Some(entries)).send().await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) if code(&error).is_some_and(|code| code.ends_with("BatchRequestTooLong")) => {
                return all(open, &PortError::TooLarge { what: live(queue), limit: LARGEST_CALL, got: size });
            }
            Err(error) => return all(open, &port_error(live(queue), &error, self.now())),
        };
        let mut failures = Vec::new();
        for refused in answer.failed() {
            let Some(index) = index_of(refused.id()) else { continue };
            open.retain(|other| *other != index);
            let error = refusal(queue, refused.code(), refused.sender_fault(), self.now());
            failures.push(SendFailure { index, error });
        }
        for taken in answer.successful() {
            let index = index_of(taken.id());
            open.retain(|other| Some(*other) != index);
        }
        // What the answer does not name may or may not be there: it is sent again, and known by its key downstream.
        let cause = "the answer does not name the message".to_owned();
        failures.extend(all(open, &PortError::Unavailable { what: live(queue), cause }));
        failures
    }
}

fn refusal(queue: Queue, code: &str, sender_fault: bool, now: sluice_domain::time::UnixMillis) -> PortError {
    match code.rsplit('.').next().unwrap_or(code) {
        // Poison: it would be refused each time.
        "InvalidMessageContents" => PortError::Corrupt {
            what: live(queue),
            cause: "the body holds characters that SQS does not take".to_owned(),
        },
        _ => entry_error(live(queue), code, sender_fault, now),
    }
}

fn prepared(index: usize, message: &OutboundMessage) -> Result<Prepared, PortError> {
    let body = sendable(&message.body);
    fits(body.len())?;
    let attributes = Attributes::of_trace(message.trace_id);
    let size = body.len() + attributes.size;
    let system = (!attributes.system.is_empty()).then(|| attributes.system.clone());
    let delay = message.delay_seconds.min(LONGEST_DELAY_SECONDS);
    let entry = SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_body(body)
        .set_message_attributes(attributes.own())
        .set_message_system_attributes(system)
        .set_delay_seconds((delay > 0).then(|| i32::try_from(delay).unwrap_or_default()));
    Ok(Prepared { index, size, entry })
}

/// Refuses a body that the port does not carry, before anything is sent.
pub(super) fn fits(got: usize) -> Result<(), PortError> {
    if got > LARGEST_BODY {
        return Err(PortError::TooLarge { what: "queue message", limit: LARGEST_BODY, got });
    }
    Ok(())
}

/// Calls of at most ten messages and 256 KiB, in the order of the messages; a larger message goes alone.
fn chunks(messages: Vec<Prepared>) -> Vec<Vec<Prepared>> {
    let mut chunks: Vec<Vec<Prepared>> = Vec::new();
    let mut filled = 0;
    for message in messages {
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < MOST_ENTRIES && filled + message.size <= LARGEST_CALL => {
                filled += message.size;
                chunk.push(message);
            }
            _ => {
                filled = message.size;
                chunks.push(vec![message]);
            }
        }
    }
    chunks
}

fn index_of(id: &str) -> Option<usize> {
    id.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of_sizes(sizes: &[usize]) -> Vec<Prepared> {
        let prepared = |(index, size): (usize, &usize)| Prepared {
            index,
            size: *size,
            entry: SendMessageBatchRequestEntry::builder(),
        };
        sizes.iter().enumerate().map(prepared).collect()
    }

    proptest! {
        #[test]
        fn calls_keep_the_limits_and_every_message(sizes in prop::collection::vec(0..LARGEST_CALL + 200, 0..60)) {
            let chunks = chunks(of_sizes(&sizes));
            for chunk in &chunks {
                prop_assert!(!chunk.is_empty() && chunk.len() <= MOST_ENTRIES);
                let total: usize = chunk.iter().map(|message| message.size).sum();
                prop_assert!(total <= LARGEST_CALL || chunk.len() == 1);
            }
            let order: Vec<_> = chunks.iter().flatten().map(|message| message.index).collect();
            prop_assert_eq!(order, (0..sizes.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_entrys_refusal_is_poison_only_when_its_body_is() {
        let now = sluice_domain::time::UnixMillis(0);
        let of = |code| refusal(Queue::Events, code, true, now);
        assert!(matches!(of("InvalidMessageContents"), PortError::Corrupt { .. }));
        assert!(matches!(of("InternalError"), PortError::Unavailable { .. }));
        assert!(matches!(of("AWS.SimpleQueueService.RequestThrottled"), PortError::Throttled { .. }));
    }
}
