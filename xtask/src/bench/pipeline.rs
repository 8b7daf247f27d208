//! Events per second through all steps: the gate, the simulated platforms and the generator in one process.

use anyhow::Result;

use crate::{process, say};

/// The benchmark's name; it measures itself and prints one line.
pub(super) const NAME: &str = "pipeline";

/// Runs it.
pub(super) fn run() -> Result<()> {
    say::step("events through all steps, to a simulated platform");
    process::run(process::cargo().args(["bench", "--quiet", "--package", "sluice", "--bench", NAME]))
}
