//! Senders under the platforms' limits: ten simulated minutes of each channel, judged by the simulators' own limiters.

use anyhow::Result;

use crate::{process, say};

/// Runs it.
pub(super) fn run() -> Result<()> {
    say::step("senders under limits, in simulated time");
    process::run(process::cargo().args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "sluice-simulators",
        "--example",
        "limits",
    ]))
}
