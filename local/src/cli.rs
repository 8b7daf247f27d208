//! The command line.

mod audit;
mod channels;
mod endpoints;
mod link;
mod safety;
mod script;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use sluice_domain::consent::Separate;
use sluice_domain::id::TenantId;
use sluice_domain::review::{Point, ReviewerName, StateName, Why};
use sluice_domain::source::{Digest, SchemeName};
use sluice_domain::time::BusinessDay;

pub use audit::{Audit, AuditProve, AuditVerify};
pub use channels::{
    Channels, ChannelsCodes, ChannelsContactWay, ChannelsMiniLink, MiniLinkKind, PlatformName,
};
pub use endpoints::{EndpointWhich, Endpoints};
pub use link::{Link, LinkCheck, LinkQr, LinkSign, LinkVerify};
pub use safety::{CensorPlace, Safety, SafetyCheck};
pub use script::{ScriptRender, Scripts};

/// Sluice, the compliance gate between Douyin and private-domain channels.
#[derive(Debug, Parser)]
#[command(name = "sluice", version, about, propagate_version = true, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 yes/done, 1 no (not valid, breaks open, not found), 2 usage, 3 configuration, 4 not available.\nExample: sluice demo"
)]
pub struct Cli {
    /// Answer with JSON on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// Where configuration and state are.
    #[command(flatten)]
    pub place: Place,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Where configuration and state are.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// Configuration directory; without it, the configuration that is built in.
    #[arg(long, global = true, env = "SLUICE_CONFIG", value_name = "DIR")]
    pub config: Option<PathBuf>,
    /// Data directory.
    #[arg(long, global = true, env = "SLUICE_DATA", value_name = "DIR", default_value = "sluice-data")]
    pub data: PathBuf,
    /// Secrets file (mode 0600); default `secrets.json` in the data directory.
    #[arg(long, global = true, env = "SLUICE_SECRETS", value_name = "FILE")]
    pub secrets: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole gate: HTTP front door, queues, steps and the nightly schedule.
    #[command(
        after_help = "Example: sluice serve --config config --data /var/lib/sluice --listen 127.0.0.1:8080"
    )]
    Serve(Serve),
    /// Play genuine callbacks of all schemes through the gate against simulated platforms, and reconcile the totals.
    #[command(after_help = "Example: sluice demo --json")]
    Demo(Demo),
    /// Sign an event file as a source does, and POST it.
    #[command(
        after_help = "Example: sluice send --source open-platform --body follow.json --to http://127.0.0.1:8080"
    )]
    Send(Send),
    /// Say whether a callback's signature is right, and if not, what would be.
    #[command(
        after_help = "Example: sluice verify --scheme open-platform --secret S --header 'X-Douyin-Signature: 7f81…' --body body.json --json"
    )]
    Verify(Verify),
    /// Find listed words, contact diversion, phone numbers and links in a text.
    #[command(after_help = "Example: sluice scan --text '加我薇信 vx_12345' --json")]
    Scan(Scan),
    /// Links: which may be sent, signed links that expire, QR codes.
    #[command(subcommand)]
    Link(Link),
    /// Scripts (话术): see what they become.
    #[command(subcommand)]
    Script(Scripts),
    /// What is known of the channels: the meaning of every code.
    #[command(subcommand)]
    Channels(Channels),
    /// Compiled word lists: build, inspect, check, use.
    #[command(subcommand)]
    Lexicon(crate::command::lexicon::LexiconCommand),
    /// Hash keys, and show into which bucket, arm and script a person falls.
    #[command(subcommand)]
    Bucket(Bucket),
    /// Show why an event was or wasn't sent on.
    #[command(subcommand)]
    Audit(Audit),
    /// Destinations that work, are broken or were disabled: list, enable, disable, try out.
    #[command(subcommand)]
    Endpoints(Endpoints),
    /// Dead letters: list them with their reasons, put them back.
    #[command(subcommand)]
    Dlq(Dlq),
    /// Reconcile one tenant's day; exits with 1 when breaks are open.
    #[command(
        after_help = "Example: sluice reconcile --tenant demo-brand --day 2026-11-20 --html report.html"
    )]
    Reconcile(Reconcile),
    /// Grant, withdraw or show consent.
    #[command(subcommand)]
    Consent(Consent),
    /// What waits for a person: list, show, approve, reject.
    #[command(subcommand)]
    Review(Review),
    /// Douyin's text censor: ask it about a text.
    #[command(subcommand)]
    Safety(Safety),
    /// The key ring.
    #[command(subcommand)]
    Keys(Keys),
    /// The configuration.
    #[command(subcommand)]
    Config(Config),
    /// Rule packs: check, test, explain, compare, replay over stored events.
    #[command(subcommand)]
    Rules(crate::command::rules::Rules),
}

/// `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Address of the front door; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Log JSON lines instead of text.
    #[arg(long)]
    pub json_logs: bool,
    /// Base address of Feishu's API.
    #[arg(long, value_name = "URL")]
    pub feishu: Option<String>,
    /// Base address of WeCom's API.
    #[arg(long, value_name = "URL")]
    pub wecom: Option<String>,
    /// Base address of WeChat's API.
    #[arg(long, value_name = "URL")]
    pub wechat: Option<String>,
    /// Where the text censors are.
    #[command(flatten)]
    pub censors: CensorPlace,
    /// Accept and queue, but process nothing (for load measurements of the front door, and for maintenance).
    #[arg(long)]
    pub front_door_only: bool,
}

/// `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Keep the data directory here instead of a temporary one.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Write the reconciliation report of the demo as a page.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// `send`.
#[derive(Debug, Args)]
pub struct Send {
    /// The configured source to sign as.
    #[arg(long)]
    pub source: String,
    /// The callback's body: a file, or `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub body: PathBuf,
    /// Base address of the gate.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub to: String,
    /// The platform's id of the message, where the scheme carries it in a header.
    #[arg(long, value_name = "ID")]
    pub message_id: Option<String>,
}

/// `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The signing scheme.
    #[arg(long)]
    pub scheme: SchemeName,
    /// The secret: for `mini-app-encrypted` a JSON object with `token` and `encoding_aes_key`, for `trade-system` a public key in PEM.
    #[arg(long, required_unless_present = "secret_file", value_name = "SECRET")]
    pub secret: Option<String>,
    /// Read the secret from a file instead, so that it is in no process list.
    #[arg(long, conflicts_with = "secret", value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// The application's public key or id, where the scheme uses one (抖店 `app_key`, `client_key`).
    #[arg(long)]
    pub app_id: Option<String>,
    /// The digest of `open-platform`.
    #[arg(long, default_value = "sha1")]
    pub digest: DigestName,
    /// A header as it came, `Name: value`; repeat it.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// A query parameter as it came, `name=value`, decoded; repeat it.
    #[arg(long = "query", value_name = "NAME=VALUE")]
    pub queries: Vec<String>,
    /// The method.
    #[arg(long, default_value = "POST")]
    pub method: String,
    /// The raw body: a file, or `-` for standard input; without it, an empty body.
    #[arg(long, value_name = "FILE")]
    pub body: Option<PathBuf>,
    /// The moment to check timestamps against, in Unix seconds; without it, the callback's age is not checked.
    #[arg(long, value_name = "SECONDS")]
    pub at: Option<i64>,
}

/// The digests of the open-platform scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DigestName {
    /// hex SHA-1 of secret ‖ body, as the platform documents.
    Sha1,
    /// hex SHA-256 of secret ‖ body, for fronts that re-sign.
    Sha256,
}

impl From<DigestName> for Digest {
    fn from(name: DigestName) -> Self {
        match name {
            DigestName::Sha1 => Self::Sha1,
            DigestName::Sha256 => Self::Sha256,
        }
    }
}

/// `scan`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("scan_input").required(true).args(["text", "lines"]))]
pub struct Scan {
    /// The text.
    #[arg(long)]
    pub text: Option<String>,
    /// A file of texts, one a line; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub lines: Option<PathBuf>,
    /// Whose rules; default the first tenant.
    #[arg(long)]
    pub tenant: Option<TenantId>,
}

/// `bucket`.
#[derive(Debug, Subcommand)]
pub enum Bucket {
    /// Hash one key, or many.
    #[command(
        after_help = "Example: sluice bucket hash --algorithm murmur3-x86-32 --seed 0 --key exp1:p-1 --buckets 10000 --json"
    )]
    Hash(BucketHash),
    /// Show bucket, arm and script of a unit in an experiment.
    #[command(after_help = "Example: sluice bucket assign --experiment greeting --unit p-0011")]
    Assign(BucketAssign),
}

/// `bucket hash`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("hash_input").required(true).args(["key", "keys"]))]
pub struct BucketHash {
    /// The hash.
    #[arg(long, default_value = "murmur3-x86-32")]
    pub algorithm: Algorithm,
    /// Its seed.
    #[arg(long, default_value_t = 0)]
    pub seed: u32,
    /// The key.
    #[arg(long)]
    pub key: Option<String>,
    /// A file of keys, one a line; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Also scale the hash to so many buckets: (hash · N) >> 32.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub buckets: Option<u32>,
}

/// The hashes of `bucket hash`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    /// MurmurHash3, 32 bits, for x86.
    #[value(name = "murmur3-x86-32")]
    Murmur3X86_32,
}

/// `bucket assign`.
#[derive(Debug, Args)]
pub struct BucketAssign {
    /// Whose experiment; default the tenant that has it.
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// The experiment.
    #[arg(long)]
    pub experiment: sluice_domain::id::ExperimentId,
    /// The unit: a person's pseudonym.
    #[arg(long)]
    pub unit: String,
}

/// `dlq`.
#[derive(Debug, Subcommand)]
pub enum Dlq {
    /// List the dead letters with their reasons.
    #[command(after_help = "Example: sluice dlq list --json")]
    List,
    /// Put dead letters back on their queues: one, or all.
    #[command(after_help = "Example: sluice dlq redrive --all")]
    #[command(group = ArgGroup::new("which").required(true).args(["id", "all"]))]
    Redrive {
        /// The message id, from `dlq list`.
        #[arg(long)]
        id: Option<String>,
        /// All of them.
        #[arg(long)]
        all: bool,
    },
}

/// `reconcile`.
#[derive(Debug, Args)]
pub struct Reconcile {
    /// Whose day; default every tenant.
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// The day, in China Standard Time; default yesterday.
    #[arg(long)]
    pub day: Option<BusinessDay>,
    /// Also write the report as a page (one tenant only).
    #[arg(long, value_name = "FILE", requires = "tenant")]
    pub html: Option<PathBuf>,
}

/// `consent`.
#[derive(Debug, Subcommand)]
pub enum Consent {
    /// Record a consent that was given elsewhere.
    #[command(
        after_help = "Example: sluice consent grant --tenant demo-brand --open-id aaa-1 --purpose sales_contact --recipient wecom_sales --text-version 1 --text-file consent.txt --note 'paper form 17'"
    )]
    Grant {
        /// Who and what.
        #[command(flatten)]
        who: Person,
        /// For what.
        #[arg(long)]
        purpose: String,
        /// To whom.
        #[arg(long)]
        recipient: String,
        /// The version of the text that was shown.
        #[arg(long)]
        text_version: String,
        /// The text that was shown.
        #[arg(long, value_name = "FILE")]
        text_file: PathBuf,
        /// What proves it.
        #[arg(long)]
        note: String,
        /// For how many days; without it, until withdrawn.
        #[arg(long)]
        valid_days: Option<u32>,
        /// What the person agreed to apart; repeat it.
        #[arg(long, value_name = "WHAT")]
        separate: Vec<SeparateName>,
    },
    /// Withdraw all consents of a person, or one.
    #[command(
        after_help = "Example: sluice consent withdraw --tenant demo-brand --open-id aaa-1 --note 'asked by phone'"
    )]
    Withdraw {
        /// Who.
        #[command(flatten)]
        who: Person,
        /// Only for this purpose (with --recipient).
        #[arg(long, requires = "recipient")]
        purpose: Option<String>,
        /// Only towards this recipient (with --purpose).
        #[arg(long, requires = "purpose")]
        recipient: Option<String>,
        /// What proves it.
        #[arg(long)]
        note: String,
    },
    /// Erase a person: destroy what is known of them, put away what law says to keep. It can not be undone.
    #[command(
        after_help = "Example: sluice consent erase --tenant demo-brand --open-id aaa-1 --report erasure.json"
    )]
    Erase {
        /// Who.
        #[command(flatten)]
        who: Person,
        /// Write the report here: what was destroyed, what is kept and why. It names nobody.
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
    },
    /// Erase the people of a day whose events say so (`erase_on` in the configuration), unless they agreed anew since. The night does it, too.
    #[command(after_help = "Example: sluice consent erase-due --tenant demo-brand --day 2026-11-20")]
    EraseDue {
        /// Whose customers.
        #[arg(long)]
        tenant: TenantId,
        /// The day of the events, in China Standard Time; default yesterday.
        #[arg(long)]
        day: Option<BusinessDay>,
    },
    /// Export a signed receipt of a person's consents, in the shape of ISO/IEC TS 27560; or verify one.
    #[command(
        subcommand_negates_reqs = true,
        args_conflicts_with_subcommands = true,
        after_help = "Example: sluice consent receipt --tenant demo-brand --open-id aaa-1 --out receipt.json"
    )]
    Receipt {
        /// Instead: verify one.
        #[command(subcommand)]
        action: Option<ReceiptAction>,
        /// Whose customer.
        #[arg(long, required = true)]
        tenant: Option<TenantId>,
        /// The platform's open id.
        #[arg(long, required_unless_present = "person_id", conflicts_with = "person_id")]
        open_id: Option<String>,
        /// The pseudonym, `p-…`, or the reference of an erased person.
        #[arg(long = "person")]
        person_id: Option<sluice_domain::id::PersonId>,
        /// Write it here.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show the consents of a person.
    #[command(after_help = "Example: sluice consent show --tenant demo-brand --open-id aaa-1")]
    Show {
        /// Who.
        #[command(flatten)]
        who: Person,
    },
}

/// `consent receipt …`.
#[derive(Debug, Subcommand)]
pub enum ReceiptAction {
    /// Say whether a receipt is genuine and unchanged.
    #[command(after_help = "Example: sluice consent receipt verify receipt.json --public-key audit.pem")]
    Verify {
        /// The receipt.
        file: PathBuf,
        /// A public key that counts, in PEM, as `sluice audit public-key` prints it; repeat it for keys that were in force before.
        #[arg(long, required = true, value_name = "FILE")]
        public_key: Vec<PathBuf>,
    },
}

/// What a person agrees to apart from everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SeparateName {
    /// Data is given to another handler (PIPL art. 23).
    Sharing,
    /// Data leaves the mainland (PIPL art. 39).
    CrossBorder,
    /// Data is sensitive (PIPL art. 29).
    Sensitive,
}

impl From<SeparateName> for Separate {
    fn from(name: SeparateName) -> Self {
        match name {
            SeparateName::Sharing => Self::Sharing,
            SeparateName::CrossBorder => Self::CrossBorder,
            SeparateName::Sensitive => Self::Sensitive,
        }
    }
}

/// Who: by the platform's open id, or by the pseudonym that logs and records show.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("person").required(true).args(["open_id", "person_id"]))]
pub struct Person {
    /// Whose customer.
    #[arg(long)]
    pub tenant: TenantId,
    /// The platform's open id.
    #[arg(long, conflicts_with = "person_id")]
    pub open_id: Option<String>,
    /// The pseudonym, `p-…`.
    #[arg(long = "person")]
    pub person_id: Option<sluice_domain::id::PersonId>,
}

/// `review`.
#[derive(Debug, Subcommand)]
pub enum Review {
    /// List what waits, oldest first, with masked text.
    #[command(after_help = "Example: sluice review list --tenant demo-brand --json")]
    List {
        /// Whose reviews; default every tenant's.
        #[arg(long)]
        tenant: Option<TenantId>,
        /// open, approved, cleared, blocked, rejected or expired.
        #[arg(long, default_value = "open")]
        state: StateName,
    },
    /// Show one: reasons with their legal basis, the masked text with the evidence in ⟦…⟧, who said what.
    #[command(
        after_help = "Example: sluice review show --tenant demo-brand 019aa3f0-…\nThe open text: sluice review show --tenant demo-brand 019aa3f0-… --unmasked --by 王芳 --why '核对号码是否本人'"
    )]
    Show {
        /// Which.
        #[command(flatten)]
        which: ReviewWhich,
        /// Show the open text. Who looked and why goes on record first.
        #[arg(long, requires_all = ["by", "why"])]
        unmasked: bool,
        /// Who looks.
        #[arg(long, value_name = "NAME", requires = "unmasked")]
        by: Option<ReviewerName>,
        /// Why.
        #[arg(long, value_name = "TEXT", requires = "unmasked")]
        why: Option<Why>,
    },
    /// Approve: once enough people have, the engine looks at consent and rules once more, and the event goes on.
    #[command(
        after_help = "Example: sluice review approve --tenant demo-brand 019aa3f0-… --by 王芳 --why '客户本人留的号码'"
    )]
    Approve {
        /// Which.
        #[command(flatten)]
        which: ReviewWhich,
        /// Whose voice.
        #[command(flatten)]
        voice: ReviewVoice,
    },
    /// Reject: one voice is enough, and it is not sent.
    #[command(
        after_help = "Example: sluice review reject --tenant demo-brand 019aa3f0-… --by 李雷 --why '他人的号码'"
    )]
    Reject {
        /// Which.
        #[command(flatten)]
        which: ReviewWhich,
        /// Whose voice.
        #[command(flatten)]
        voice: ReviewVoice,
    },
}

/// Which review.
#[derive(Debug, Args)]
pub struct ReviewWhich {
    /// Whose event.
    #[arg(long)]
    pub tenant: TenantId,
    /// Its trace id, from `review list`.
    pub trace: sluice_domain::id::TraceId,
    /// Where it waits, `event` or `message`; default the rendered message if that was ever held back, else the event.
    #[arg(long)]
    pub point: Option<Point>,
}

/// A reviewer's voice.
#[derive(Debug, Args)]
pub struct ReviewVoice {
    /// Who: the name that the company knows its reviewer by.
    #[arg(long, value_name = "NAME")]
    pub by: ReviewerName,
    /// Why, for whoever asks later. No personal data of customers: it is kept.
    #[arg(long, value_name = "TEXT")]
    pub why: Why,
}

/// `keys`.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Add a new data key; what is sealed from now on uses it, older values still open.
    #[command(after_help = "Example: sluice keys rotate --tenant demo-brand")]
    Rotate {
        /// Whose key.
        #[arg(long)]
        tenant: TenantId,
    },
}

/// `config`.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Check the whole configuration and list every problem.
    #[command(after_help = "Example: sluice config check --config config")]
    Check,
    /// Check the configuration and write it as the one file that the functions on AWS load.
    #[command(after_help = "Example: sluice config compile --config config build/layer")]
    Compile {
        /// The directory for `settings.json`; it is made if there is none.
        directory: PathBuf,
    },
    /// Write the built-in configuration to a directory, to start from.
    #[command(after_help = "Example: sluice config init my-config")]
    Init {
        /// The directory; must not exist.
        directory: PathBuf,
    },
}
