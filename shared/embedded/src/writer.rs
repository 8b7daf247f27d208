//! One thread writes. It takes everything that waits, applies all of it in one transaction, commits with one fsync, and only
//! then answers everybody: the more callers wait, the less of an fsync each one pays.
//!
//! - A call that fails logically (fenced, exists already) has written nothing and does not disturb the others of its batch.
//! - When the disk fails, the whole batch is rolled back and each of its callers gets the cause.
//! - Removals of finished messages wait for the next batch, or a moment when nothing else comes: losing one in a crash only
//!   means that the message is delivered again, which every step bears.
//! - When the thread is gone, every later call fails at once with [`PortError::Unavailable`]; none waits for ever.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use redb::Database;
use sluice_ports::{PortError, Queue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::fault::{Fault, STORE, storage, unavailable};
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
}

/// The callers' end.
#[derive(Debug)]
pub(crate) struct Writer {
    places: Arc<Semaphore>,
    sender: Option<Mutex<Sender<Message>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(database: Arc<Database>, queues: Arc<Queues>) -> std::io::Result<Self> {
        let (sender, receiver) = channel();
        let places = Arc::new(Semaphore::new(WAITING));
        let closing = ClosedOnExit(Arc::clone(&places));
        let thread = std::thread::Builder::new().name("sluice-writer".into()).spawn(move || {
            let closing = closing;
            Work { database, queues, removals: Vec::new(), patience: REMOVALS_WAIT, company: 1 }
                .run(&receiver);
            drop(closing);
        })?;
        Ok(Self { places, sender: Some(Mutex::new(sender)), thread: Some(thread) })
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

    fn hand_in(&self, message: Message) -> Result<(), PortError> {
        let sender = self.sender.as_ref().ok_or_else(stopped)?;
        sender.lock().unwrap_or_else(PoisonError::into_inner).send(message).map_err(|_| stopped())
    }
}

impl Drop for Writer {
    /// Lets the thread finish what was handed in.
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn stopped() -> PortError {
    PortError::Unavailable { what: STORE, cause: "its writer has stopped; restart the program".to_owned() }
}

/// Turns the waiting line away when the thread ends, however it ends.
struct ClosedOnExit(Arc<Semaphore>);

impl Drop for ClosedOnExit {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Work {
    database: Arc<Database>,
    queues: Arc<Queues>,
    removals: Vec<(Queue, u64)>,
    /// How long removals wait for company now: longer after a failure, so that a broken disk is not asked 50 times a second.
    patience: Duration,
    /// How many calls the last batch had.
    company: usize,
}

impl Work {
    fn run(mut self, receiver: &Receiver<Message>) {
        let mut jobs: Vec<Box<dyn Job>> = Vec::with_capacity(BATCH);
        loop {
            let first = if self.removals.is_empty() {
                receiver.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                receiver.recv_timeout(self.patience)
            };
            let idle = match first {
                Ok(message) => {
                    self.take(message, &mut jobs);
                    false
                }
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            self.gather(receiver, &mut jobs);
            if !jobs.is_empty() || idle || self.removals.len() >= BATCH {
                self.batch(&mut jobs);
            }
        }
        if !self.removals.is_empty() {
            self.batch(&mut jobs);
        }
    }

    /// Takes what waits, and waits a moment for as many callers as the last batch had: those it answered are about to hand in
    /// their next call, and would otherwise arrive just after a batch of one had begun its fsync.
    fn gather(&mut self, receiver: &Receiver<Message>, jobs: &mut Vec<Box<dyn Job>>) {
        let deadline = Instant::now() + COMPANY_WAIT;
        while jobs.len() < BATCH {
            let next = match receiver.try_recv() {
                Err(TryRecvError::Empty) if !jobs.is_empty() && jobs.len() < self.company => {
                    receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
                }
                next => next.ok(),
            };
            match next {
                Some(message) => self.take(message, jobs),
                None => break,
            }
        }
        if !jobs.is_empty() {
            self.company = jobs.len();
        }
    }

    fn take(&mut self, message: Message, jobs: &mut Vec<Box<dyn Job>>) {
        match message {
            Message::Write(job) => jobs.push(job),
            Message::Remove { queue, ids, .. } => self.removals.extend(ids.into_iter().map(|id| (queue, id))),
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
        let transaction = self.database.begin_write().map_err(storage)?;
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
