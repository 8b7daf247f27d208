use clap::{Args, Subcommand};
use sluice_domain::id::{TenantId, TraceId};
use sluice_domain::review::{Point, ReviewerName, StateName, Why};

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
    pub trace: TraceId,
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
