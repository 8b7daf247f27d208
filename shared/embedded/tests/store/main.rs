//! The embedded adapters against the disk and in memory.

mod queue;
mod support;
