//! The program `sluice`: the whole gate in one process, and its tools.

pub mod builtin;
pub mod cli;
pub mod client;
pub mod command;
pub mod control;
pub mod demo;
pub mod exit;
pub mod gate;
pub mod input;
pub mod output;
pub mod qr;
pub mod state;

use std::sync::Arc;

use sluice_embedded::{SystemClock, SystemEntropy};
use sluice_ports::Clock;

use cli::{
    Audit, AuditVerify, Bucket, Channels, Cli, Command, Config, Consent, Endpoints, Link, ReceiptAction,
    Scripts,
};
use output::{CommandError, Output};
use state::StateError;

/// Runs one command line; `argv` is what it was parsed from.
///
/// # Errors
/// What is wrong and what to do, with its exit code.
pub async fn run(cli: &Cli, argv: Vec<String>) -> Result<Output, CommandError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    match &cli.command {
        Command::Serve(args) => command::serve::run(args, &cli.place).await,
        Command::Demo(args) => demo::run(args, cli.json).await,
        Command::Send(args) => {
            let settings = state::settings(&cli.place)?;
            let secrets = state::secrets(&cli.place, Arc::clone(&clock))?;
            command::send::run(args, &settings, secrets.as_ref(), &clock, &SystemEntropy).await
        }
        Command::Verify(args) => command::verify::run(args, clock.now()),
        Command::Scan(args) => command::scan::run(args, &state::settings(&cli.place)?, clock.now()),
        Command::Channels(Channels::Codes(args)) => Ok(command::channels::codes(args)),
        Command::Channels(Channels::MiniLink(args)) => {
            let settings = state::settings(&cli.place)?;
            let secrets = state::secrets(&cli.place, Arc::clone(&clock))?;
            command::channels::mini_link(args, &settings, secrets, clock).await
        }
        Command::Channels(Channels::ContactWay(args)) => {
            let settings = state::settings(&cli.place)?;
            let secrets = state::secrets(&cli.place, Arc::clone(&clock))?;
            command::channels::contact_way(args, &settings, secrets, clock).await
        }
        Command::Script(Scripts::Render(args)) => {
            let (settings, files) = (state::settings(&cli.place)?, state::files(&cli.place));
            command::script::render(args, (&settings, files), clock.now()).await
        }
        Command::Endpoints(Endpoints::Test { which, text }) => {
            let settings = state::settings(&cli.place)?;
            let secrets = state::secrets(&cli.place, Arc::clone(&clock))?;
            command::endpoints::test(which, text, &settings, secrets, clock).await
        }
        Command::Lexicon(command) => command::lexicon::run(command),
        Command::Bucket(Bucket::Hash(args)) => command::bucket::hash(args),
        Command::Bucket(Bucket::Assign(args)) => command::bucket::assign(args, &state::settings(&cli.place)?),
        Command::Rules(command) => command::rules::run(command, &cli.place, clock).await,
        Command::Safety(command) => {
            let settings = state::settings(&cli.place)?;
            let secrets = state::secrets(&cli.place, Arc::clone(&clock))?;
            command::safety::run(command, &settings, secrets, clock).await
        }
        Command::Config(Config::Check) => Ok(command::config::check_all(cli.place.config.as_deref())),
        Command::Config(Config::Compile { directory }) => {
            command::config::compile_to(cli.place.config.as_deref(), directory)
        }
        Command::Config(Config::Init { directory }) => command::config::init(directory),
        Command::Audit(Audit::Verify(AuditVerify { file: Some(file), public_key, .. })) => {
            command::audit::verify_file(file, public_key)
        }
        Command::Consent(Consent::Receipt {
            action: Some(ReceiptAction::Verify { file, public_key }),
            ..
        }) => command::receipt::verify(file, public_key),
        Command::Link(Link::Check(args)) => command::link::check(args, &state::settings(&cli.place)?),
        Command::Link(Link::Qr(args)) => command::link::qr(args, &state::settings(&cli.place)?),
        Command::Link(Link::Sign(_) | Link::Verify(_))
        | Command::Audit(_)
        | Command::Dlq(_)
        | Command::Endpoints(_)
        | Command::Reconcile(_)
        | Command::Consent(_)
        | Command::Review(_)
        | Command::Keys(_) => here_or_there(cli, argv, clock).await,
    }
}

/// Runs a command on the data directory, or in the server that holds it.
async fn here_or_there(cli: &Cli, argv: Vec<String>, clock: Arc<dyn Clock>) -> Result<Output, CommandError> {
    let consent_text = command::consent_text(&cli.command)?;
    match state::open(&cli.place, clock).await {
        Ok(state) => command::on_state(&cli.command, consent_text.as_deref(), &state).await,
        Err(StateError::InUse) => control::forward(&cli.place.data, argv, consent_text).await,
        Err(StateError::Command(error)) => Err(error),
    }
}
