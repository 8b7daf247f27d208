use std::sync::Arc;

use serde::de::DeserializeOwned;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, PortError};

use crate::fault::{Fault, storage};
use crate::generation::{Current, Snapshot};
use crate::queue::Queues;
use crate::tables::{self, Name, Tables};
use crate::writer::Writer;

/// Every port's store over one data directory. Cheap to clone; the last clone to go writes what is left and closes the file.
///
/// Reads see the newest commit and never wait for the writer. Writes return when they are on disk.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    // Dropped first: its thread finishes what was handed in while the database is still open.
    pub(crate) writer: Writer,
    pub(crate) current: Current,
    pub(crate) queues: Arc<Queues>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Store")
    }
}

impl Store {
    /// Returns when everything handed in before, removals included, is on disk.
    pub async fn flush(&self) -> Result<(), PortError> {
        self.write(|_| Ok(())).await
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.inner.clock.now()
    }

    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, PortError>
    where
        F: FnOnce(&mut Tables<'_>) -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        self.inner.writer.write(work).await
    }

    pub(crate) fn snapshot(&self) -> Result<Snapshot, PortError> {
        self.inner.current.snapshot()
    }

    /// Writes the file anew, so that nothing that was deleted can be read in it. In memory there is nothing to do.
    pub async fn rewrite(&self) -> Result<(), PortError> {
        self.inner.writer.rewrite().await
    }

    /// One record of the newest commit.
    pub(crate) fn lookup<R: DeserializeOwned>(&self, name: Name, key: &[u8]) -> Result<Option<R>, PortError> {
        let table = tables::read(&self.snapshot()?, name)?;
        let found = table.get(key).map_err(storage)?;
        found.map(|found| tables::parse(name, found.value())).transpose()
    }
}
