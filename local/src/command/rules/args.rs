//! The arguments of `sluice rules`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use sluice_domain::id::{TenantId, TraceId};
use sluice_domain::time::BusinessDay;

/// `rules`.
#[derive(Debug, Subcommand)]
pub enum Rules {
    /// Check every rule pack: what is wrong with file, line and advice, which rules no test covers. Exits with 3 when a pack is refused.
    #[command(after_help = "Example: sluice rules check --config config --json")]
    Check,
    /// Run the packs' own tests; exits with 1 when one does not come out.
    #[command(after_help = "Example: sluice rules test --config config --pack baseline.yaml")]
    Test {
        /// Only this pack of `rules/`.
        #[arg(long, value_name = "NAME")]
        pack: Option<String>,
    },
    /// Say why: for an event that was decided, or for facts in a file (YAML or JSON, written like a pack's test).
    #[command(
        after_help = "Example: sluice rules explain --facts event.yaml --pack baseline.yaml\nExample: sluice rules explain --tenant demo-brand 019aa3f0-…"
    )]
    #[command(group = ArgGroup::new("what").required(true).args(["facts", "trace"]))]
    Explain {
        /// A file of facts; `-` for standard input.
        #[arg(long, value_name = "FILE")]
        facts: Option<PathBuf>,
        /// The trace id of a decided event.
        #[arg(requires = "tenant")]
        trace: Option<TraceId>,
        /// Whose event, and whose pack unless one is named; default the first tenant.
        #[arg(long)]
        tenant: Option<TenantId>,
        /// By this pack of `rules/`.
        #[arg(long, value_name = "NAME")]
        pack: Option<String>,
    },
    /// Compare two packs rule by rule, layers put together; exits with 1 when they differ.
    #[command(after_help = "Example: sluice rules diff --config config baseline.yaml candidate.yaml")]
    Diff {
        /// A pack of `rules/`.
        first: String,
        /// Another, or the same of `--in`.
        second: String,
        /// The configuration directory of the second.
        #[arg(long = "in", value_name = "DIR")]
        other: Option<PathBuf>,
    },
    /// Ask a pack what it would have decided on stored events, and list every decision that would change; exits with 1 when one would.
    #[command(
        after_help = "Example: sluice rules replay --pack candidate.yaml --tenant demo-brand --from 2026-11-20\nExample: sluice audit list --tenant demo-brand --json > day.jsonl; sluice rules replay --pack candidate.yaml --records day.jsonl"
    )]
    #[command(group = ArgGroup::new("from_where").required(true).args(["tenant", "records"]))]
    Replay {
        /// The pack of `rules/`.
        #[arg(long, value_name = "NAME")]
        pack: String,
        /// Whose events of the data directory.
        #[arg(long)]
        tenant: Option<TenantId>,
        /// First day, in China Standard Time; default today.
        #[arg(long, requires = "tenant")]
        from: Option<BusinessDay>,
        /// Last day; default the first.
        #[arg(long, requires = "tenant")]
        to: Option<BusinessDay>,
        /// Audit records, one JSON object a line, as `sluice audit list --json` writes them; `-` for standard input.
        #[arg(long, value_name = "FILE")]
        records: Option<PathBuf>,
    },
    /// List what the candidate pack (`shadow:` of a tenant) would have decided otherwise.
    #[command(after_help = "Example: sluice rules shadow --tenant demo-brand --day 2026-11-20 --json")]
    Shadow(Shadow),
    /// List the names that conditions may use.
    #[command(after_help = "Example: sluice rules facts")]
    Facts,
}

/// `rules shadow`.
#[derive(Debug, Args)]
pub struct Shadow {
    /// Whose events.
    #[arg(long)]
    pub tenant: TenantId,
    /// The day, in China Standard Time; default today.
    #[arg(long)]
    pub day: Option<BusinessDay>,
}
