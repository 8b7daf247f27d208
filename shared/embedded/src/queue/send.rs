use sluice_domain::id::TraceId;
use sluice_domain::time::UnixMillis;
use sluice_ports::{BuriedMessage, Inbox, OutboundMessage, Outbox, PortError, Queue, SendFailure};

use super::dead::DeadLetter;
use super::{Header, dead};
use crate::fault::Fault;
use crate::store::Store;
use crate::tables::{Effect, Name, Tables};

/// The most bytes of a message: SQS's limit until 2025, kept so that what one machine takes, every SQS region takes.
const LARGEST: usize = 256 * 1024;
/// SQS's longest delay of a single message.
const LONGEST_DELAY_SECONDS: u32 = 900;

/// A message that is small enough, as it will be stored.
#[derive(Debug)]
pub(crate) struct Outgoing {
    header: Header,
    body: String,
}

impl Outgoing {
    pub(super) fn redriven(header: Header, body: String) -> Self {
        Self { header, body }
    }
}

/// Checks a message before anything is written.
pub(crate) fn checked(message: OutboundMessage, now: UnixMillis) -> Result<Outgoing, PortError> {
    let OutboundMessage { body, trace_id, delay_seconds } = message;
    fits(body.len())?;
    let delay = i64::from(delay_seconds.min(LONGEST_DELAY_SECONDS)) * 1_000;
    Ok(Outgoing { header: header(trace_id, now, now.plus_ms(delay)), body })
}

fn fits(got: usize) -> Result<(), PortError> {
    if got > LARGEST {
        Err(PortError::TooLarge { what: "queue message", limit: LARGEST, got })
    } else {
        Ok(())
    }
}

fn header(trace_id: TraceId, sent_at: UnixMillis, not_before: UnixMillis) -> Header {
    Header { receives: 0, redrives: 0, not_before, sent_at, trace_id: Some(trace_id) }
}

/// Puts a message on a queue, within a transaction.
pub(crate) fn enqueue(tables: &mut Tables<'_>, queue: Queue, message: &Outgoing) -> Result<(), Fault> {
    let (sent_at, not_before) = (message.header.sent_at, message.header.not_before);
    let id = tables.next_id(sent_at);
    tables.put(Name::messages(queue), &id.to_be_bytes(), &message.header.with(&message.body))?;
    tables.effects.push(Effect::Sent { queue, id, sent_at: sent_at.0, not_before: not_before.0 });
    Ok(())
}

impl Outbox for Store {
    async fn send(&self, queue: Queue, messages: Vec<OutboundMessage>) -> Vec<SendFailure> {
        let now = self.now();
        let (mut failures, mut outgoing, mut indices) = (Vec::new(), Vec::new(), Vec::new());
        for (index, message) in messages.into_iter().enumerate() {
            match checked(message, now) {
                Ok(message) => {
                    outgoing.push(message);
                    indices.push(index);
                }
                Err(error) => failures.push(SendFailure { index, error }),
            }
        }
        if outgoing.is_empty() {
            return failures;
        }
        let written = self
            .write(move |tables| outgoing.iter().try_for_each(|message| enqueue(tables, queue, message)))
            .await;
        if let Err(error) = written {
            failures.extend(indices.into_iter().map(|index| SendFailure { index, error: error.clone() }));
            failures.sort_by_key(|failure| failure.index);
        }
        failures
    }
}

impl Inbox for Store {
    async fn bury(&self, queue: Queue, message: BuriedMessage) -> Result<(), PortError> {
        fits(message.body.len())?;
        let letter = DeadLetter::buried(message, self.now());
        self.write(move |tables| dead::put(tables, queue, &letter)).await
    }

    async fn postpone(&self, queue: Queue, receipt_handle: &str, seconds: u32) -> Result<(), PortError> {
        self.hide(queue, receipt_handle, seconds)
    }
}
