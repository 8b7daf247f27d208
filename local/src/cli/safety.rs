use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use sluice_domain::id::{ScriptId, TenantId};

/// `safety`.
#[derive(Debug, Subcommand)]
pub enum Safety {
    /// Ask the tenant's text censor about a text: 0 clean, 1 a violation, 4 no answer. The text leaves this machine for Douyin.
    #[command(after_help = "Example: sluice safety check --tenant demo-brand --text '能代开发票吗'
         sluice safety check --tenant demo-brand --script lead-card-plain")]
    Check(SafetyCheck),
}

/// `safety check`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("safety_input").required(true).args(["text", "file", "script"]))]
pub struct SafetyCheck {
    /// Whose censor; default the first tenant that has one.
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// The text.
    #[arg(long)]
    pub text: Option<String>,
    /// A file with the text; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// A script (话术) of the tenant: its title and template.
    #[arg(long, value_name = "ID")]
    pub script: Option<ScriptId>,
    /// Where the censors are.
    #[command(flatten)]
    pub at: CensorPlace,
}

/// Where Douyin's text censors are.
#[derive(Debug, Clone, Default, Args)]
pub struct CensorPlace {
    /// Base address of Douyin's open platform, for its text censor.
    #[arg(long, value_name = "URL")]
    pub douyin: Option<String>,
    /// Base address of the mini-app API, for its text censor.
    #[arg(long, value_name = "URL")]
    pub toutiao: Option<String>,
}
