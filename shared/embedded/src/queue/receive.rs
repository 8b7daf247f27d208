use std::future::Future;

use redb::{ReadOnlyTable, ReadableTableMetadata as _};
use sluice_domain::id::TraceId;
use sluice_domain::time::UnixMillis;
use sluice_ports::{PortError, Queue};

use super::state::{Doing, Handle, Held, Queues, State};
use super::{Depth, Header, dead};
use crate::fault::storage;
use crate::store::Store;
use crate::tables::{self, Name};

/// The longest visibility timeout, as SQS has it.
const LONGEST_SECONDS: u32 = 43_200;

/// A message in flight.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// Names the message; a repeated delivery has the same one.
    pub message_id: String,
    /// Names this receive of it: what `delete`, `postpone` and `fail` take.
    pub receipt_handle: String,
    /// The body as it was sent.
    pub body: String,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// The trace it was sent with; `None` when it came back from the dead letters without a readable one.
    pub trace_id: Option<TraceId>,
    /// When it was sent.
    pub sent_at: UnixMillis,
}

/// Without the body.
impl std::fmt::Debug for ReceivedMessage {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ReceivedMessage")
            .field("message_id", &self.message_id)
            .field("receive_count", &self.receive_count)
            .field("trace_id", &self.trace_id)
            .field("sent_at", &self.sent_at)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What a look at the queue gave.
#[derive(Default)]
struct Taken {
    messages: Vec<ReceivedMessage>,
    /// Left behind by an earlier run: their counts go to disk before anybody sees them.
    counted: Vec<(u64, u32)>,
    /// Received too often.
    spent: Vec<u64>,
}

impl Store {
    /// Receives up to `max` messages and hides them from everybody else for `visibility_ms`; the longest waiting come first.
    ///
    /// A message that was received as often as its queue allows goes to the dead letters instead, as `max_receives`.
    pub async fn receive(
        &self,
        queue: Queue,
        max: usize,
        visibility_ms: i64,
    ) -> Result<Vec<ReceivedMessage>, PortError> {
        let Taken { messages, counted, spent } = self.take(queue, max, visibility_ms)?;
        if !counted.is_empty() || !spent.is_empty() {
            let (now, limit) = (self.now(), self.inner.queues.limit(queue));
            self.write(move |tables| {
                for (id, receives) in counted {
                    dead::count(tables, queue, id, receives)?;
                }
                spent.into_iter().try_for_each(|id| dead::spent(tables, queue, id, limit, now))
            })
            .await?;
        }
        Ok(messages)
    }

    fn take(&self, queue: Queue, max: usize, visibility_ms: i64) -> Result<Taken, PortError> {
        let queues = &self.inner.queues;
        let now = self.now();
        let look =
            Look { queues, limit: queues.limit(queue), now, until: now.plus_ms(visibility_ms.max(0)).0 };
        let mut state = queues.lock(queue);
        let mut taken = Taken::default();
        if state.next_visible_at(now).is_none_or(|at| at > now) {
            return Ok(taken);
        }
        let table = tables::read(&self.snapshot()?, Name::messages(queue))?;
        for id in state.due(now, max) {
            // Gone when its move to the dead letters has just been committed.
            if let Some(value) = table.get(id.to_be_bytes().as_slice()).map_err(storage)? {
                look.take(&mut state, &mut taken, id, value.value());
            }
        }
        look.scan(&mut state, &mut taken, &table, max)?;
        Ok(taken)
    }

    /// Takes finished messages off the queue. Handles of an earlier receive are passed over: whoever received the message anew
    /// decides.
    pub async fn delete(&self, queue: Queue, receipt_handles: Vec<String>) -> Result<(), PortError> {
        if receipt_handles.is_empty() {
            return Ok(());
        }
        let place = self.inner.writer.place().await?;
        let ids = self.inner.queues.finish(queue, &receipt_handles)?;
        if ids.is_empty() { Ok(()) } else { self.inner.writer.remove(queue, ids, place) }
    }

    /// Gives a message back, to be received again after `retry_in_ms`. Its handle is no longer valid; its receive count stays.
    #[expect(clippy::unused_async, reason = "callers must not come to rely on it being in memory")]
    pub async fn fail(&self, queue: Queue, receipt_handle: &str, retry_in_ms: i64) -> Result<(), PortError> {
        self.reschedule(queue, receipt_handle, self.now().plus_ms(retry_in_ms.max(0)), Doing::Waiting)
    }

    pub(super) fn hide(&self, queue: Queue, receipt_handle: &str, seconds: u32) -> Result<(), PortError> {
        let until = self.now().plus_ms(i64::from(seconds.min(LONGEST_SECONDS)) * 1_000);
        self.reschedule(queue, receipt_handle, until, Doing::InFlight)
    }

    fn reschedule(&self, queue: Queue, handle: &str, at: UnixMillis, doing: Doing) -> Result<(), PortError> {
        let queues = &self.inner.queues;
        let mut state = queues.lock(queue);
        if let Some((id, held)) = queues.resolve(&state, handle)? {
            state.hold(id, Held { visible_at: at.0, doing, ..held });
            drop(state);
            queues.ring(queue);
        }
        Ok(())
    }

    /// Resolves when something about the queue changes: a message came, or one's time was moved. Changes from the moment of
    /// the call on count, so: ask, look, then wait.
    pub fn arrival(&self, queue: Queue) -> impl Future<Output = ()> + Send + use<> {
        let mut bell = self.inner.queues.listen(queue);
        async move {
            // An error means that the store is gone; there is nothing to wait for then.
            let _gone = bell.changed().await;
        }
    }

    /// When the next message can be received; now or earlier when one is waiting, `None` when the queue holds none.
    pub fn next_visible_at(&self, queue: Queue) -> Result<Option<UnixMillis>, PortError> {
        Ok(self.inner.queues.lock(queue).next_visible_at(self.now()))
    }

    /// How many messages the queue holds.
    pub fn depth(&self, queue: Queue) -> Result<Depth, PortError> {
        let dead = tables::read(&self.snapshot()?, Name::dead(queue))?;
        let (visible, in_flight, delayed) = self.inner.queues.lock(queue).counts(self.now());
        Ok(Depth { visible, in_flight, delayed, dead: dead.len().map_err(storage)? })
    }
}

struct Look<'a> {
    queues: &'a Queues,
    limit: u32,
    now: UnixMillis,
    until: i64,
}

impl Look<'_> {
    /// Messages that nobody has looked at yet.
    fn scan(
        &self,
        state: &mut State,
        taken: &mut Taken,
        table: &ReadOnlyTable<&'static [u8], &'static [u8]>,
        max: usize,
    ) -> Result<(), PortError> {
        let from = state.cursor.to_be_bytes();
        for entry in table.range(from.as_slice()..).map_err(storage)? {
            if taken.messages.len() + taken.spent.len() >= max {
                break;
            }
            let (key, value) = entry.map_err(storage)?;
            let id = key.value().first_chunk().map_or(u64::MAX, |bytes| u64::from_be_bytes(*bytes));
            if state.pass(id) {
                self.take(state, taken, id, value.value());
            }
        }
        Ok(())
    }

    fn take(&self, state: &mut State, taken: &mut Taken, id: u64, value: &[u8]) {
        let (header, body) = match Header::of(value) {
            Ok(parts) => parts,
            Err(error) => {
                // It stays in the file for whoever repairs it; the queue goes on without it.
                tracing::error!(message_id = format!("{id:016x}"), "message skipped: {error}");
                state.skip(id);
                return;
            }
        };
        let before = state.held.get(&id).map_or(header.receives, |held| held.receives);
        let fresh = !state.held.contains_key(&id);
        if fresh && header.not_before > self.now {
            let waiting = Held { visible_at: header.not_before.0, receives: before, doing: Doing::Waiting };
            state.hold(id, waiting);
            return;
        }
        if before >= self.limit {
            // Held until the move is on disk, so that it is not lost when the move fails.
            state.hold(id, Held { visible_at: self.until, receives: before, doing: Doing::Waiting });
            taken.spent.push(id);
            return;
        }
        let receives = before.saturating_add(1);
        state.hold(id, Held { visible_at: self.until, receives, doing: Doing::InFlight });
        if id <= self.queues.left_behind {
            taken.counted.push((id, receives));
        }
        taken.messages.push(ReceivedMessage {
            message_id: format!("{id:016x}"),
            receipt_handle: self.queues.handle(Handle { id, receives }),
            body: body.to_owned(),
            receive_count: receives,
            trace_id: header.trace_id,
            sent_at: header.sent_at,
        });
    }
}
