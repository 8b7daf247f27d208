//! `sluice endpoints`: the command line of destinations that are broken or disabled.

use clap::{Args, Subcommand};
use sluice_domain::id::{DestinationId, TenantId};

/// `endpoints`.
#[derive(Debug, Subcommand)]
pub enum Endpoints {
    /// List the endpoints and how they are: healthy, open (broken, tried out now and then) or disabled; exits with 1 when one is not healthy.
    #[command(after_help = "Example: sluice endpoints list --tenant demo-brand --json")]
    List {
        /// Whose; without it, of all tenants.
        #[arg(long)]
        tenant: Option<TenantId>,
    },
    /// Let messages leave again through an endpoint that was disabled or is open; exits with 1 when it was neither.
    #[command(after_help = "Example: sluice endpoints enable --tenant demo-brand wecom-sales-group")]
    Enable {
        /// Which.
        #[command(flatten)]
        which: EndpointWhich,
    },
    /// Let nothing leave through an endpoint until it is enabled; its messages wait.
    #[command(
        after_help = "Example: sluice endpoints disable --tenant demo-brand wecom-sales-group --by 王芳 --why 'the bot is being replaced'"
    )]
    Disable {
        /// Which.
        #[command(flatten)]
        which: EndpointWhich,
        /// Who.
        #[arg(long)]
        by: String,
        /// Why; no personal data of customers: it is kept.
        #[arg(long)]
        why: String,
    },
    /// Send one message to an endpoint that writes to staff, beside all limits; exits with 1 when the platform does not take it.
    #[command(after_help = "Example: sluice endpoints test --tenant demo-brand wecom-sales-group")]
    Test {
        /// Which.
        #[command(flatten)]
        which: EndpointWhich,
        /// What they read.
        #[arg(long, default_value = "Sluice 连通性测试，请忽略。")]
        text: String,
    },
}

/// Which endpoint.
#[derive(Debug, Args)]
pub struct EndpointWhich {
    /// Whose.
    #[arg(long)]
    pub tenant: TenantId,
    /// The destination.
    pub destination: DestinationId,
}
