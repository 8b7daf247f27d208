//! `sluice-aws`: what operators do to a deployed stack's keys and configuration, reviewers to what waits, and anybody asks of its audit log, with their
//! own credentials.
//!
//! No function may rotate, wrap anew or destroy keys, so a person does it from a shell:
//!
//! ```text
//! eval "$(aws configure export-credentials --format env)"; export AWS_REGION=ap-east-1
//! export SLUICE_TABLE_KEYS=sluice-keys SLUICE_KMS_KEY=arn:aws:kms:…      # both are in the stack's resources and outputs
//! sluice-aws keys rotate --tenant demo-brand
//! sluice-aws keys rewrap --all [--retired <ARN of the KMS key before>]
//! sluice-aws config publish --from config --to s3://<bucket>/config --version 2026-11-21a
//! export SLUICE_TABLE_AUDIT=sluice-audit SLUICE_DIGESTS=<bucket> SLUICE_AUDIT_KEY=arn:aws:kms:…
//! sluice-aws audit verify --tenant demo-brand --day 2026-11-20
//! sluice-aws audit prove --tenant demo-brand --trace <trace id> > proof.json
//! SLUICE_TABLE_CONSENT=… SLUICE_TABLE_EXPOSURES=… SLUICE_TABLE_DELIVERIES=… SLUICE_TABLE_ORDERS=… SLUICE_TABLE_RECEIPTS=… SLUICE_TABLE_REVIEWS=… \
//!   sluice-aws consent erase --tenant demo-brand --person p-…
//! export SLUICE_TABLE_REVIEWS=sluice-reviews SLUICE_QUEUE_EVENTS=https://sqs… SLUICE_QUEUE_ASSIGNED=https://sqs…
//! sluice-aws review list --tenant demo-brand
//! sluice-aws review approve --tenant demo-brand <TRACE> --by 王芳 --why '客户本人留的号码'
//! export SLUICE_CONFIG=s3://<bucket>/config SLUICE_SECRETS_PREFIX=sluice
//! SLUICE_TABLE_RECEIPTS=sluice-receipts sluice-aws endpoints list --tenant demo-brand
//! SLUICE_TABLE_RECEIPTS=sluice-receipts sluice-aws endpoints enable --tenant demo-brand wecom-sales-group
//! ```
//!
//! Exit codes are those of `sluice`: 0 yes, 1 no, 2 wrong arguments, 3 the set-up, 4 not there now.
//!
//! Permissions of `consent erase`: `dynamodb:Query`, `Scan`, `PutItem`, `UpdateItem`, `DeleteItem` on those tables and the index of exposures.
//!
//! Permissions of the rest: `dynamodb:Query`, `Scan`, `PutItem`, `UpdateItem`, `DeleteItem` on the keys table; on the KMS key
//! `kms:GenerateDataKeyWithoutPlaintext` (rotate) and `kms:ReEncryptFrom`/`kms:ReEncryptTo` (rewrap), under the condition that
//! `kms:EncryptionContext:tenant` is there. `kms:Decrypt` is not among them: an operator never sees a tenant's key.
//! For `review`, another role: `dynamodb:GetItem`, `PutItem`, `BatchGetItem` on the reviews table and `Query` on its index `by-state`; `dynamodb:Query` on
//! the keys table and `kms:Decrypt` under the conditions of the functions' roles; `sqs:SendMessage` on the `events` and `assigned` queues.
//! For `endpoints`: `dynamodb:GetItem`, `PutItem` on the receipts table; `s3:GetObject` on the configuration, where it is in a bucket; for `test` also
//! `secretsmanager:GetSecretValue` on the platforms' secrets.
//! For `config publish`: `s3:GetObject`, `s3:PutObject` and `s3:ListBucket` on the configuration's bucket.
//! For `audit`: `dynamodb:Query` on the audit table's indexes and `dynamodb:GetItem`, `BatchGetItem` on it, `s3:ListBucketVersions` and `s3:GetObjectVersion` on
//! the digests' bucket, `kms:GetPublicKey` on the audit key. Nobody but the night's role may sign.

mod audit;
mod endpoints;
mod review;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};
use sluice_aws::{
    Connection, ConnectionError, KeyOperator, KeyPlace, Names, Resource, SettingsError, Store, SystemClock,
    SystemEntropy, Tables, Unnamed,
};
use sluice_channels::NotTriedOut;
use sluice_domain::failure::FailureKind;
use sluice_domain::id::{PersonId, TenantId};
use sluice_erasure::{Erased, Eraser};
use sluice_evidence::EvidenceError;
use sluice_ports::{Clock, Destroyed, OutboundMessage, Outbox, PortError, Queue, SendFailure};
use sluice_review::DeskError;
use sluice_settings::LoadError;

use endpoints::NotConfigured;

/// Keys, configuration and audit log of a deployed stack. Answers are JSON, one line each.
#[derive(Debug, Parser)]
#[command(name = "sluice-aws", version, arg_required_else_help = true)]
enum Command {
    /// Tenants' keys.
    #[command(subcommand)]
    Keys(Keys),
    /// The configuration.
    #[command(subcommand)]
    Config(Config),
    /// The audit log as evidence: compare days with what was sealed, prove records and days to others.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// People.
    #[command(subcommand)]
    Consent(Consent),
    /// What waits for a person.
    #[command(subcommand)]
    Review(review::Review),
    /// Destinations that are broken or disabled.
    #[command(subcommand)]
    Endpoints(endpoints::Endpoints),
}

#[derive(Debug, Subcommand)]
enum Consent {
    /// Erase a person: destroy what is known of them, put away what law says to keep. It can not be undone.
    Erase {
        /// Whose customer.
        #[arg(long)]
        tenant: TenantId,
        /// The pseudonym, `p-…`, as audit records show it.
        #[arg(long)]
        person: PersonId,
    },
}

#[derive(Debug, Subcommand)]
enum Keys {
    /// List a tenant's keys, without a byte of them.
    List {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        place: Place,
    },
    /// Add a data key, which seals eleven minutes from now; older ones still open.
    Rotate {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        place: Place,
    },
    /// Wrap all keys anew under the KMS key in force.
    Rewrap {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        place: Place,
    },
    /// Destroy a tenant's keys: what they sealed is lost for ever, once the table's backups have ended.
    Destroy {
        /// Whose keys.
        #[arg(long)]
        tenant: TenantId,
        /// The tenant's id once more.
        #[arg(long, value_name = "TENANT")]
        yes_destroy: TenantId,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// One tenant's keys.
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Every tenant's that has keys.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
struct Place {
    /// The keys table.
    #[arg(long, env = "SLUICE_TABLE_KEYS")]
    table: String,
    /// The ARN of the KMS key in force.
    #[arg(long, env = "SLUICE_KMS_KEY")]
    kms_key: String,
    /// ARNs of KMS keys that wrapped before it.
    #[arg(long)]
    retired: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Config {
    /// Check a directory, upload it as a new version and make that the current one.
    Publish {
        /// The directory.
        #[arg(long)]
        from: PathBuf,
        /// `s3://bucket/prefix`, as in `SLUICE_CONFIG`.
        #[arg(long)]
        to: String,
        /// A name that was not used before.
        #[arg(long)]
        version: String,
    },
}

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Command::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _closed = writeln!(std::io::stderr().lock(), "error: {error}");
            ExitCode::from(code_of(error.as_ref()))
        }
    }
}

/// As `sluice` answers: 1 it is a no, 2 wrong arguments, 3 a person must mend the set-up, 4 what it needs is not there now.
fn code_of(error: &(dyn std::error::Error + 'static)) -> u8 {
    if error.is::<NotTriedOut>() {
        return 2;
    }
    let kinds = [
        error.downcast_ref::<ConnectionError>().map(ConnectionError::kind),
        error.downcast_ref::<PortError>().map(PortError::kind),
        error.downcast_ref::<DeskError>().map(DeskError::kind),
        error.downcast_ref::<EvidenceError>().map(EvidenceError::kind),
        error.downcast_ref::<Unnamed>().map(Unnamed::kind),
        error.downcast_ref::<NotConfigured>().map(|_| FailureKind::Configuration),
        error.downcast_ref::<SettingsError>().map(SettingsError::kind),
        error.downcast_ref::<LoadError>().map(LoadError::kind),
    ];
    match kinds.into_iter().flatten().next() {
        None | Some(FailureKind::Permanent) => 1,
        Some(FailureKind::Configuration) => 3,
        Some(FailureKind::Retry | FailureKind::ThrottledUntil(_) | FailureKind::InDoubt) => 4,
    }
}

/// Says whether the answer is yes.
async fn run(command: Command) -> Result<bool, Failure> {
    let connection = Connection::from_environment()?;
    match command {
        Command::Keys(keys) => run_keys(keys, &connection).await?,
        Command::Audit(command) => audit::run(command, &connection).await?,
        Command::Consent(Consent::Erase { tenant, person }) => erase(tenant, person, &connection).await?,
        Command::Config(Config::Publish { from, to, version }) => {
            let (client, now) = (connection.s3(), SystemClock.now());
            sluice_aws::settings::publish(&from, &to, &version, client, now).await?;
            say(&json!({ "published": version }))?;
        }
        Command::Review(command) => {
            let answer = Box::pin(review::run(command, &connection)).await?;
            answer.lines.iter().try_for_each(say)?;
            return Ok(answer.yes);
        }
        Command::Endpoints(command) => return Box::pin(endpoints::run(command, &connection)).await,
    }
    Ok(true)
}

/// The tables that hold something of a person.
const TABLES: [Resource; 6] = [
    Resource::ConsentTable,
    Resource::ExposuresTable,
    Resource::DeliveriesTable,
    Resource::OrdersTable,
    Resource::ReceiptsTable,
    Resource::ReviewsTable,
];

async fn erase(tenant: TenantId, person: PersonId, connection: &Connection) -> Result<(), Failure> {
    if person.is_reference() {
        return Err("this is the reference of somebody who was erased".into());
    }
    let names = Names::from_environment(&TABLES)?;
    let tables = Tables::new(connection.dynamodb(), names, Arc::new(SystemClock), Arc::new(SystemEntropy));
    let store = Store { tables, queues: NoQueues };
    let eraser = Eraser { store: &store, entropy: &SystemEntropy, now: SystemClock.now(), keys: None };
    let Erased { reference, at, destroyed } = eraser.erase(&tenant, &person).await?;
    let Destroyed { destroyed, restricted, .. } = destroyed;
    say(&json!({
        "report": "sluice/erasure/v1", "tenant": tenant, "reference": reference, "erased_at": at.to_string(),
        "destroyed": destroyed, "restricted": restricted,
        "remains": [
            "one entry that this person was erased and when, so that a late or captured callback does not bring them back",
            "audit records with the pseudonym; the key of pseudonyms is the tenant's and is not destroyed",
            "messages on queues, refused when they come: four days at most, dead letters fourteen",
            "point-in-time recovery of the tables: thirty-five days",
        ],
    }))
}

/// An operator sends nothing.
struct NoQueues;

impl Outbox for NoQueues {
    async fn send(&self, _: Queue, messages: Vec<OutboundMessage>) -> Vec<SendFailure> {
        let error = || PortError::Missing { what: "queue", cause: "the operator's program has none".into() };
        (0..messages.len()).map(|index| SendFailure { index, error: error() }).collect()
    }
}

async fn run_keys(command: Keys, connection: &Connection) -> Result<(), Failure> {
    match command {
        Keys::List { whose, place } => {
            let operator = operator(place, connection);
            for tenant in tenants(&operator, whose).await? {
                say(&json!({ "tenant": tenant, "keys": operator.list(&tenant).await? }))?;
            }
        }
        Keys::Rotate { whose, place } => {
            let operator = operator(place, connection);
            for tenant in tenants(&operator, whose).await? {
                say(&json!({ "tenant": tenant, "data_key": operator.rotate(&tenant).await? }))?;
            }
        }
        Keys::Rewrap { whose, place } => {
            let operator = operator(place, connection);
            for tenant in tenants(&operator, whose).await? {
                say(&json!({ "tenant": tenant, "rewrapped": operator.rewrap(&tenant).await? }))?;
            }
        }
        Keys::Destroy { tenant, yes_destroy, place } => {
            if tenant != yes_destroy {
                return Err("--yes-destroy must repeat the tenant's id".into());
            }
            let destroyed = operator(place, connection).destroy(&tenant).await?;
            say(&json!({ "tenant": tenant, "destroyed": destroyed }))?;
        }
    }
    Ok(())
}

fn operator(place: Place, connection: &Connection) -> KeyOperator {
    let Place { table, kms_key, retired } = place;
    let place = KeyPlace { table, kms_key, retired };
    KeyOperator::new(connection.kms(), connection.dynamodb(), place, Arc::new(SystemClock))
}

async fn tenants(operator: &KeyOperator, whose: Whose) -> Result<Vec<TenantId>, Failure> {
    match whose.tenant {
        Some(tenant) => Ok(vec![tenant]),
        None => Ok(operator.tenants().await?),
    }
}

fn say(line: &Value) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}
