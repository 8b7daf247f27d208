//! The embedded adapters against the disk and in memory.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that can not go on has failed")]

mod conformance;
mod crash;
mod key_ring;
mod queue;
mod queue_model;
mod reopening;
mod secrets;
mod support;
