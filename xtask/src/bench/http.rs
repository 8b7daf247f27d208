//! Front doors side by side, in one run: rounds are interleaved, so that a busy moment of the machine hits all alike.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::load::Plan;
use super::round::{Round, measure, median};
use super::server::{Running, SECRET, SOURCE};
use super::{HttpArgs, Server};
use crate::{say, workspace};

/// Builds, starts, drives and compares the servers.
pub(super) fn run(args: &HttpArgs) -> Result<()> {
    let all = [Server::Sluice, Server::SluiceWhole, Server::NetHttp, Server::Fasthttp];
    // On a real disk: what is durable before the answer must cost what it costs.
    let directory = workspace::Metadata::read()?.target_directory.join("bench-http");
    std::fs::create_dir_all(&directory)?;
    let mut running = Vec::new();
    for server in all.into_iter().filter(|server| args.only.is_empty() || args.only.contains(server)) {
        match server.build(&directory)? {
            Some(program) => running.push((server, server.start(&program, &directory)?, Vec::new())),
            None => say::line(&format!(
                "{} left out: it needs Go (Debian: `apt-get install golang golang-github-valyala-fasthttp-dev`)",
                server.name()
            )),
        }
    }
    if running.is_empty() {
        bail!("no server to measure");
    }
    say::step("warming up");
    for (server, process, _) in &running {
        once(*server, process, args, Duration::from_secs(1))?;
    }
    for round in 1..=args.rounds {
        say::step(&format!("round {round} of {}", args.rounds));
        for (server, process, rounds) in &mut running {
            rounds.push(once(*server, process, args, Duration::from_secs(args.seconds.into()))?);
        }
    }
    let medians: Vec<(Server, Round)> =
        running.iter().map(|(server, _, rounds)| (*server, median(rounds))).collect();
    print(args, &medians);
    Ok(())
}

fn once(server: Server, process: &Running, args: &HttpArgs, time: Duration) -> Result<Round> {
    let path = format!("/callbacks/{SOURCE}");
    let plan = Plan {
        address: process.address,
        path: &path,
        secret: SECRET,
        connections: args.connections,
        body: args.body,
        time,
    };
    measure(process, &plan).with_context(|| server.name())
}

fn print(args: &HttpArgs, medians: &[(Server, Round)]) {
    say::line(&format!(
        "HTTP callbacks: {} connections, {} B bodies, medians of {} rounds of {} s, load generator on the same machine",
        args.connections, args.body, args.rounds, args.seconds
    ));
    say::line("| server | callbacks/s | CPU µs/callback | p50 ms | p99 ms | RSS MiB | peak MiB |");
    say::line("|---|--:|--:|--:|--:|--:|--:|");
    for (server, round) in medians {
        say::line(&format!(
            "| {} | {:.0} | {:.1} | {:.2} | {:.2} | {:.1} | {:.1} |",
            server.name(),
            round.rate,
            round.cpu,
            round.p50 / 1_000.0,
            round.p99 / 1_000.0,
            round.rss,
            round.peak
        ));
    }
    let of = |wanted: Server| medians.iter().find(|(server, _)| *server == wanted).map(|(_, round)| round);
    for (peer, target) in [(Server::NetHttp, 1.0), (Server::Fasthttp, 1.5)] {
        if let (Some(ours), Some(theirs)) = (of(Server::Sluice), of(peer)) {
            let ratio = ours.cpu / theirs.cpu;
            let met = if ratio <= target { "met" } else { "missed" };
            say::line(&format!(
                "CPU per callback against {}: {ratio:.2} (target ≤ {target:.1}: {met})",
                peer.name()
            ));
        }
    }
    if let Some(ours) = of(Server::Sluice) {
        let met = if ours.peak <= 64.0 { "met" } else { "missed" };
        say::line(&format!("memory under load: {:.1} MiB at most (target ≤ 64: {met})", ours.peak));
    }
}
