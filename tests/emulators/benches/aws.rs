//! The functions on AWS, measured on loopback: cold starts, calls, bytes, throughput. `cargo xtask bench aws` builds them, runs this and
//! prints tables; what this prints is JSON.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use serde::Serialize;
use sluice_emulators::deploy::Binaries;
use sluice_emulators::measure::{ColdStarts, Journey, World, cold, warm};

#[derive(Debug, Parser)]
struct Args {
    /// Cargo says so to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
    /// Cold starts of each function.
    #[arg(long, default_value_t = 30)]
    runs: usize,
    /// Events through all steps, at each batch size.
    #[arg(long, default_value_t = 200)]
    events: usize,
    /// The program of the yardstick; the functions' are in the directory that `SLUICE_FUNCTIONS` names.
    #[arg(long)]
    hello: PathBuf,
}

#[derive(Debug, Serialize)]
struct Measured {
    cold_starts: ColdStarts,
    journeys: Vec<Journey>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args = Args::parse();
    let programs = Binaries::build()?;
    // A world each: what one left in its tables must not slow another.
    let world = World::new().await?;
    let cold_starts = cold(&world, &programs, &args.hello, (args.runs, 0)).await?;
    drop(world);
    let mut journeys = Vec::new();
    for batch in [1, 10] {
        let world = World::new().await?;
        journeys.push(warm(&world, &programs, (args.events, batch, 0)).await?);
    }
    let measured = serde_json::to_string(&Measured { cold_starts, journeys })?;
    writeln!(std::io::stdout().lock(), "{measured}")?;
    Ok(())
}
