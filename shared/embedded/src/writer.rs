//! One thread writes. It takes everything that waits, applies all of it in one transaction, commits with one fsync, and only
//! then answers everybody: the more callers wait, the less of an fsync each one pays.
//!
//! - A call that fails logically (fenced, exists already) has written nothing and does not disturb the others of its batch.
//! - When the disk fails, the whole batch is rolled back and each of its callers gets the cause.
//! - Removals of finished messages wait for the next batch, or a moment when nothing else comes: losing one in a crash only
//!   means that the message is delivered again, which every step bears.
//! - When the thread is gone, every later call fails at once with [`PortError::Unavailable`]; none waits for ever.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use sluice_ports::{PortError, Queue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::fault::{Fault, STORE, storage, unavailable};
use crate::generation::Current;
use crate::line::{Line, Patience, Taken};
use crate::queue::Queues;
use crate::tables::{Name, Tables};

/// Callers beyond these wait before they hand in anything: back-pressure.
const WAITING: usize = 4_096;
/// The most calls of one transaction: bounds its memory and the wait of its first caller.
const BATCH: usize = 1_024;
/// How long removals wait for company.
const REMOVALS_WAIT: Duration = Duration::from_millis(20);
/// And after a failed commit.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How long a call waits for the callers of the last batch: a small part of an fsync (4 ms on a common disk).
const COMPANY_WAIT: Duration = Duration::from_micros(300);

/// One call: applied in the transaction, answered after its commit.
trait Job: Send {
    /// An `Err` rolls the whole batch back.
    fn apply(&mut self, tables: &mut Tables<'_>) -> Result<(), PortError>;
    fn answer(self: Box<Self>, committed: Result<(), PortError>);
}

struct Call<F, T> {
    work: Option<F>,
    result: Option<Result<T, PortError>>,
    reply: oneshot::Sender<Result<T, PortError>>,
    _place: OwnedSemaphorePermit,
}

impl<F, T> Job for Call<F, T>
where
    F: FnOnce(&mut Tables<'_>) -> Result<T, Fault> + Send,
    T: Send,
{
    fn apply(&mut self, tables: &mut Tables<'_>) -> Result<(), PortError> {
        if let Some(work) = self.work.take() {
            match work(tables) {
                Ok(value) => self.result = Some(Ok(value)),
                Err(Fault::Call(error)) => self.result = Some(Err(error)),
                Err(Fault::Store(error)) => return Err(error),
            }
        }
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), PortError>) {
        let nothing = || Err(unavailable("the transaction ended before this call's turn"));
        let Self { result, reply, .. } = *self;
        let result = committed.and_then(|()| result.unwrap_or_else(nothing));
        // Nobody listens any more when the caller was cancelled; the write stands.
        let _unheard = reply.send(result);
    }
}

enum Message {
    Write(Box<dyn Job>),
    Remove { queue: Queue, ids: Vec<u64>, _place: OwnedSemaphorePermit },
    Rewrite { reply: oneshot::Sender<Result<(), PortError>>, _place: OwnedSemaphorePermit },
}

/// The callers' end.
pub(crate) struct Writer {
    places: Arc<Semaphore>,
    line: Arc<Line<Message>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(current: Current, queues: Arc<Queues>) -> std::io::Result<Self> {
        let line = Arc::new(Line::new());
        let places = Arc::new(Semaphore::new(WAITING));
        let closing = ClosedOnExit { places: Arc::clone(&places), line: Arc::clone(&line) };
        let thread = std::thread::Builder::new().name("sluice-writer".into()).spawn(move || {
            let closing = closing;
            Work {
                current,
                queues,
                removals: Vec::new(),
                rewrites: Vec::new(),
                patience: REMOVALS_WAIT,
                company: 1,
            }
            .run(&closing.line);
            drop(closing);
        })?;
        Ok(Self { places, line, thread: Some(thread) })
    }

    /// Applies `work` in the next transaction and answers once it is on disk.
    ///
    /// [`Fault::Store`] rolls back the whole batch; [`Fault::Call`] fails this call alone, which must not have written anything.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, PortError>
    where
        F: FnOnce(&mut Tables<'_>) -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        let place = self.place().await?;
        let (reply, answer) = oneshot::channel();
        self.hand_in(Message::Write(Box::new(Call {
            work: Some(work),
            result: None,
            reply,
            _place: place,
        })))?;
        answer.await.map_err(|_| stopped())?
    }

    /// A place in the waiting line.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit, PortError> {
        Arc::clone(&self.places).acquire_owned().await.map_err(|_| stopped())
    }

    /// Removes finished messages with the next transaction.
    pub(crate) fn remove(
        &self,
        queue: Queue,
        ids: Vec<u64>,
        place: OwnedSemaphorePermit,
    ) -> Result<(), PortError> {
        self.hand_in(Message::Remove { queue, ids, _place: place })
    }

    /// Writes the file anew, after everything that was handed in before.
    pub(crate) async fn rewrite(&self) -> Result<(), PortError> {
        let place = self.place().await?;
        let (reply, answer) = oneshot::channel();
        self.hand_in(Message::Rewrite { reply, _place: place })?;
        answer.await.map_err(|_| stopped())?
    }

    fn hand_in(&self, message: Message) -> Result<(), PortError> {
        self.line.push(message).map_err(|_| stopped())
    }
}

impl Drop for Writer {
    /// Lets the thread finish what was handed in.
    fn drop(&mut self) {
        self.line.close();
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn stopped() -> PortError {
    PortError::Unavailable { what: STORE, cause: "its writer has stopped; restart the program".to_owned() }
}

/// Turns the waiting line away when the thread ends, however it ends.
struct ClosedOnExit {
    places: Arc<Semaphore>,
    line: Arc<Line<Message>>,
}

impl Drop for ClosedOnExit {
    fn drop(&mut self) {
        self.places.close();
        self.line.abandon();
    }
}

struct Work {
    current: Current,
    queues: Arc<Queues>,
    /// Who waits for a new file.
    rewrites: Vec<oneshot::Sender<Result<(), PortError>>>,
    removals: Vec<(Queue, u64)>,
    /// How long removals wait for company now: longer after a failure, so that a broken disk is not asked 50 times a second.
    patience: Duration,
    /// How many calls the last batch had.
    company: usize,
}

impl Work {
    fn run(mut self, line: &Line<Message>) {
        let mut jobs: Vec<Box<dyn Job>> = Vec::with_capacity(BATCH);
        loop {
            // Those whom the last batch answered are about to hand in their next call, and would otherwise arrive just after a
            // batch of one had begun its fsync.
            let taken = line.take(Patience {
                first: (!self.removals.is_empty()).then_some(self.patience),
                company: self.company,
                company_for: COMPANY_WAIT,
                limit: BATCH,
            });
            let idle = match taken {
                Taken::Some(messages) => {
                    for message in messages {
                        self.take(message, &mut jobs);
                    }
                    false
                }
                Taken::Nothing => true,
                Taken::End => break,
            };
            if !jobs.is_empty() {
                self.company = jobs.len();
            }
            if !jobs.is_empty() || idle || self.removals.len() >= BATCH || !self.rewrites.is_empty() {
                self.batch(&mut jobs);
            }
            self.rewrite();
        }
        if !self.removals.is_empty() {
            self.batch(&mut jobs);
        }
    }

    fn take(&mut self, message: Message, jobs: &mut Vec<Box<dyn Job>>) {
        match message {
            Message::Write(job) => jobs.push(job),
            Message::Remove { queue, ids, .. } => self.removals.extend(ids.into_iter().map(|id| (queue, id))),
            Message::Rewrite { reply, .. } => self.rewrites.push(reply),
        }
    }

    /// Once for everybody who waits for it.
    fn rewrite(&mut self) {
        if self.rewrites.is_empty() {
            return;
        }
        let rewritten = self.current.rewrite();
        if let Err(error) = &rewritten {
            tracing::error!("the store's file was not written anew: {error}");
        }
        for reply in self.rewrites.drain(..) {
            let _unheard = reply.send(rewritten.clone());
        }
    }

    fn batch(&mut self, jobs: &mut Vec<Box<dyn Job>>) {
        let committed = self.commit(jobs);
        match &committed {
            Ok(()) => {
                self.removals.clear();
                self.patience = REMOVALS_WAIT;
            }
            Err(error) => {
                tracing::error!(calls = jobs.len(), "a batch was rolled back: {error}");
                self.patience = AFTER_FAILURE;
            }
        }
        for job in jobs.drain(..) {
            job.answer(committed.clone());
        }
    }

    fn commit(&self, jobs: &mut [Box<dyn Job>]) -> Result<(), PortError> {
        let transaction = self.current.begin_write()?;
        let mut tables = Tables::of(&transaction, self.queues.newest_id());
        for (queue, id) in &self.removals {
            tables.remove(Name::messages(*queue), &id.to_be_bytes()).map_err(Fault::into_inner)?;
        }
        for job in jobs {
            job.apply(&mut tables)?;
        }
        let (effects, newest_id) = (std::mem::take(&mut tables.effects), tables.newest_id);
        drop(tables);
        transaction.commit().map_err(storage)?;
        self.queues.committed(&effects, newest_id);
        Ok(())
    }
}
