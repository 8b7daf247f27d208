//! `sluice link`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use sluice_domain::id::{MessageId, TenantId};
use sluice_domain::link::Campaign;

/// `link`.
#[derive(Debug, Subcommand)]
pub enum Link {
    /// Say whether a link may be sent, and if not, why; exits with 1 when it may not.
    #[command(
        after_help = "Example: sluice link check 'https://example.com/?url=https://evil.example' --json"
    )]
    Check(LinkCheck),
    /// Make a signed link to a landing page for a campaign, which holds for a limited time.
    #[command(
        after_help = "Example: sluice link sign --tenant demo-brand --campaign spring --to https://www.example.com/spring --hours 72"
    )]
    Sign(LinkSign),
    /// Say whether a signed link holds, and what it says; exits with 1 when it does not.
    #[command(after_help = "Example: sluice link verify https://go.example.com/links/bDF8…")]
    Verify(LinkVerify),
    /// Draw a link as a QR code; only one that may be sent.
    #[command(
        after_help = "Example: sluice link qr https://go.example.com/links/bDF8… --svg poster.svg --png poster.png"
    )]
    Qr(LinkQr),
}

/// `link check`.
#[derive(Debug, Args)]
pub struct LinkCheck {
    /// The link.
    pub link: String,
    /// Whose allow-list; default the first tenant's.
    #[arg(long)]
    pub tenant: Option<TenantId>,
}

/// `link sign`.
#[derive(Debug, Args)]
pub struct LinkSign {
    /// Whose link.
    #[arg(long)]
    pub tenant: TenantId,
    /// What it is made for.
    #[arg(long)]
    pub campaign: Campaign,
    /// The landing page, https; its domain must be allowed.
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// How long it holds, in hours; at most 400 days.
    #[arg(long, default_value_t = 72, value_parser = clap::value_parser!(u32).range(1..=9_600))]
    pub hours: u32,
    /// An id that the landing page should get; nothing personal, the link can be read.
    #[arg(long, value_name = "ID")]
    pub reference: Option<MessageId>,
}

/// `link verify`.
#[derive(Debug, Args)]
pub struct LinkVerify {
    /// The link, or its token alone.
    pub link: String,
}

/// `link qr`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("picture").required(true).multiple(true).args(["svg", "png"]))]
pub struct LinkQr {
    /// The link.
    pub link: String,
    /// Whose allow-list; default the first tenant's.
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// Write it as SVG.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Write it as PNG.
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Pixels of one module in the PNG.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub scale: u32,
}
