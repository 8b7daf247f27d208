//! bucket-assignment: which script variant, which destination?
//!
//! For each cleared event: the experiment's arm by MurmurHash3 over `"{salt}:{person}"`, the destination by weighted rendezvous over the
//! person, the exposure written once and sticky, the assigned event on the next queue.

mod assign;
mod handler;

pub use handler::BucketAssignment;
