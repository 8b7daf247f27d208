//! Word lists, compiled: which words of which category a text holds, and where. A crate of its own, because it is large.

pub use sluice_lexicon::*;
