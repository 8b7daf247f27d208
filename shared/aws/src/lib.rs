//! The adapters of AWS: the only crate that knows its SDKs.

mod answer;
mod cache;
mod connection;
mod digests;
mod fault;
pub mod keys;
mod names;
mod queue;
mod reports;
mod secrets;
mod store;
pub mod table;
pub mod settings;

pub use connection::{Connection, ConnectionError, ConnectionParts, Patience, Service};
pub use digests::{InvalidLockMode, LockMode};
pub use keys::{KeyOperator, KeyPlace, KmsKeyRing, Making};
pub use names::{Names, Resource, Unnamed};
pub use queue::Queues;
pub use reports::{ReportsPlace, S3Reports};
pub use secrets::ManagedSecrets;
pub use store::Store;
pub use table::{Table, Tables};
pub use settings::{Look, SettingsError, SettingsSource};
