use std::sync::Arc;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::json;
use sluice_aws::{
    Connection, KmsHeadSigner, LockMode, Names, Queues, ReportsPlace, Resource, S3Reports, Store,
    SystemClock, SystemEntropy, Tables,
};
use sluice_domain::id::{TenantId, TraceId};
use sluice_domain::time::BusinessDay;
use sluice_evidence::{Evidence, Standing};
use sluice_ports::{AuditLog as _, Clock as _, HeadSigner as _};

use crate::{Failure, say};

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Compare days with what was sealed, one line each; fails when one differs or is not sealed.
    Verify {
        /// Whose records.
        #[arg(long)]
        tenant: TenantId,
        /// The day, in China Standard Time, or the first of several; default yesterday.
        #[arg(long)]
        day: Option<BusinessDay>,
        /// The last day.
        #[arg(long, requires = "day")]
        to: Option<BusinessDay>,
        #[command(flatten)]
        place: Place,
    },
    /// Print a proof file: of an event's record, or that no day was rewritten between two.
    Prove(Prove),
    /// The public keys that verify proofs, the one in force first.
    PublicKey {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["trace", "from"]))]
pub(crate) struct Prove {
    /// Whose records.
    #[arg(long)]
    tenant: TenantId,
    /// An event, by its trace id.
    #[arg(long)]
    trace: Option<TraceId>,
    /// Hold back what the record says.
    #[arg(long, requires = "trace")]
    redacted: bool,
    /// The earlier of two days.
    #[arg(long, requires = "to")]
    from: Option<BusinessDay>,
    /// The later one.
    #[arg(long, requires = "from")]
    to: Option<BusinessDay>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The table of audit records.
    #[arg(long, env = "SLUICE_TABLE_AUDIT")]
    audit_table: String,
    /// The bucket of digests.
    #[arg(long, env = "SLUICE_DIGESTS")]
    digests: String,
    /// The ARN of the key that signs heads.
    #[arg(long, env = "SLUICE_AUDIT_KEY")]
    audit_key: String,
    /// Public keys that signed before it, with commas between.
    #[arg(long, env = "SLUICE_AUDIT_KEYS_RETIRED", default_value = "")]
    retired_keys: String,
}

/// The deployed stack's audit log.
struct Log {
    store: Store<Queues>,
    digests: S3Reports,
    signer: KmsHeadSigner,
}

impl Log {
    fn open(place: Place, connection: &Connection) -> Result<Self, Failure> {
        let clock = Arc::new(SystemClock);
        let names = Names::default().with(Resource::AuditTable, place.audit_table);
        let tables =
            Tables::new(connection.dynamodb(), names.clone(), clock.clone(), Arc::new(SystemEntropy));
        let retired = KmsHeadSigner::retired(&place.retired_keys)?;
        // Nothing is written here: how digests are locked does not matter.
        let place_of_digests = ReportsPlace {
            reports: String::new(),
            digests: place.digests,
            lock: LockMode::Compliance,
            keep_days: 0,
        };
        Ok(Self {
            store: Store { tables, queues: Queues::new(connection.sqs(), names, clock.clone()) },
            digests: S3Reports::new(connection.s3(), place_of_digests, clock.clone()),
            signer: KmsHeadSigner::new(connection.kms(), place.audit_key, retired, clock),
        })
    }

    fn evidence(&self) -> Evidence<'_, Store<Queues>, S3Reports, KmsHeadSigner> {
        Evidence { log: &self.store, digests: &self.digests, signer: &self.signer }
    }
}

pub(crate) async fn run(command: Audit, connection: &Connection) -> Result<(), Failure> {
    match command {
        Audit::Verify { tenant, day, to, place } => {
            let log = Log::open(place, connection)?;
            let first = day.unwrap_or_else(|| SystemClock.now().business_day().previous());
            verify(&log, &tenant, first, to.unwrap_or(first)).await
        }
        Audit::Prove(args) => prove(args, connection).await,
        Audit::PublicKey { place } => {
            for key in Log::open(place, connection)?.signer.trusted().await?.all() {
                say(&json!({ "key": key.id(), "algorithm": key.algorithm(), "pem": key.to_pem() }))?;
            }
            Ok(())
        }
    }
}

async fn verify(log: &Log, tenant: &TenantId, first: BusinessDay, last: BusinessDay) -> Result<(), Failure> {
    let (mut day, mut differing) = (first, 0_usize);
    while day <= last {
        let standing = log.evidence().verify(tenant, day).await?;
        if !matches!(standing, Standing::Intact(_)) {
            differing = differing.saturating_add(1);
        }
        let (seal, sha256, findings) = standing.parts();
        say(&json!({ "tenant": tenant, "day": day, "seal": seal, "sha256": sha256, "findings": findings }))?;
        day = day.end().business_day();
    }
    if differing == 0 { Ok(()) } else { Err(format!("{differing} days are not what was sealed").into()) }
}

async fn prove(args: Prove, connection: &Connection) -> Result<(), Failure> {
    let log = Log::open(args.place, connection)?;
    let proof = match (args.trace, args.from, args.to) {
        (Some(trace), ..) => {
            let record = log.store.audit_of_trace(&args.tenant, trace).await?;
            let record = record
                .ok_or("no record of this trace: it was not decided yet, or belongs to another tenant")?;
            log.evidence().prove_record(&record, args.redacted).await?
        }
        (None, Some(from), Some(to)) => log.evidence().prove_days(&args.tenant, from, to).await?,
        _ => return Err("expected `--trace`, or `--from` and `--to`".into()),
    };
    say(&json!(proof))
}
