//! End-to-end tests: the real program, real HTTP, simulated platforms that enforce their rules.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod callbacks;
mod command_line;
mod crash;
mod day;
mod demo;
mod erasing;
mod evidence;
mod fallback;
mod images;
mod links;
mod no_consents;
mod program;
mod safety;
mod serving;
