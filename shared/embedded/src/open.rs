//! Opening the data directory.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::backends::InMemoryBackend;
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _,
};
use sluice_ports::{Clock, PortError, Queue};

use crate::clock::SystemClock;
use crate::fault::storage;
use crate::generation::{Current, Snapshot};
use crate::queue::Queues;
use crate::store::{Inner, Store};
use crate::tables::{self, Name};
use crate::writer::Writer;

/// The store's file in the data directory.
const FILE: &str = "sluice.redb";
/// The layout of keys and values; a later one must migrate.
const FORMAT: &[u8] = b"1";

/// How often a message is received before it goes to the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiveLimits {
    /// Of the `events` queue. Default 5.
    pub events: u32,
    /// Of the `cleared` queue. Default 5.
    pub cleared: u32,
    /// Of the `assigned` queue. Default 200: what waits for a platform's limit comes back many times.
    pub assigned: u32,
    /// Of the `checks` queue. Default 5.
    pub checks: u32,
}

impl Default for ReceiveLimits {
    fn default() -> Self {
        Self { events: 5, cleared: 5, assigned: 200, checks: 5 }
    }
}

impl ReceiveLimits {
    pub(crate) fn of(self, queue: Queue) -> u32 {
        match queue {
            Queue::Events => self.events,
            Queue::Cleared => self.cleared,
            Queue::Assigned => self.assigned,
            Queue::Checks => self.checks,
        }
    }
}

/// How to open a store.
#[derive(Clone)]
pub struct Options {
    /// Where the time of visibility timeouts and delays comes from. Default: the machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Memory for pages of the file, in bytes. Default 16 MiB.
    pub cache_bytes: usize,
    /// When a message goes to the dead letters.
    pub receive_limits: ReceiveLimits,
}

impl Default for Options {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), cache_bytes: 16 << 20, receive_limits: ReceiveLimits::default() }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Options")
            .field("cache_bytes", &self.cache_bytes)
            .field("receive_limits", &self.receive_limits)
            .finish_non_exhaustive()
    }
}

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "data directory `{}` is in use by another process: stop that `sluice serve`, ask it through its control socket, or give another --data directory", .0.display()
    )]
    InUse(PathBuf),
    /// The directory can not be made or used.
    #[error("data directory `{}` can not be used: {cause}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The file was written by another version.
    #[error("store has layout `{found}`, this program reads `1`: use the version of sluice that wrote it")]
    Layout {
        /// What is written in it.
        found: String,
    },
    /// The file is no store, or damaged.
    #[error("store can not be read: {0}; restore it from a backup, or move the file away to begin anew")]
    Damaged(String),
    /// Anything else.
    #[error(transparent)]
    Store(#[from] PortError),
}

impl Store {
    /// Opens the store of a data directory; makes both if they are not there.
    ///
    /// After a crash the first opening checks the whole file, which takes about a second a gigabyte.
    pub fn open(dir: &Path, options: Options) -> Result<Self, OpenError> {
        make_private(dir).map_err(|cause| OpenError::Directory { path: dir.to_owned(), cause })?;
        let file = dir.join(FILE);
        // What a rewriting left that did not come to its end; the file itself is whole.
        let _none_mostly = std::fs::remove_file(file.with_extension("redb.new"));
        let database = builder(&options).create(&file).map_err(|error| refused(dir, error))?;
        keep_private(&file).map_err(|cause| OpenError::Directory { path: dir.to_owned(), cause })?;
        Self::at(database, Some(file), options)
    }

    /// A store that is gone when its last clone is: for tests.
    pub fn in_memory(options: Options) -> Result<Self, OpenError> {
        let backend = InMemoryBackend::new();
        let database = builder(&options)
            .create_with_backend(backend)
            .map_err(|error| OpenError::Store(storage(error)))?;
        Self::over(database, options)
    }

    pub(crate) fn over(database: Database, options: Options) -> Result<Self, OpenError> {
        Self::at(database, None, options)
    }

    fn at(database: Database, file: Option<PathBuf>, options: Options) -> Result<Self, OpenError> {
        prepare(&database)?;
        let current = Current::new(database, file, options.cache_bytes);
        let (totals, newest_id) = found(&current.snapshot()?)?;
        let run = fresh_run();
        let queues = Arc::new(Queues::new(totals, newest_id, options.receive_limits, run));
        let writer = Writer::start(current.clone(), Arc::clone(&queues))
            .map_err(|error| crate::fault::unavailable(format!("its writer does not start: {error}")))?;
        Ok(Self { inner: Arc::new(Inner { writer, current, queues, clock: options.clock }) })
    }
}

fn builder(options: &Options) -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache_bytes);
    builder
}

fn refused(dir: &Path, error: DatabaseError) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::InUse(dir.to_owned()),
        DatabaseError::UpgradeRequired(version) => OpenError::Layout { found: format!("redb {version}") },
        DatabaseError::Storage(redb::StorageError::Io(cause)) if cause.kind() != ErrorKind::InvalidData => {
            OpenError::Directory { path: dir.to_owned(), cause }
        }
        other => OpenError::Damaged(other.to_string()),
    }
}

fn prepare(database: &Database) -> Result<(), OpenError> {
    let transaction = database.begin_write().map_err(storage)?;
    tables::create(&transaction)?;
    transaction.commit().map_err(storage)?;
    let layout = stored_layout(database)?;
    match layout.as_deref() {
        Some(FORMAT) => Ok(()),
        Some(other) => Err(OpenError::Layout { found: String::from_utf8_lossy(other).into_owned() }),
        None => {
            let transaction = database.begin_write().map_err(storage)?;
            write_layout(&transaction)?;
            transaction.commit().map_err(storage)?;
            Ok(())
        }
    }
}

fn stored_layout(database: &Database) -> Result<Option<Vec<u8>>, PortError> {
    let snapshot = database.begin_read().map_err(storage)?;
    let table = snapshot.open_table(Name::About.definition()).map_err(storage)?;
    Ok(table.get(b"layout".as_slice()).map_err(storage)?.map(|found| found.value().to_vec()))
}

fn write_layout(transaction: &redb::WriteTransaction) -> Result<(), PortError> {
    tables::Tables::of(transaction, 0)
        .put(Name::About, b"layout", FORMAT)
        .map_err(crate::fault::Fault::into_inner)
}

/// How many messages each queue holds, and the newest id of any.
fn found(snapshot: &Snapshot) -> Result<([u64; Queue::ALL.len()], u64), PortError> {
    let (mut totals, mut newest) = (Vec::with_capacity(Queue::ALL.len()), 0);
    for queue in Queue::ALL {
        let messages = tables::read(snapshot, Name::messages(queue))?;
        totals.push(messages.len().map_err(storage)?);
        for table in [messages, tables::read(snapshot, Name::dead(queue))?] {
            let last = table.last().map_err(storage)?;
            let id =
                last.and_then(|(key, _)| key.value().first_chunk().copied()).map_or(0, u64::from_be_bytes);
            newest = newest.max(id);
        }
    }
    Ok((<[u64; Queue::ALL.len()]>::try_from(totals).unwrap_or_default(), newest))
}

/// Tells one run of the program from the next; no secret.
fn fresh_run() -> u32 {
    let mut bytes = [0; 4];
    sluice_ports::Entropy::fill(&crate::SystemEntropy, &mut bytes);
    u32::from_be_bytes(bytes)
}

/// The directory may be the user's own, with wider permissions: the file says itself that it is nobody else's.
pub(crate) fn keep_private(file: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(file, private)?;
    }
    Ok(())
}

/// Makes a directory that only its owner may enter.
pub(crate) fn make_private(dir: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}
