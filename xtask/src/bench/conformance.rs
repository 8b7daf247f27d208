//! The same faults for open-source clients and for Sluice, through the simulators.

use anyhow::Result;

use crate::tools::Tools;
use crate::workspace::Metadata;
use crate::{process, say, workspace};

/// Prints who lost, doubled or misreported what.
pub(super) fn run(json: bool) -> Result<()> {
    let tools = Tools::channel_clients()?;
    let build = |target: [&str; 2]| {
        process::run(
            process::cargo().args(["build", "--quiet", "--package", "sluice-simulators"]).args(target),
        )
    };
    build(["--bin", "sluice-simulators"])?;
    build(["--example", "conformance"])?;
    if !json {
        say::step("the same faults for open-source clients and for Sluice (some minutes)");
    }
    let built = Metadata::read()?.target_directory.join("debug");
    let mut report = tools.program("python");
    report
        .arg(workspace::root().join("tests/peers/channels/conformance.py"))
        .arg(built.join("sluice-simulators"))
        .arg(built.join("examples/conformance"));
    process::run(report.args(json.then_some("--json")))
}
