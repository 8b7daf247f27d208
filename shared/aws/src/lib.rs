//! The adapters of AWS: the only crate that knows its SDKs.

mod answer;
mod cache;
mod connection;
mod digests;
mod fault;
pub mod function;
mod head_signer;
pub mod keys;
mod names;
mod queue;
mod reports;
mod s3;
mod secrets;
pub mod settings;
mod store;
mod system;
pub mod table;

pub use connection::{Connection, ConnectionError, ConnectionParts, Patience, Service};
pub use digests::{InvalidLockMode, LockMode};
pub use head_signer::KmsHeadSigner;
pub use keys::{KeyOperator, KeyPlace, KmsKeyRing, Making};
pub use names::{Names, Resource, Unnamed};
pub use queue::Queues;
pub use reports::{ReportsPlace, S3Reports};
pub use s3::S3;
pub use secrets::ManagedSecrets;
pub use settings::{Look, SettingsError, SettingsSource, Words};
pub use store::Store;
pub use system::{SystemClock, SystemEntropy};
pub use table::{Table, Tables};
