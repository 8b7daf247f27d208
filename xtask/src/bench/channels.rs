//! Senders to simulated platforms: how much of the limits they use together, what recipients see while anything goes wrong, and how fast
//! they are.

use anyhow::Result;
use clap::ValueEnum;

use crate::{process, say};

/// `cargo xtask bench channels`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Only these; without it, all.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Messages sent while anything goes wrong.
    #[arg(long, default_value_t = 100_000)]
    sends: u32,
    /// Which run of chance they meet.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Rounds of the throughput, of which the medians are shown.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

impl Default for Args {
    fn default() -> Self {
        Self { only: Vec::new(), sends: 100_000, seed: 7, rounds: 5 }
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Ten minutes under the platforms' limits with 1, 4 and 16 senders, in simulated time.
    Limits,
    /// Recipients' view of messages sent while connections drop, answers are late or odd and senders die, in simulated time.
    Faults,
    /// Sends a second and their latency over HTTP, beside a client that looks at the status alone.
    Throughput,
}

/// Measures and prints.
pub(super) fn run(args: &Args) -> Result<()> {
    let wanted = |part| args.only.is_empty() || args.only.contains(&part);
    if wanted(Part::Limits) {
        say::step("senders under limits, in simulated time");
        example("limits", &[])?;
    }
    if wanted(Part::Faults) {
        say::step("what recipients see while anything goes wrong, in simulated time");
        example("faults", &[format!("--sends={}", args.sends), format!("--seed={}", args.seed)])?;
    }
    if wanted(Part::Throughput) {
        say::step("sends over HTTP on loopback, beside a client that looks at the status alone");
        example("throughput", &[format!("--rounds={}", args.rounds)])?;
    }
    Ok(())
}

fn example(name: &str, arguments: &[String]) -> Result<()> {
    process::run(
        process::cargo()
            .args(["run", "--quiet", "--release", "--package", "sluice-simulators", "--example", name, "--"])
            .args(arguments),
    )
}
