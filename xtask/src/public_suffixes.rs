//! The table of public suffixes.

use anyhow::{Context as _, Result};

use crate::process;
use crate::workspace::Metadata;

/// The crate that brings the list.
const SOURCE: &str = "psl";

/// `cargo xtask public-suffixes`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Change nothing; fail when the table is not what the list gives.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Makes the table again from the list in the crate `psl`, in the version of `Cargo.lock`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let metadata = Metadata::read()?;
    let source = metadata.packages.iter().find(|package| package.name == SOURCE);
    let source = source.with_context(|| format!("`{SOURCE}` is not in the graph"))?;
    let list = source.manifest_path.with_file_name("data").join("rules.txt");
    let mut cargo = process::cargo();
    cargo.args(["run", "--quiet", "--package", "xtask", "--example", "public_suffixes", "--"]).arg(list);
    if args.check {
        cargo.arg("--check");
    }
    process::run(&mut cargo)
}
