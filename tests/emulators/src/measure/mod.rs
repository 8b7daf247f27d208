//! The functions' real programs, run and measured: cold starts, and events through all steps with what they ask of AWS.
//!
//! A program talks to a Runtime API of this process, and to the emulators through the recording proxy. This module is Lambda's poller: it
//! receives from the queues, invokes, deletes, so that the size of a batch is its choice.
#![expect(
    clippy::indexing_slicing,
    reason = "`Value`s are indexed by name, which gives null where there is nothing"
)]

mod journey;
mod runtime_api;
mod sandbox;
mod spent;
mod world;

pub use journey::{ColdStarts, Journey, Step, cold, warm};
pub use runtime_api::{RuntimeApi, Word};
pub use sandbox::ColdStart;
pub use spent::Spent;
pub use world::World;
