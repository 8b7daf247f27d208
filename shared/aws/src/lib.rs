//! The adapters of AWS: the only crate that knows its SDKs.

mod connection;

pub use connection::{Connection, ConnectionError};
