//! Checks that are no tests: format, lints, licences, advisories, generated tables.

mod advisories;
mod licences;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::workspace::Metadata;
use crate::{lexicon_tables, process, public_suffixes, say, template};

/// `cargo xtask check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these; all without.
    #[arg(value_enum)]
    parts: Vec<Part>,
}

/// One check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// `cargo fmt --check`.
    Format,
    /// Clippy, with warnings as errors.
    Lints,
    /// The licences of all dependencies, against the list of those we take.
    Licences,
    /// Known-bad versions, one version of each cryptographic crate, one TLS provider.
    Advisories,
    /// Generated tables are what their sources give.
    Tables,
    /// `cargo xtask template`.
    Template,
}

/// Runs the checks; all of them, even after one failed.
pub(crate) fn run(args: &Args) -> Result<()> {
    let parts = if args.parts.is_empty() { Part::value_variants() } else { &args.parts };
    let mut failed = 0_usize;
    for part in parts {
        say::step(&format!("{part:?}").to_lowercase());
        if let Err(error) = check(*part) {
            say::problem(&format!("{error:#}"));
            failed = failed.saturating_add(1);
        }
    }
    if failed > 0 {
        bail!("{failed} of {} checks failed", parts.len());
    }
    say::line(&format!("{} checks passed", parts.len()));
    Ok(())
}

fn check(part: Part) -> Result<()> {
    match part {
        Part::Format => process::run(process::cargo().args(["fmt", "--all", "--check"])),
        Part::Lints => {
            let mut clippy = process::cargo();
            process::run(clippy.args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--quiet",
                "--",
                "-D",
                "warnings",
            ]))
        }
        Part::Licences => found_nothing(&licences::check(&Metadata::read()?)),
        Part::Advisories => {
            let metadata = Metadata::read()?;
            let list = std::fs::read_to_string(crate::workspace::root().join(".ci/advisories.toml"))?;
            found_nothing(&advisories::check(&metadata, &advisories::List::parse(&list)?))
        }
        Part::Tables => {
            lexicon_tables::run(&lexicon_tables::Args { check: true })?;
            public_suffixes::run(&public_suffixes::Args { check: true })
        }
        Part::Template => template::run(&template::Args::default()),
    }
}

fn found_nothing(problems: &[String]) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    bail!("{} problems:\n  {}", problems.len(), problems.join("\n  "))
}
