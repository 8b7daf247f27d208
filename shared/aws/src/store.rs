//! One struct for every store and queue port.

use sluice_domain::reconciliation::DeadLetter;
use sluice_ports::{
    Backlog, BuriedMessage, Inbox, OutboundMessage, Outbox, Page, PortError, Queue, SendFailure, Step,
    Written,
};

use crate::queue::{Queues, sent_size};
use crate::table::{Attributes, Table, Tables};

/// The most bytes of a message: SQS takes 1 MiB by now, but Lambda takes a batch of ten only up to 6 MB in all.
const LARGEST_MESSAGE: usize = 256 * 1_024;

/// Records in `DynamoDB`, messages on queues. Cheap to clone.
///
/// A step's record is written first and its message is sent then. A process that dies between the two leaves a record whose event
/// comes back from its queue; the step finds its own record ([`Written::Existing`], same trace) and sends again.
#[derive(Debug, Clone)]
pub struct Store<Q = Queues> {
    /// The records.
    pub tables: Tables,
    /// The messages.
    pub queues: Q,
}

/// Refuses a message that its queue would: before its record is written, for a record without its message would be a lost event.
pub(crate) fn small_enough(message: &OutboundMessage) -> Result<(), PortError> {
    let got = sent_size(&message.body);
    if got > LARGEST_MESSAGE {
        return Err(PortError::TooLarge { what: "queue message", limit: LARGEST_MESSAGE, got });
    }
    Ok(())
}

impl<Q: Outbox> Store<Q> {
    /// Writes records once each, then sends the messages of the new ones in one go. A message that is not taken makes its slot an error,
    /// so that its event comes back.
    pub(crate) async fn write_then_send<R>(
        &self,
        table: Table,
        queue: Queue,
        steps: Vec<Step<R>>,
        item: impl Fn(&R) -> Result<Attributes, PortError>,
    ) -> Vec<Result<Written<R>, PortError>>
    where
        R: serde::de::DeserializeOwned + Clone,
    {
        let (mut batch, mut following) = (Vec::with_capacity(steps.len()), Vec::with_capacity(steps.len()));
        for Step { record, next } in steps {
            let checked = next.as_ref().map_or(Ok(()), small_enough).and_then(|()| item(&record));
            batch.push(checked.map(|item| (record, item)));
            following.push(next);
        }
        let mut written = self.tables.write_all(table, batch).await;
        let (mut places, mut messages) = (Vec::new(), Vec::new());
        for (place, (written, next)) in written.iter().zip(following).enumerate() {
            if let (Ok(Written::New), Some(message)) = (written, next) {
                places.push(place);
                messages.push(message);
            }
        }
        if messages.is_empty() {
            return written;
        }
        for SendFailure { index, error } in self.queues.send(queue, messages).await {
            if let Some(slot) = places.get(index).and_then(|place| written.get_mut(*place)) {
                *slot = Err(error);
            }
        }
        written
    }
}

impl<Q: Outbox> Outbox for Store<Q> {
    fn send(
        &self,
        queue: Queue,
        messages: Vec<OutboundMessage>,
    ) -> impl Future<Output = Vec<SendFailure>> + Send {
        self.queues.send(queue, messages)
    }
}

impl<Q: Inbox> Inbox for Store<Q> {
    fn bury(
        &self,
        queue: Queue,
        message: BuriedMessage,
    ) -> impl Future<Output = Result<(), PortError>> + Send {
        self.queues.bury(queue, message)
    }

    fn postpone(
        &self,
        queue: Queue,
        receipt_handle: &str,
        seconds: u32,
    ) -> impl Future<Output = Result<(), PortError>> + Send {
        self.queues.postpone(queue, receipt_handle, seconds)
    }
}

impl<Q: Backlog> Backlog for Store<Q> {
    fn given_up(
        &self,
        queue: Queue,
        cursor: Option<String>,
    ) -> impl Future<Output = Result<Page<DeadLetter>, PortError>> + Send {
        self.queues.given_up(queue, cursor)
    }

    fn unfinished(&self, queue: Queue) -> impl Future<Output = Result<u64, PortError>> + Send {
        self.queues.unfinished(queue)
    }

    fn put_back(
        &self,
        queue: Queue,
        ids: &[String],
    ) -> impl Future<Output = Result<Vec<String>, PortError>> + Send {
        self.queues.put_back(queue, ids)
    }
}
