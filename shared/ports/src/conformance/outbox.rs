//! [`Outbox`](crate::Outbox).

use super::Harness;
use super::samples::{body, message, oversized};
use crate::{OutboundMessage, Outbox as _, PortError, Queue};

/// The rest of the batch goes out.
pub async fn sends_a_batch_and_names_what_was_too_large<H: Harness>(harness: H) {
    let failures = harness.store().send(Queue::Cleared, vec![message(1), oversized(2), message(3)]).await;
    assert_eq!(failures.iter().map(|failure| failure.index).collect::<Vec<_>>(), [1]);
    assert!(matches!(failures[0].error, PortError::TooLarge { .. }), "{}", failures[0].error);
    let mut sent = harness.drain(Queue::Cleared).await;
    sent.sort();
    assert_eq!(sent, [body(1), body(3)]);
    assert!(harness.drain(Queue::Events).await.is_empty());
}

/// Delays are the queue's business, not the receiver's.
pub async fn a_delayed_message_is_not_visible_at_once<H: Harness>(harness: H) {
    let delayed = OutboundMessage { delay_seconds: 900, ..message(1) };
    assert!(harness.store().send(Queue::Assigned, vec![delayed, message(2)]).await.is_empty());
    assert_eq!(harness.drain(Queue::Assigned).await, [body(2)]);
}
