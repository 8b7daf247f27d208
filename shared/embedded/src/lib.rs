//! The adapters of one machine: every port of `sluice_ports` over one data directory, crash-safe.
//!
//! - [`Store`] keeps queues, receipts, consents, audit records, the order book, exposures, deliveries, reviews and the scheduler's
//!   memory in one `redb` file. One thread writes; everybody who waits shares one transaction and one fsync (`writer`).
//! - [`LocalKeyRing`] keeps every tenant's keys in the same file, wrapped under a master key from a file of mode 0600.
//! - [`FileReports`] keeps reconciliation's reports and the audit log's heads; [`LocalHeadSigner`] signs these.
//! - [`FileSecrets`] and [`FixedSecrets`] hand out configured secrets.
//! - [`SystemClock`], [`ManualClock`] and [`SystemEntropy`] are the outside world.
//!
//! What is acknowledged is on disk: every call that returns `Ok` after a write has been fsynced, but for the four calls on
//! received messages whose loss only means a repeated delivery (see `queue`).

mod acquaintances;
mod audits;
mod backlog;
#[cfg(test)]
mod broken_disk;
mod channel_state;
mod checks;
mod clock;
mod consents;
mod contacts;
mod deliveries;
mod entropy;
mod erasure;
mod exposures;
mod fault;
mod generation;
mod head_signer;
mod intake;
mod key;
mod key_ring;
mod line;
mod listing;
mod open;
mod orders;
mod private_file;
mod queue;
mod reports;
mod reviews;
mod schedule;
mod secrets;
mod store;
mod tables;
mod writer;

pub use clock::{ManualClock, SystemClock};
pub use entropy::SystemEntropy;
pub use head_signer::{HeadSignerError, LocalHeadSigner};
pub use key_ring::{KeyRingError, LocalKeyRing, MasterKey};
pub use open::{OpenError, Options, ReceiveLimits};
pub use private_file::PrivateFileError;
pub use queue::{DeadLetter, Depth, ReceivedMessage, Redrive};
pub use reports::FileReports;
pub use secrets::{FileSecrets, FixedSecrets, SecretsError};
pub use store::Store;
