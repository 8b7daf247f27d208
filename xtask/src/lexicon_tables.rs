//! The tables of the crate `sluice-lexicon`.

use anyhow::Result;

use crate::process;

/// `cargo xtask lexicon-tables`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Change nothing; fail when a table is not what its sources give.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Makes the tables again from Unicode's data, `OpenCC`'s and pinyin's.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut cargo = process::cargo();
    cargo.args(["run", "--quiet", "--package", "xtask", "--example", "lexicon_tables", "--"]);
    if args.check {
        cargo.arg("--check");
    }
    process::run(&mut cargo)
}
