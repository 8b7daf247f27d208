//! The commands: each takes its arguments and gives an [`Output`].

pub mod audit;
pub mod bucket;
pub mod channels;
pub mod config;
pub mod consent;
pub mod dlq;
pub mod endpoints;
pub mod erasure;
pub mod keys;
pub mod lexicon;
pub mod link;
pub mod receipt;
pub mod reconcile;
pub mod review;
pub mod rules;
pub mod safety;
pub mod scan;
pub mod script;
pub mod send;
pub mod serve;
pub mod verify;

use crate::cli::{Command, Consent, Keys, Link, Person};
use crate::output::{CommandError, Output};
use crate::state::State;

/// Runs a command that works on an open data directory, here or in the server that holds it.
///
/// `consent_text` is the content of `--text-file`, read where the command was called.
///
/// # Errors
/// The command's own.
pub async fn on_state(
    command: &Command,
    consent_text: Option<&str>,
    state: &State,
) -> Result<Output, CommandError> {
    match command {
        Command::Audit(command) => audit::run(command, state).await,
        Command::Dlq(command) => dlq::run(command, &state.store).await,
        Command::Endpoints(command) => endpoints::run(command, state).await,
        Command::Reconcile(args) => reconcile::run(args, state).await,
        Command::Consent(Consent::Receipt {
            action: None,
            tenant: Some(tenant),
            open_id,
            person_id,
            out,
        }) => {
            let who =
                Person { tenant: tenant.clone(), open_id: open_id.clone(), person_id: person_id.clone() };
            receipt::issue(&who, out.as_deref(), state).await
        }
        Command::Consent(Consent::Erase { who, report }) => {
            erasure::erase(who, report.as_deref(), state).await
        }
        Command::Consent(Consent::EraseDue { tenant, day }) => {
            let day = day.unwrap_or_else(|| state.clock.now().business_day().previous());
            erasure::erase_due(tenant, day, state).await
        }
        Command::Consent(command) => {
            consent::run(
                command,
                consent_text,
                &state.settings.current(),
                &state.store,
                &state.keys,
                state.clock.now(),
            )
            .await
        }
        Command::Review(command) => review::run(command, state).await,
        Command::Keys(Keys::Rotate { tenant }) => keys::rotate(tenant, state).await,
        Command::Link(Link::Sign(args)) => link::sign(args, state).await,
        Command::Link(Link::Verify(args)) => link::verify(args, state).await,
        Command::Link(Link::Check(_) | Link::Qr(_))
        | Command::Serve(_)
        | Command::Demo(_)
        | Command::Send(_)
        | Command::Verify(_)
        | Command::Scan(_)
        | Command::Script(_)
        | Command::Channels(_)
        | Command::Lexicon(_)
        | Command::Bucket(_)
        | Command::Config(_)
        | Command::Safety(_)
        | Command::Rules(_) => Err(CommandError::usage("this command does not work on a data directory")),
    }
}

/// The content of `--text-file`, if the command has one.
///
/// # Errors
/// When the file can not be read.
pub fn consent_text(command: &Command) -> Result<Option<String>, CommandError> {
    match command {
        Command::Consent(Consent::Grant { text_file, .. }) => crate::input::text(text_file).map(Some),
        _ => Ok(None),
    }
}
