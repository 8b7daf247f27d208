//! The command line.

mod audit;
mod bucket;
mod channels;
mod consent;
mod endpoints;
mod link;
mod review;
mod safety;
mod script;
mod verify;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand};
use sluice_domain::id::TenantId;
use sluice_domain::time::BusinessDay;

pub use audit::{Audit, AuditProve, AuditVerify};
pub use bucket::{Algorithm, Bucket, BucketAssign, BucketHash};
pub use channels::{
    Channels, ChannelsCodes, ChannelsContactWay, ChannelsMiniLink, MiniLinkKind, PlatformName,
};
pub use consent::{Consent, Person, ReceiptAction, SeparateName};
pub use endpoints::{EndpointWhich, Endpoints};
pub use link::{Link, LinkCheck, LinkQr, LinkSign, LinkVerify};
pub use review::{Review, ReviewVoice, ReviewWhich};
pub use safety::{CensorPlace, Safety, SafetyCheck};
pub use script::{ScriptRender, Scripts};
pub use verify::{DigestName, Verify};

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
