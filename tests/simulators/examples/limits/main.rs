//! How much of the platforms' limits the senders use, and what it costs: `cargo xtask bench channels`.

#![expect(clippy::unwrap_used, reason = "a measurement that can not be set up has failed")]

mod instances;

use std::io::Write as _;

use clap::Parser as _;
use instances::{Run, channels, run};

/// Runs 1, 4 and 16 senders that share each platform's limit, in simulated time.
#[derive(Debug, clap::Parser)]
struct Options {
    /// For so long.
    #[arg(long, default_value_t = 10)]
    minutes: u32,
    /// Which run of chance.
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

fn main() -> std::io::Result<()> {
    let Options { minutes, seed } = Options::parse();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| channel | instances | sent of the limit | share | over the limit | in a block window | dropped in silence | reads a send | writes a send |\n|---|---|---|---|---|---|---|---|---|"
    )?;
    for (channel, per_minute) in channels() {
        for instances in [1, 4, 16] {
            let channel = channel.clone();
            let told = Run { channel, instances, minutes: i64::from(minutes), skew_ms: 100, dies: 0, seed };
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            let came = runtime.block_on(run(&told));
            let (seen, most) = (small(came.seen), small(per_minute) * f64::from(minutes));
            writeln!(
                out,
                "| {} | {instances} | {seen} of {most} | {:.1} % | {} | {} | {} | {:.2} | {:.3} |",
                told.channel.as_str(),
                100.0 * seen / most,
                came.over_limit,
                came.counters.calls_while_blocked,
                came.counters.dropped_silently,
                small(came.reads) / seen.max(1.0),
                small(came.writes) / seen.max(1.0),
            )?;
        }
    }
    Ok(())
}

fn small(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}
