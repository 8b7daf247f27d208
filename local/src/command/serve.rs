//! `sluice serve`.

use std::path::Path;
use std::sync::Arc;

use clap::Parser as _;
use serde_json::json;
use sluice_channels::Endpoints;
use sluice_embedded::SystemClock;
use sluice_ports::Clock;
use sluice_telemetry::Metrics;

use crate::cli::{Cli, Place, Serve};
use crate::control::{self, Runner};
use crate::exit::Exit;
use crate::gate::{Gate, GateOptions};
use crate::output::{CommandError, Output};
use crate::state::{self, State, StateError};

/// Runs until SIGINT or SIGTERM.
///
/// # Errors
/// When the data directory, the configuration, the secrets or the address can not be used.
pub async fn run(args: &Serve, place: &Place) -> Result<Output, CommandError> {
    sluice_telemetry::init_logging(args.json_logs)
        .map_err(|error| CommandError::configuration(error.to_string()))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let secrets = state::secrets(place, Arc::clone(&clock))?;
    let state = state::open(place, clock).await.map_err(|error| match error {
        StateError::InUse => CommandError::unavailable(format!(
            "data directory `{}` is in use by another process: stop it, or give another --data",
            place.data.display()
        )),
        StateError::Command(error) => error,
    })?;
    let options = GateOptions {
        listen: args.listen,
        endpoints: endpoints(args)?,
        censors: args.censors.endpoints()?,
        front_door_only: args.front_door_only,
        metrics: Metrics::default(),
    };
    let control = listen(&place.data, state.clone())?;
    let gate = Gate::start(state, secrets, options).await?;
    tracing::info!(address = %gate.address, "listening on http://{}", gate.address);
    announce(&gate);
    stop_signal().await?;
    tracing::info!("stopping");
    control.abort();
    gate.stop().await;
    Ok(Output::one(Exit::Ok, "", json!({ "stopped": true })))
}

/// One line on standard output, for whoever started it with port 0.
fn announce(gate: &Gate) {
    use std::io::Write as _;
    let line = json!({ "listening": format!("http://{}", gate.address) });
    let mut out = std::io::stdout().lock();
    if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
        tracing::warn!("standard output is closed: {error}");
    }
}

fn endpoints(args: &Serve) -> Result<Endpoints, CommandError> {
    let given =
        |address: &Option<String>, default: &str| address.clone().unwrap_or_else(|| default.to_owned());
    let defaults = Endpoints::default();
    Endpoints::new(
        given(&args.feishu, defaults.feishu()),
        given(&args.wecom, defaults.wecom()),
        given(&args.wechat, defaults.wechat()),
    )
    .map_err(|error| CommandError::configuration(error.to_string()))
}

async fn stop_signal() -> Result<(), CommandError> {
    use tokio::signal::unix::{SignalKind, signal};
    let unusable = |error: std::io::Error| CommandError::unavailable(format!("no signal handler: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(unusable)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unusable)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn listen(data: &Path, state: State) -> Result<tokio::task::JoinHandle<()>, CommandError> {
    control::listen(data, Arc::new(Forwarded { state })).map_err(|error| {
        CommandError::unavailable(format!("no control socket in `{}`: {error}", data.display()))
    })
}

/// Runs the command lines that other processes forward.
struct Forwarded {
    state: State,
}

impl Runner for Forwarded {
    async fn run(&self, argv: Vec<String>, consent_text: Option<String>) -> Result<Output, CommandError> {
        let cli = Cli::try_parse_from(argv).map_err(|error| CommandError::usage(error.to_string()))?;
        super::on_state(&cli.command, consent_text.as_deref(), &self.state).await
    }
}
