//! `sluice-aws review`: the reviewer's desk on a deployed stack, with the reviewer's own credentials.

use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sluice_domain::id::{TenantId, TraceId};
use sluice_domain::review::{Ballot, Point, ReviewerName, Says, StateName, Voter, Why};
use sluice_ports::{Clock as _, Queue};
use sluice_review::{Desk, DeskError, Voted, Which};

use sluice_aws::{
    Connection, KeyPlace, KmsKeyRing, Making, Names, Queues, Resource, Store, SystemClock, SystemEntropy,
    Tables,
};

/// Reviews: list, show, approve, reject.
#[derive(Debug, Subcommand)]
pub(crate) enum Review {
    /// List a tenant's reviews, oldest first, masked.
    List {
        /// Whose.
        #[arg(long)]
        tenant: TenantId,
        /// open, approved, cleared, blocked, rejected or expired.
        #[arg(long, default_value = "open")]
        state: StateName,
        /// Where the stack's parts are.
        #[command(flatten)]
        place: ReviewPlace,
    },
    /// Show one, masked; with --unmasked the open text, once who looks and why is on record.
    Show {
        /// Which.
        #[command(flatten)]
        which: ReviewWhich,
        /// Show the open text.
        #[arg(long, requires_all = ["by", "why"])]
        unmasked: bool,
        /// Who looks.
        #[arg(long, requires = "unmasked")]
        by: Option<ReviewerName>,
        /// Why.
        #[arg(long, requires = "unmasked")]
        why: Option<Why>,
        /// Where the stack's parts are.
        #[command(flatten)]
        place: ReviewPlace,
    },
    /// Approve: the engine looks once more, then the event goes on.
    Approve {
        /// Which.
        #[command(flatten)]
        which: ReviewWhich,
        /// Whose voice.
        #[command(flatten)]
        voice: ReviewVoice,
        /// Where the stack's parts are.
        #[command(flatten)]
        place: ReviewPlace,
    },
    /// Reject: it is not sent.
    Reject {
        /// Which.
        #[command(flatten)]
        which: ReviewWhich,
        /// Whose voice.
        #[command(flatten)]
        voice: ReviewVoice,
        /// Where the stack's parts are.
        #[command(flatten)]
        place: ReviewPlace,
    },
}

/// Which review.
#[derive(Debug, Args)]
pub(crate) struct ReviewWhich {
    /// Whose.
    #[arg(long)]
    tenant: TenantId,
    /// The event's trace id.
    trace: TraceId,
    /// `event` or `message`; default the message if it was ever held back.
    #[arg(long)]
    point: Option<Point>,
}

/// A reviewer's voice.
#[derive(Debug, Args)]
pub(crate) struct ReviewVoice {
    /// Who.
    #[arg(long)]
    by: ReviewerName,
    /// Why; no personal data of customers: it is kept.
    #[arg(long)]
    why: Why,
}

/// The parts of the stack that a reviewer uses.
#[derive(Debug, Args)]
pub(crate) struct ReviewPlace {
    /// The reviews table.
    #[arg(long, env = "SLUICE_TABLE_REVIEWS")]
    table: String,
    /// The keys table.
    #[arg(long, env = "SLUICE_TABLE_KEYS")]
    keys_table: String,
    /// The ARN of the KMS key.
    #[arg(long, env = "SLUICE_KMS_KEY")]
    kms_key: String,
    /// The URL of the `events` queue: an approved event goes back there.
    #[arg(long, env = "SLUICE_QUEUE_EVENTS")]
    events: String,
    /// The URL of the `assigned` queue: an answered message goes back there.
    #[arg(long, env = "SLUICE_QUEUE_ASSIGNED")]
    assigned: String,
}

/// What a command answers: lines for standard output, and whether the answer is yes.
#[derive(Debug)]
pub(crate) struct Answer {
    /// JSON, one document a line.
    pub(crate) lines: Vec<Value>,
    /// It was done, or is there.
    pub(crate) yes: bool,
}

/// Runs a command.
///
/// # Errors
/// When a part of the stack can not be used.
pub(crate) async fn run(command: Review, connection: &Connection) -> Result<Answer, DeskError> {
    match command {
        Review::List { tenant, state, place } => {
            let (store, keys) = parts(place, connection);
            let views =
                Desk { store: &store, keys: &keys, now: SystemClock.now() }.list(&tenant, state).await?;
            Ok(Answer { lines: views.iter().map(|view| json!(view)).collect(), yes: true })
        }
        Review::Show { which, unmasked, by, why, place } => {
            let (store, keys) = parts(place, connection);
            let desk = Desk { store: &store, keys: &keys, now: SystemClock.now() };
            let shown = match (unmasked, by, why) {
                (true, Some(name), Some(why)) => {
                    let by = Voter::Person { name };
                    desk.look(&which.into(), Ballot { by, says: Says::Looked, why }).await
                }
                _ => desk.show(&which.into()).await,
            };
            answer(shown.map(|view| json!(view)))
        }
        Review::Approve { which, voice, place } => vote(which, voice, Says::Approve, place, connection).await,
        Review::Reject { which, voice, place } => vote(which, voice, Says::Reject, place, connection).await,
    }
}

async fn vote(
    which: ReviewWhich,
    voice: ReviewVoice,
    says: Says,
    place: ReviewPlace,
    connection: &Connection,
) -> Result<Answer, DeskError> {
    let (store, keys) = parts(place, connection);
    let ReviewVoice { by, why } = voice;
    let ballot = Ballot { by: Voter::Person { name: by }, says, why };
    let desk = Desk { store: &store, keys: &keys, now: SystemClock.now() };
    let voted = desk.vote(&which.into(), ballot).await;
    answer(voted.map(|Voted { view, again }| json!({ "state": view.state, "again": again, "review": view })))
}

/// A review that is not there or does not take the voice is a no.
fn answer(result: Result<Value, DeskError>) -> Result<Answer, DeskError> {
    match result {
        Ok(line) => Ok(Answer { lines: vec![line], yes: true }),
        Err(error @ (DeskError::Unknown(_) | DeskError::Vote(_))) => {
            Ok(Answer { lines: vec![json!({ "error": error.to_string() })], yes: false })
        }
        Err(error) => Err(error),
    }
}

impl From<ReviewWhich> for Which {
    fn from(which: ReviewWhich) -> Self {
        let ReviewWhich { tenant, trace, point } = which;
        Self { tenant, trace, point }
    }
}

fn parts(place: ReviewPlace, connection: &Connection) -> (Store, KmsKeyRing) {
    let ReviewPlace { table, keys_table, kms_key, events, assigned } = place;
    let names = Names::default()
        .with(Resource::ReviewsTable, table)
        .with(Resource::Queue(Queue::Events), events)
        .with(Resource::Queue(Queue::Assigned), assigned);
    let clock = Arc::new(SystemClock);
    let tables = Tables::new(connection.dynamodb(), names.clone(), clock.clone(), Arc::new(SystemEntropy));
    let queues = Queues::new(connection.sqs(), names, clock.clone());
    let place = KeyPlace { table: keys_table, kms_key, retired: Vec::new() };
    let keys = KmsKeyRing::new(connection.kms(), connection.dynamodb(), place, Making::Never, clock);
    (Store { tables, queues }, keys)
}
