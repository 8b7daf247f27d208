//! The handler over the embedded store and the simulated platform: everything real but the platform.
#![expect(clippy::unwrap_used, reason = "a test that can not go on has failed")]

mod answers;
mod people;
mod stage;
mod troubles;
