//! The compliance engine: its words beside their peers, a callback beside what many would write, its rules.

mod houbb;
mod programs;
mod row;
mod table;

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;

pub(super) use programs::NAMES;

/// `cargo xtask bench compliance`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Lists: 10k, 1m, 10m. The last needs 4 GB of memory for its words, and minutes.
    #[arg(long, value_delimiter = ',', default_value = "10k,1m")]
    words: Vec<String>,
    /// How many times each engine is measured, in turn.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Build daachorse over ten million words, too: many minutes and gigabytes.
    #[arg(long)]
    huge_peers: bool,
    /// A folder with checkouts of houbb's `sensitive-word`, `heaven` and `opencc4j`: they are compiled with `javac` and measured, too.
    #[arg(long, value_name = "FOLDER")]
    houbb: Option<PathBuf>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Folding and matching.
    Words,
    /// A callback of 4 KB: verified, parsed, folded and matched.
    Callback,
    /// The engine's decision on an event, and replay.
    Rules,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            only: Vec::new(),
            words: vec!["10k".to_owned(), "1m".to_owned()],
            rounds: 5,
            huge_peers: false,
            houbb: None,
        }
    }
}

/// Measures and prints.
pub(super) fn run(args: &Args) -> Result<()> {
    let mut rows = Vec::new();
    let wanted = |part| args.only.is_empty() || args.only.contains(&part);
    if wanted(Part::Words) {
        rows.extend(programs::words(args)?);
        if let Some(folder) = &args.houbb {
            rows.extend(houbb::rows(folder, args.rounds)?);
        }
    }
    if wanted(Part::Callback) {
        rows.extend(programs::callback(args)?);
    }
    if wanted(Part::Rules) {
        rows.extend(programs::rules()?);
    }
    table::print(&rows);
    Ok(())
}
