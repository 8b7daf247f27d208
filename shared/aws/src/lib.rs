//! The adapters of AWS: the only crate that knows its SDKs.

mod answer;
mod cache;
mod connection;
pub mod keys;
mod reports;
mod secrets;

pub use connection::{Connection, ConnectionError};
pub use keys::{KeyOperator, KeyPlace, KmsKeyRing, Making};
pub use reports::S3Reports;
pub use secrets::ManagedSecrets;
