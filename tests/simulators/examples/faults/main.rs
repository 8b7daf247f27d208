//! What recipients saw of many messages while anything went wrong, beside what the records say: `cargo xtask bench channels`.

#![expect(clippy::unwrap_used, reason = "a measurement that can not be set up has failed")]

#[path = "../limits/chance.rs"]
mod chance;
mod run;
mod scene;
mod store;
mod way;

use std::io::Write as _;

use clap::Parser as _;
use run::{Run, run};

/// Sends messages through dispatchers, channels and simulated platforms while anything goes wrong, in simulated time.
#[derive(Debug, clap::Parser)]
struct Options {
    /// How many messages, over all channels.
    #[arg(long, default_value_t = 100_000)]
    sends: usize,
    /// Which run of chance.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// How many dispatchers share the work.
    #[arg(long, default_value_t = 8)]
    sandboxes: usize,
}

fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let came =
        runtime.block_on(run(Run { sends: options.sends, seed: options.seed, sandboxes: options.sandboxes }));
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| channel | a repeat is recognised | sends | delivered | in doubt (arrived) | refused (arrived) | seen twice | lost | falsely delivered |\n|---|---|--:|--:|--:|--:|--:|--:|--:|"
    )?;
    for row in &came.rows {
        writeln!(
            out,
            "| {} | {} | {} | {} | {} ({}) | {} ({}) | {} | {} | {} |",
            row.channel,
            if row.remembers { "yes" } else { "no" },
            row.sends,
            row.delivered,
            row.in_doubt,
            row.in_doubt_seen,
            row.refused,
            row.falsely_refused,
            row.duplicates,
            row.lost,
            row.falsely_delivered,
        )?;
    }
    writeln!(
        out,
        "\n{} calls, {} messages taken off the queue, at most {} s late, {} handed out twice, {} times one of {} sandboxes dead in the middle of its work, {} simulated minutes; seed {}.",
        came.calls,
        came.received,
        came.latest_ms / 1_000,
        came.twice,
        came.deaths,
        options.sandboxes,
        came.minutes,
        options.seed
    )?;
    for (fault, times) in &came.faults {
        writeln!(out, "- {times} × {}", fault.words())?;
    }
    for row in &came.rows {
        for (code, times) in &row.refused_for {
            writeln!(out, "- refused on {}: {times} × {code}", row.channel)?;
        }
        for (code, times) in &row.in_doubt_for {
            writeln!(out, "- in doubt on {}: {times} × {code}", row.channel)?;
        }
    }
    for (code, times) in &came.buried {
        writeln!(out, "- buried: {times} × {code}")?;
    }
    Ok(())
}
