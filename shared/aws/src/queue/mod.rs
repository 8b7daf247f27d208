//! SQS: what goes on to the next step, what never will, and what lies there unfinished.
//!
//! What each call promises when it returns:
//!
//! | call | at SQS |
//! |---|---|
//! | `send` | every message that no failure names; a message whose answer was lost may be there twice |
//! | `bury` | the letter; the caller takes its message off the queue afterwards, so a crash between leaves both, never none |
//! | `postpone` | the new time, unless the message has gone on without us |
//! | `given_up` | the letters visible again; a receive whose answer was lost is an error, for what it hid would be missing from the list |
//! | `put_back` | each message on its queue, then its letter gone: at worst both, never none |
//!
//! Standard queues deliver at least once and in no order. Every step's record is its idempotency record, so one more is harmless.

mod backlog;
mod inbox;
mod message;
mod outbox;

use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, PortError, Queue};

use crate::fault::port_error;
use crate::{Names, Resource};

/// The queues between the steps, and their dead-letter queues. Cheap to clone.
#[derive(Clone)]
pub struct Queues {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    names: Names,
    clock: Arc<dyn Clock>,
    /// Held while letters are looked through: what one look hides, another would not see.
    looking: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Queues {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Queues").field("names", &self.inner.names).finish_non_exhaustive()
    }
}

impl Queues {
    /// Queues of those names. A function that has no name for a queue gets [`PortError::Missing`] when it asks for it.
    pub fn new(client: Client, names: Names, clock: Arc<dyn Clock>) -> Self {
        let looking = tokio::sync::Mutex::new(());
        Self { inner: Arc::new(Inner { client, names, clock, looking }) }
    }

    /// Opens the connection before the first message needs it, by asking for a queue's attributes, which every role may.
    ///
    /// # Errors
    /// Why it was not opened.
    pub async fn warm(&self, queue: Queue) -> Result<(), PortError> {
        let asked = self
            .client()
            .get_queue_attributes()
            .queue_url(self.url(queue)?)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessages);
        asked.send().await.map(drop).map_err(|error| port_error(live(queue), &error, self.now()))
    }

    fn client(&self) -> &Client {
        &self.inner.client
    }

    fn now(&self) -> UnixMillis {
        self.inner.clock.now()
    }

    fn url(&self, queue: Queue) -> Result<&str, PortError> {
        self.inner.names.get(Resource::Queue(queue))
    }

    fn dead_letters_url(&self, queue: Queue) -> Result<&str, PortError> {
        self.inner.names.get(Resource::DeadLetters(queue))
    }
}

/// Bytes of a body as it is sent.
pub(crate) fn sent_size(body: &str) -> usize {
    message::sendable(body).len()
}

/// What a queue is called in errors.
fn live(queue: Queue) -> &'static str {
    match queue {
        Queue::Events => "queue `events`",
        Queue::Cleared => "queue `cleared`",
        Queue::Assigned => "queue `assigned`",
        Queue::Checks => "queue `checks`",
    }
}

/// What its dead-letter queue is called in errors.
fn dead(queue: Queue) -> &'static str {
    match queue {
        Queue::Events => "dead letters of queue `events`",
        Queue::Cleared => "dead letters of queue `cleared`",
        Queue::Assigned => "dead letters of queue `assigned`",
        Queue::Checks => "dead letters of queue `checks`",
    }
}
