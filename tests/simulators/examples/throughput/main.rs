//! Sends a second and how long one takes, per channel, over real HTTP to the simulators, beside a client that posts the same bytes and
//! looks at the status alone: `cargo xtask bench channels`.

#![expect(clippy::unwrap_used, reason = "a measurement that can not be set up has failed")]

mod peer;
mod platform;
mod sender;

use std::io::Write as _;
use std::time::{Duration, Instant};

use clap::Parser as _;

use peer::Peer;
use platform::Platforms;
use sender::{Sender, channels};

/// Measures sends over HTTP on loopback, one thread for everything of the client.
#[derive(Debug, clap::Parser)]
struct Options {
    /// Sends of each round, of which a tenth only warm up.
    #[arg(long, default_value_t = 2_000)]
    sends: usize,
    /// Rounds, of which the medians are shown.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// One round of one client, in microseconds.
#[derive(Debug, Clone, Copy)]
struct Round {
    /// Processor time of the client's thread a send.
    cpu: f64,
    /// Of sends one after the other.
    p50: f64,
    p99: f64,
}

fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| channel | sends/s on one core | CPU µs/send | p50 ms | p99 ms | status only: sends/s on one core | CPU µs/send | p99 ms | Sluice's CPU, times |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    )?;
    for name in channels().map(|channel| channel.as_str()) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            let platforms = Platforms::start(options.sends);
            runtime.block_on(async {
                let sender = Sender::new(&platforms, name);
                let peer = Peer::new(&platforms, sender.body().await);
                ours.push(round(&options, |number| sender.send(number)).await);
                theirs.push(round(&options, |_| peer.send()).await);
            });
        }
        let (ours, theirs) = (median(&ours), median(&theirs));
        writeln!(
            out,
            "| {name} | {:.0} | {:.0} | {:.2} | {:.2} | {:.0} | {:.0} | {:.2} | {:.2} |",
            1e6 / ours.cpu,
            ours.cpu,
            ours.p50 / 1e3,
            ours.p99 / 1e3,
            1e6 / theirs.cpu,
            theirs.cpu,
            theirs.p99 / 1e3,
            ours.cpu / theirs.cpu,
        )?;
        out.flush()?;
    }
    Ok(())
}

async fn round<F: Future<Output = ()>>(options: &Options, send: impl Fn(usize) -> F) -> Round {
    let warm = options.sends / 10;
    for number in 0..warm {
        send(number).await;
    }
    let before = processor_time();
    let mut took: Vec<Duration> = Vec::with_capacity(options.sends);
    for number in warm..options.sends {
        let began = Instant::now();
        send(number).await;
        took.push(began.elapsed());
    }
    let used = processor_time().saturating_sub(before);
    took.sort_unstable();
    let percentile = |share: usize| took.get(took.len() * share / 100).unwrap().as_secs_f64() * 1e6;
    let sends = f64::from(u32::try_from(took.len()).unwrap());
    Round { cpu: used.as_secs_f64() * 1e6 / sends, p50: percentile(50), p99: percentile(99) }
}

/// What this thread has used, by the kernel's account.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn median(rounds: &[Round]) -> Round {
    let of = |field: fn(&Round) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(field).collect();
        values.sort_by(f64::total_cmp);
        *values.get(values.len() / 2).unwrap()
    };
    Round { cpu: of(|it| it.cpu), p50: of(|it| it.p50), p99: of(|it| it.p99) }
}
