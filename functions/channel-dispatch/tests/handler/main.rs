//! The handler over the embedded store, with a platform that answers as told.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can not go on has failed"
)]

mod acquaintances;
mod endpoints;
mod fallback;
mod images;
mod interleavings;
mod outcomes;
mod queue;
mod reviews;
mod sending;
mod support;
mod timing;
mod unclear;
