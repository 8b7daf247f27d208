//! How large the functions are that go to Lambda, and how large they may be.

mod archive;
mod budget;
mod build;

use std::path::Path;

use anyhow::{Context as _, Result, bail};

pub(crate) use build::{FUNCTIONS, Programs};

use crate::say;
use budget::{Budget, Budgets};

/// `cargo xtask size`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Build for arm64, with `cargo lambda`: needs the Rust target `aarch64-unknown-linux-gnu` and ziglang. Budgets are x86-64's.
    #[arg(long)]
    arm64: bool,
    /// Measure what `cargo xtask template --build` has built, and build nothing.
    #[arg(long, conflicts_with = "arm64")]
    built: bool,
    /// Set each budget to what was measured and a margin of 3 %.
    #[arg(long, conflicts_with = "arm64")]
    write: bool,
}

/// The bytes of one function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// The stripped program.
    pub(crate) binary: u64,
    /// The ZIP that Lambda is given.
    pub(crate) zip: u64,
}

impl Size {
    /// Of a built program.
    pub(crate) fn of(program: &Path) -> Result<Self> {
        let bytes =
            std::fs::read(program).with_context(|| format!("`{}` was not built", program.display()))?;
        Ok(Self { binary: u64::try_from(bytes.len())?, zip: archive::size(&bytes)? })
    }
}

/// Builds with the profile `lambda`, prints bytes, and fails when one is above its budget.
pub(crate) fn run(args: &Args) -> Result<()> {
    let programs = match args {
        Args { arm64: true, .. } => Programs::arm64()?,
        Args { built: true, .. } => Programs::of_sam(),
        Args { .. } => Programs::build(&FUNCTIONS)?,
    };
    let sizes = programs.iter().map(|(name, program)| Ok((name, Size::of(program)?)));
    let sizes: Vec<(&str, Size)> = sizes.collect::<Result<_>>()?;
    if args.write {
        Budgets::of(&sizes).write()?;
    }
    let budgets = Budgets::read()?;
    say::line("| function | stripped, bytes | budget | zip, bytes | budget |");
    say::line("|---|--:|--:|--:|--:|");
    let mut over = Vec::new();
    for (name, size) in &sizes {
        let budget = budgets.of_function(name)?;
        say::line(&format!(
            "| {name} | {} | {} | {} | {} |",
            size.binary, budget.binary, size.zip, budget.zip
        ));
        if !args.arm64 {
            over.extend(above(name, *size, *budget));
        }
    }
    let largest = sizes.iter().map(|(_, size)| size.binary).max().unwrap_or_default();
    let met = if largest <= budgets.target_bytes { "met" } else { "missed" };
    say::line(&format!("the largest has {largest} bytes (target ≤ {}: {met})", budgets.target_bytes));
    if over.is_empty() {
        return Ok(());
    }
    bail!(
        "{}: make it smaller, or say why it may grow and set the budget anew with `cargo xtask size --write`",
        over.join("; ")
    );
}

fn above(name: &str, size: Size, budget: Budget) -> Vec<String> {
    let lines = [("program", size.binary, budget.binary), ("ZIP", size.zip, budget.zip)];
    let over = lines.into_iter().filter(|(_, measured, most)| measured > most);
    over.map(|(what, measured, most)| format!("{name}'s {what} has {measured} bytes of {most}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_above_the_budget_is_told() {
        let budget = Budget { binary: 10, zip: 5 };
        assert_eq!(above("f", Size { binary: 10, zip: 5 }, budget), Vec::<String>::new());
        assert_eq!(above("f", Size { binary: 11, zip: 5 }, budget), ["f's program has 11 bytes of 10"]);
        assert_eq!(above("f", Size { binary: 1, zip: 6 }, budget), ["f's ZIP has 6 bytes of 5"]);
    }
}
