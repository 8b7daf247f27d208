//! The program `sluice`: the whole gate in one process, and its tools.

pub mod cli;
pub mod control;
pub mod exit;
pub mod input;
pub mod output;
