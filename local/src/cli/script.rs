//! `sluice script`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sluice_domain::id::{DestinationId, ScriptId, TenantId};

/// `script`.
#[derive(Debug, Subcommand)]
pub enum Scripts {
    /// Show exactly what a destination's platform would be sent, byte by byte, without sending it; exits with 1 when it would be withheld.
    #[command(
        after_help = "Example: sluice script render --script lead-card-plain --destination wecom-sales-east\n         sluice script render --script lead-card-plain --destination wecom-sales-east --event person.json --json\nAn event file: {\"kind\": \"form_submit\", \"name\": \"张三\", \"phone\": \"13800138000\", \"form\": {\"城市\": \"北京\"}}"
    )]
    Render(ScriptRender),
}

/// `script render`.
#[derive(Debug, Args)]
pub struct ScriptRender {
    /// The script.
    #[arg(long)]
    pub script: ScriptId,
    /// Where it would go.
    #[arg(long)]
    pub destination: DestinationId,
    /// Whose; default the first tenant that has both.
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// What the person did and gave, as JSON; without it, made-up values.
    #[arg(long, value_name = "FILE")]
    pub event: Option<PathBuf>,
    /// Show personal values as they are, as after a decision that allows it; by default they are masked.
    #[arg(long)]
    pub plain: bool,
}
