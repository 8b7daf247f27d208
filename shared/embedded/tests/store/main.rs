//! The embedded adapters against the disk and in memory.

mod conformance;
mod queue;
mod support;
