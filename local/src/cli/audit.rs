use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use sluice_domain::audit::SignatureAlgorithm;
use sluice_domain::audit::tree::Hash;
use sluice_domain::id::{MessageId, SourceId, TenantId, TraceId};
use sluice_domain::time::BusinessDay;

/// `audit`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// One event: the decision, its reasons and rule path, the delivery.
    #[command(after_help = "Example: sluice audit show --tenant demo-brand 019aa3f0-…")]
    Show {
        /// Whose event.
        #[arg(long)]
        tenant: TenantId,
        /// Its trace id.
        trace: TraceId,
    },
    /// The events of a day, a line each.
    #[command(after_help = "Example: sluice audit list --tenant demo-brand --day 2026-11-20 --json")]
    List {
        /// Whose events.
        #[arg(long)]
        tenant: TenantId,
        /// The day, in China Standard Time; default today.
        #[arg(long)]
        day: Option<BusinessDay>,
    },
    /// Compare days with what the nightly run sealed, and name what was changed, added or removed; or check a proof file that somebody gave you,
    /// which needs no data directory. Exits with 1 when anything differs, is missing or does not hold.
    #[command(
        alias = "verify-digest",
        after_help = "Example: sluice audit verify --tenant demo-brand --day 2026-11-20\n         sluice audit verify proof.json --public-key audit-key.pem"
    )]
    Verify(AuditVerify),
    /// Prove to somebody else that an event's record is what was sealed, or that no day between two was rewritten.
    #[command(
        after_help = "Example: sluice audit prove --tenant demo-brand --trace 019aa3f0-… --out proof.json\n         sluice audit prove --tenant demo-brand --consistency --from 2026-11-01 --to 2026-11-20 --out proof.json"
    )]
    Prove(AuditProve),
    /// The public keys that verify proofs, in PEM: the one in force, then older ones.
    #[command(after_help = "Example: sluice audit public-key > audit-key.pem")]
    PublicKey,
    /// What records hold of a callback's body, from the SHA-256 of its bytes: to find the records of a body that you have.
    #[command(
        after_help = "Example: sluice audit payload --tenant demo-brand --sha256 $(sha256sum body | cut -d' ' -f1)"
    )]
    Payload {
        /// Whose callback.
        #[arg(long)]
        tenant: TenantId,
        /// As `sha256sum` prints it.
        #[arg(long)]
        sha256: Hash,
    },
    /// Sign with a new key from now on; what older ones signed still counts.
    #[command(after_help = "Example: sluice audit rotate-key")]
    RotateKey {
        /// `ecdsa-p256-sha256`, or `sm2-sm3` in a build with `--features sm2`.
        #[arg(long, default_value = "ecdsa-p256-sha256")]
        algorithm: SignatureAlgorithm,
    },
}

/// `audit verify`.
#[derive(Debug, Args)]
pub struct AuditVerify {
    /// A proof file; then nothing but `--public-key` is needed.
    #[arg(required_unless_present = "tenant", conflicts_with = "tenant", requires = "public_key")]
    pub file: Option<PathBuf>,
    /// A key that you trust, in PEM; may be given several times.
    #[arg(long, requires = "file", value_name = "PEM")]
    pub public_key: Vec<PathBuf>,
    /// Whose records.
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// The day, in China Standard Time; default yesterday.
    #[arg(long, conflicts_with_all = ["from", "to", "file"])]
    pub day: Option<BusinessDay>,
    /// The first of several days.
    #[arg(long, conflicts_with = "file")]
    pub from: Option<BusinessDay>,
    /// The last of several days; default yesterday.
    #[arg(long, requires = "from")]
    pub to: Option<BusinessDay>,
}

/// `audit prove`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["trace", "event", "consistency"]))]
pub struct AuditProve {
    /// Whose records.
    #[arg(long)]
    pub tenant: TenantId,
    /// An event, by its trace id.
    #[arg(long)]
    pub trace: Option<TraceId>,
    /// An event, by the platform's message id; with `--source`.
    #[arg(long, requires = "source", value_name = "MESSAGE")]
    pub event: Option<MessageId>,
    /// Where the event came in.
    #[arg(long, requires = "event")]
    pub source: Option<SourceId>,
    /// Hold back what the record says: the file then has its hash only.
    #[arg(long, conflicts_with = "consistency")]
    pub redacted: bool,
    /// That no day was rewritten between `--from` and `--to`.
    #[arg(long, requires_all = ["from", "to"])]
    pub consistency: bool,
    /// The earlier day.
    #[arg(long, requires = "consistency")]
    pub from: Option<BusinessDay>,
    /// The later day.
    #[arg(long, requires = "consistency")]
    pub to: Option<BusinessDay>,
    /// Where to write the proof; default standard output.
    #[arg(long)]
    pub out: Option<PathBuf>,
}
