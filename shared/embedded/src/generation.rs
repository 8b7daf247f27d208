//! The store's file, and how it is replaced while it is in use.
//!
//! A database frees pages, it does not wipe them: what was deleted can be read in the file until something else is written there. After an
//! erasure the writer copies what lives into a new file and puts it in the place of the old one; whoever reads at that moment ends on
//! the old one, and when the last of them is done, every byte of it is overwritten.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use redb::{Database, ReadOnlyTable, ReadTransaction, ReadableDatabase as _, ReadableTable as _};
use sluice_ports::PortError;

use crate::fault::{storage, unavailable};
use crate::tables::Name;

/// One file's life.
struct Generation {
    database: Option<Database>,
    /// What is overwritten when nobody reads it any more.
    spent: std::sync::Mutex<Option<File>>,
}

impl Drop for Generation {
    fn drop(&mut self) {
        // Closed first: the database writes its own last word into the file.
        drop(self.database.take());
        let spent = self.spent.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(file) = spent
            && let Err(error) = overwrite(&file)
        {
            tracing::error!("the replaced store file could not be overwritten: {error}");
        }
    }
}

fn overwrite(mut file: &File) -> std::io::Result<()> {
    let zeros = vec![0; 1 << 20];
    let mut left = file.metadata()?.len();
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all(zeros.get(..part).unwrap_or_default())?;
        left -= u64::try_from(part).unwrap_or(left);
    }
    file.sync_all()
}

/// The file in use.
#[derive(Clone)]
pub(crate) struct Current {
    now: Arc<RwLock<Arc<Generation>>>,
    /// `None` in memory.
    file: Option<Arc<Path>>,
    cache_bytes: usize,
}

/// A reading of one moment; it keeps its file alive.
pub(crate) struct Snapshot {
    transaction: ReadTransaction,
    generation: Arc<Generation>,
}

/// One table of a reading.
pub(crate) struct Reading {
    // Dropped first.
    table: ReadOnlyTable<&'static [u8], &'static [u8]>,
    _generation: Arc<Generation>,
}

impl Deref for Reading {
    type Target = ReadOnlyTable<&'static [u8], &'static [u8]>;
    fn deref(&self) -> &Self::Target {
        &self.table
    }
}

impl Snapshot {
    pub(crate) fn table(&self, name: Name) -> Result<Reading, PortError> {
        let table = self.transaction.open_table(name.definition()).map_err(storage)?;
        Ok(Reading { table, _generation: Arc::clone(&self.generation) })
    }
}

impl Current {
    pub(crate) fn new(database: Database, file: Option<PathBuf>, cache_bytes: usize) -> Self {
        let generation = Generation { database: Some(database), spent: std::sync::Mutex::new(None) };
        Self { now: Arc::new(RwLock::new(Arc::new(generation))), file: file.map(Arc::from), cache_bytes }
    }

    fn generation(&self) -> Arc<Generation> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn snapshot(&self) -> Result<Snapshot, PortError> {
        let generation = self.generation();
        let transaction = database(&generation)?.begin_read().map_err(storage)?;
        Ok(Snapshot { transaction, generation })
    }

    /// Begins a write transaction and hands it over; nobody replaces the file meanwhile, for the writer alone calls both.
    pub(crate) fn begin_write(&self) -> Result<redb::WriteTransaction, PortError> {
        database(&self.generation())?.begin_write().map_err(storage)
    }

    /// Copies what lives into a new file, which takes the place of the one in use. Called by the writer alone, between transactions.
    pub(crate) fn rewrite(&self) -> Result<(), PortError> {
        let Some(file) = self.file.as_deref() else { return Ok(()) };
        let failed =
            |error: &std::io::Error| unavailable(format!("its file could not be written anew: {error}"));
        let beside = file.with_extension("redb.new");
        // What a process that died left there.
        let _none_mostly = std::fs::remove_file(&beside);
        let old = self.generation();
        let new =
            redb::Database::builder().set_cache_size(self.cache_bytes).create(&beside).map_err(storage)?;
        crate::open::keep_private(&beside).map_err(|error| failed(&error))?;
        copy(database(&old)?, &new)?;
        let spent = OpenOptions::new().write(true).open(file).map_err(|error| failed(&error))?;
        std::fs::rename(&beside, file).map_err(|error| failed(&error))?;
        let folder = file.parent().unwrap_or_else(|| Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(&error))?;
        *old.spent.lock().unwrap_or_else(PoisonError::into_inner) = Some(spent);
        let next = Generation { database: Some(new), spent: std::sync::Mutex::new(None) };
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        // The last one to hold the old file overwrites it: this drop, unless somebody still reads.
        drop(old);
        Ok(())
    }
}

fn database(generation: &Generation) -> Result<&Database, PortError> {
    generation.database.as_ref().ok_or_else(|| unavailable("its file is closed"))
}

fn copy(from: &Database, to: &Database) -> Result<(), PortError> {
    let (read, write) = (from.begin_read().map_err(storage)?, to.begin_write().map_err(storage)?);
    for name in Name::ALL {
        let source = read.open_table(name.definition()).map_err(storage)?;
        let mut target = write.open_table(name.definition()).map_err(storage)?;
        for entry in source.iter().map_err(storage)? {
            let (key, value) = entry.map_err(storage)?;
            target.insert(key.value(), value.value()).map_err(storage)?;
        }
    }
    write.commit().map_err(storage)
}
