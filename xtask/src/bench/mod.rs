//! Benchmarks: medians, with the machine they were measured on.

mod aws;
mod channels;
mod compliance;
mod conformance;
mod http;
mod load;
mod machine;
mod micro;
mod pipeline;
mod round;
mod server;

use anyhow::Result;
use clap::{Subcommand, ValueEnum};

use crate::say;

/// `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which; without it, all.
    #[command(subcommand)]
    which: Option<Which>,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// The benchmarks of single functions.
    #[command(after_help = "Example: cargo xtask bench micro")]
    Micro,
    /// Events per second through all steps to a simulated platform.
    #[command(after_help = "Example: cargo xtask bench pipeline")]
    Pipeline,
    /// The front door under load, beside Go servers that only verify and parse.
    #[command(after_help = "Example: cargo xtask bench http --only net/http,fasthttp --rounds 3 --seconds 2")]
    Http(HttpArgs),
    /// Words: matching and folding beside their peers, over lists of 10,000 to 10,000,000 words.
    #[command(after_help = "Example: cargo xtask bench compliance --words 10k,1m --rounds 5")]
    Compliance(compliance::Args),
    /// Senders to simulated platforms: their share of the limits, what recipients see under faults, sends a second.
    #[command(after_help = "Example: cargo xtask bench channels --only faults --sends 10000")]
    Channels(channels::Args),
    /// The same faults for open-source clients of the platforms and for Sluice: who lost, doubled or misreported what.
    #[command(after_help = "Example: cargo xtask bench conformance --json")]
    Conformance(ConformanceArgs),
    /// The functions on AWS: cold starts, calls, bytes, costs, throughput, against emulators.
    #[command(after_help = "Example: cargo xtask bench aws --runs 5 --events 50")]
    Aws(AwsArgs),
}

/// `cargo xtask bench conformance`.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct ConformanceArgs {
    /// Print JSON in place of tables.
    #[arg(long)]
    json: bool,
}

/// `cargo xtask bench aws`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct AwsArgs {
    /// Cold starts of each function.
    #[arg(long, default_value_t = 30)]
    pub(crate) runs: u32,
    /// Events through all steps, at each batch size.
    #[arg(long, default_value_t = 200)]
    pub(crate) events: u32,
    /// Print JSON in place of tables.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Default for AwsArgs {
    fn default() -> Self {
        Self { runs: 30, events: 200, json: false }
    }
}

/// `cargo xtask bench http`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct HttpArgs {
    /// How many times each server is measured, in turn.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: u32,
    /// How long each time.
    #[arg(long, default_value_t = 5)]
    pub(crate) seconds: u32,
    /// Keep-alive connections, each with one request under way.
    #[arg(long, default_value_t = 16)]
    pub(crate) connections: u32,
    /// Bytes of a callback's body.
    #[arg(long, default_value_t = 4_096)]
    pub(crate) body: usize,
    /// Only these servers.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Server>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Server {
    /// `sluice serve --front-door-only`: verify, parse, seal, durable before the answer.
    Sluice,
    /// `sluice serve`: the same with all steps working behind it.
    SluiceWhole,
    /// Go's net/http: verify and parse.
    #[value(name = "net/http")]
    NetHttp,
    /// Go's fasthttp: verify and parse.
    Fasthttp,
}

impl Default for HttpArgs {
    fn default() -> Self {
        Self { rounds: 5, seconds: 5, connections: 16, body: 4_096, only: Vec::new() }
    }
}

/// Measures and prints.
pub(crate) fn run(args: &Args) -> Result<()> {
    let is_json = matches!(
        &args.which,
        Some(Which::Aws(AwsArgs { json: true, .. }) | Which::Conformance(ConformanceArgs { json: true }))
    );
    if !is_json {
        say::line(&machine::description());
    }
    match &args.which {
        Some(Which::Micro) => micro::run(),
        Some(Which::Pipeline) => pipeline::run(),
        Some(Which::Http(args)) => http::run(args),
        Some(Which::Compliance(args)) => compliance::run(args),
        Some(Which::Channels(args)) => channels::run(args),
        Some(Which::Conformance(args)) => conformance::run(args.json),
        Some(Which::Aws(args)) => aws::run(args),
        None => {
            micro::run()?;
            pipeline::run()?;
            http::run(&HttpArgs::default())?;
            compliance::run(&compliance::Args::default())?;
            channels::run(&channels::Args::default())?;
            aws::run(&AwsArgs::default())
        }
    }
}
