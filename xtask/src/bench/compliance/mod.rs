//! The compliance engine: its words beside their peers.

mod row;
mod table;
mod words;

use anyhow::Result;

pub(super) use words::NAME;

/// `cargo xtask bench compliance`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Lists: 10k, 1m, 10m. The last needs 4 GB of memory for its words, and minutes.
    #[arg(long, value_delimiter = ',', default_value = "10k,1m")]
    words: Vec<String>,
    /// How many times each engine is measured, in turn.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Build daachorse over ten million words, too: many minutes and gigabytes.
    #[arg(long)]
    huge_peers: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self { words: vec!["10k".to_owned(), "1m".to_owned()], rounds: 5, huge_peers: false }
    }
}

/// Measures and prints.
pub(super) fn run(args: &Args) -> Result<()> {
    table::print(&words::rows(args)?);
    Ok(())
}
