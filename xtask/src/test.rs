//! All tests.

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::tools::Tools;
use crate::{browser, process, say, template};

/// `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Leave the template's lint out: it needs tools of its own. The suite needs the emulators of AWS all the same.
    #[arg(long)]
    without_template: bool,
}

/// Runs every part, even after one failed, and tells which failed.
pub(crate) fn run(args: &Args) -> Result<()> {
    let start = Instant::now();
    browser::ready()?;
    let mut summary = Vec::new();
    if args.without_template {
        summary.push(("template", None));
    } else {
        summary.push(("template", Some(template::run(&template::Args::default()))));
    }
    say::step("doc tests");
    summary.push((
        "doc tests",
        Some(process::run(process::cargo().args(["test", "--workspace", "--doc", "--quiet"]))),
    ));
    say::step("with SM2");
    summary.push(("with SM2", Some(with_sm2())));
    // Last, so that its closing line stays in sight.
    say::step("Rust suite");
    summary.push(("Rust suite", Some(rust_suite())));
    say::line("");
    for (part, result) in &summary {
        say::line(&match result {
            Some(Ok(())) => format!("{part}: passed"),
            Some(Err(error)) => format!("{part}: FAILED: {error:#}"),
            None => format!("{part}: left out, as asked"),
        });
    }
    let failed = summary.iter().filter(|(_, result)| matches!(result, Some(Err(_)))).count();
    if failed > 0 {
        bail!("{failed} of {} parts failed", summary.len());
    }
    say::line(&format!("all parts passed in {} s", start.elapsed().as_secs()));
    Ok(())
}

/// The suite, with the emulators of AWS that its tests share, and `cargo lambda`, which one of them calls.
fn rust_suite() -> Result<()> {
    Tools::emulators()?;
    Tools::cargo_lambda()?;
    let suite = suite();
    let mut command = process::cargo();
    command.args(["run", "--quiet", "--package", "sluice-emulators", "--bin", "with-emulators", "--"]);
    process::run(command.arg(suite.get_program()).args(suite.get_args()))
}

/// What the feature `sm2` adds: signatures of the audit log's heads.
fn with_sm2() -> Result<()> {
    let mut command = process::cargo();
    command.args(["test", "--package", "sluice-domain", "--package", "sluice-embedded"]);
    command.args(["--features", "sluice-embedded/sm2", "--lib", "--tests", "--quiet"]);
    process::run(command.args(["--", "audit", "head_signer"]))
}

/// `cargo nextest` where it is installed, for it runs tests of different binaries side by side; `cargo test` otherwise.
fn suite() -> Command {
    let mut command = process::cargo();
    if process::answers(process::cargo().args(["nextest", "--version"])) {
        command.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
        // What passed is not worth a screen; what fails is shown whole.
        command.args(["--status-level", "slow", "--final-status-level", "fail", "--hide-progress-bar"]);
    } else {
        command.args(["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast", "--quiet"]);
    }
    command
}
