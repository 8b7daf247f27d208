//! The domain of Sluice: values and pure functions.
//!
//! Nothing here does I/O. The clock, randomness, the environment and the stores come in as arguments
//! (`DESIGN`: rules 1 and 2), so every function of this crate can be tested in a second and replayed years later.

pub mod audit;
pub mod bucket;
pub mod consent;
pub mod decision;
pub mod delivery;
pub mod destination;
pub mod event;
pub mod experiment;
pub mod failure;
pub mod id;
pub mod lexicon;
pub mod link;
pub mod money;
pub mod order;
pub mod progress;
pub mod reconciliation;
pub mod rules;
pub mod scheme;
pub mod script;
pub mod sealed;
pub mod settings;
pub mod source;
pub mod tenant;
pub mod time;
