//! The chores of the workspace: `cargo xtask --help` lists them.

mod bench;
mod browser;
mod check;
mod dashboard;
mod events;
mod lexicon_tables;
mod process;
mod public_suffixes;
mod say;
mod size;
mod template;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The chores of the workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Prepare the pinned tools and pass all tests: Rust suite, doc tests, template checks.
    #[command(after_help = "Example: cargo xtask test\nExample: cargo xtask test --without-template")]
    Test(test::Args),
    /// Format, lints, licences, advisories, template.
    #[command(after_help = "Example: cargo xtask check licences")]
    Check(check::Args),
    /// Validate, lint and judge template.yaml, as written and as AWS will transform it.
    #[command(after_help = "Example: cargo xtask template\nExample: cargo xtask template --build")]
    Template(template::Args),
    /// Generate the dashboard of template.yaml from the metrics' names, or draw it.
    #[command(
        after_help = "Example: cargo xtask dashboard --check\nExample: cargo xtask dashboard --picture docs/img/dashboard.svg"
    )]
    Dashboard(dashboard::Args),
    /// Sign the sample events again, after a change of a secret or a body.
    #[command(after_help = "Example: cargo xtask events --check")]
    Events(events::Args),
    /// Make the tables of the lexicon again: folding, pinyin.
    #[command(after_help = "Example: cargo xtask lexicon-tables --check")]
    LexiconTables(lexicon_tables::Args),
    /// Make the table of public suffixes again, after an update of the crate `psl`.
    #[command(after_help = "Example: cargo xtask public-suffixes --check")]
    PublicSuffixes(public_suffixes::Args),
    /// Run the benchmarks and print medians with the machine's description.
    #[command(after_help = "Example: cargo xtask bench http --rounds 5 --seconds 5")]
    Bench(bench::Args),
    /// Build the functions as they go to Lambda and print their sizes.
    #[command(after_help = "Example: cargo xtask size")]
    Size(size::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().chore {
        Chore::Test(args) => test::run(&args),
        Chore::Check(args) => check::run(&args),
        Chore::Template(args) => template::run(&args),
        Chore::Dashboard(args) => dashboard::run(&args),
        Chore::Events(args) => events::run(&args),
        Chore::LexiconTables(args) => lexicon_tables::run(&args),
        Chore::PublicSuffixes(args) => public_suffixes::run(&args),
        Chore::Bench(args) => bench::run(&args),
        Chore::Size(args) => size::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::problem(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
