//! The handler over the embedded store.

#![expect(clippy::unwrap_used, reason = "a test that can not go on has failed")]

mod assigning;
mod queue;
mod support;
