//! AWS on loopback: the emulators, a proxy that counts and breaks calls, and the bundle deployed to them.
//!
//! | emulator | stands in for | apart from other tests by |
//! |---|---|---|
//! | [`Ministack`], one process for all tests | SQS, S3, Secrets Manager, DynamoDB, the states of KMS keys, Lambda, `CloudFormation` | [`Account::fresh`]: an account of its own a test |
//! | [`Moto`], one process for all tests | KMS cryptography; never DynamoDB: its transactions are not isolated | keys the test makes itself |
//! | [`Dynoxide`], in the test's own process | DynamoDB | an empty database each |
//!
//! Nothing here knows an SDK: an [`Endpoint`] says where to call and as whom.

mod account;
pub mod deploy;
mod dynoxide;
mod error;
pub mod front;
pub mod measure;
mod ministack;
mod moto;
mod process;
pub mod proxy;
mod until;
mod wire;

pub use account::{Account, Endpoint};
pub use dynoxide::Dynoxide;
pub use error::EmulatorError;
pub use ministack::Ministack;
pub use moto::Moto;
pub use until::{until, until_async};
pub use wire::{Wire, WireError, texts};
