//! The sample events' signatures.

use anyhow::Result;

use crate::process;

/// `cargo xtask events`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Change nothing; fail when a sample's signature is not what its body and secret give.
    #[arg(long)]
    check: bool,
}

/// Signs every sample again, with the gate's own code.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut cargo = process::cargo();
    cargo.args(["run", "--quiet", "--package", "xtask", "--example", "events", "--"]);
    if args.check {
        cargo.arg("--check");
    }
    process::run(&mut cargo)
}
