use std::sync::Arc;

use sluice_embedded::{FileReports, LocalHeadSigner, Store};
use sluice_ports::Queue;
use sluice_ports::conformance::Harness;
use tempfile::TempDir;

use crate::support::{clock, options};

/// A store, and the directory that goes with it.
struct Embedded {
    store: Store,
    _dir: Option<Arc<TempDir>>,
}

impl Harness for Embedded {
    type Store = Store;

    fn store(&self) -> &Store {
        &self.store
    }

    async fn drain(&self, queue: Queue) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let batch = self.store.receive(queue, 100, 60_000).await.unwrap();
            if batch.is_empty() {
                return bodies;
            }
            let (mut handles, mut texts): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|message| (message.receipt_handle, message.body)).unzip();
            self.store.delete(queue, std::mem::take(&mut handles)).await.unwrap();
            bodies.append(&mut texts);
        }
    }
}

async fn fresh_in_memory() -> Embedded {
    Embedded { store: Store::in_memory(options(&clock())).unwrap(), _dir: None }
}

async fn fresh_on_disk() -> Embedded {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options(&clock())).unwrap();
    Embedded { store, _dir: Some(Arc::new(dir)) }
}

fn digests_on_disk() -> std::future::Ready<(FileReports, TempDir)> {
    let dir = tempfile::tempdir().unwrap();
    std::future::ready((FileReports::new(dir.path()), dir))
}

sluice_ports::digests_conformance_tests!(digests, super::digests_on_disk);
fn signer_on_disk() -> std::future::Ready<(LocalHeadSigner, TempDir)> {
    let dir = tempfile::tempdir().unwrap();
    std::future::ready((LocalHeadSigner::open(dir.path()).unwrap(), dir))
}

#[cfg(feature = "sm2")]
fn sm2_signer_on_disk() -> std::future::Ready<(LocalHeadSigner, TempDir)> {
    let dir = tempfile::tempdir().unwrap();
    let signer = LocalHeadSigner::open(dir.path()).unwrap();
    let _new = signer.rotate(sluice_domain::audit::SignatureAlgorithm::Sm2Sm3).unwrap();
    std::future::ready((LocalHeadSigner::open(dir.path()).unwrap(), dir))
}

sluice_ports::head_signer_conformance_tests!(head_signer, super::signer_on_disk);
#[cfg(feature = "sm2")]
sluice_ports::head_signer_conformance_tests!(head_signer_with_sm2, super::sm2_signer_on_disk);
sluice_ports::conformance_tests!(in_memory, super::fresh_in_memory);
sluice_ports::conformance_tests!(on_disk, super::fresh_on_disk);
sluice_ports::interleaving_tests!(interleavings_in_memory, super::fresh_in_memory, long);
sluice_ports::interleaving_tests!(interleavings_on_disk, super::fresh_on_disk);
