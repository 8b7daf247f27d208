//! `sluice channels`.

use clap::{Args, Subcommand, ValueEnum};
use sluice_domain::id::{DestinationId, TenantId};

/// `channels`.
#[derive(Debug, Subcommand)]
pub enum Channels {
    /// Print what every code of a platform means, what is done about it, how long it waits, and how sure that is.
    #[command(after_help = "Example: sluice channels codes wecom --code 45009 --json")]
    Codes(ChannelsCodes),
    /// Make a WeCom contact-me QR code (联系我) for a bucket of an experiment: its `state` comes back when somebody adds the member.
    /// A repeat makes another one, and a corporation has 500 000: keep the `config_id`.
    #[command(
        after_help = "Example: sluice channels contact-way --tenant demo-brand --destination wecom-sales-east --member sales.wang --bucket 42"
    )]
    ContactWay(ChannelsContactWay),
    /// Make a link into a WeChat mini-program (URL Link, Scheme or Short Link). It binds to the first person who opens it.
    #[command(
        after_help = "Example: sluice channels mini-link --tenant demo-mcn --destination wechat-service --path pages/lead --query b=42"
    )]
    MiniLink(ChannelsMiniLink),
}

/// `channels contact-way`.
#[derive(Debug, Args)]
pub struct ChannelsContactWay {
    /// Whose.
    #[arg(long)]
    pub tenant: TenantId,
    /// The `wecom_app` destination whose application has the right to customer contact.
    #[arg(long)]
    pub destination: DestinationId,
    /// A member who may be added; more than once for several.
    #[arg(long = "member", required = true, value_name = "USERID")]
    pub members: Vec<String>,
    /// The bucket that it is made for.
    #[arg(long)]
    pub bucket: Option<u32>,
    /// What the corporation sees beside it, at most 30 characters.
    #[arg(long, default_value = "")]
    pub remark: String,
}

/// `channels mini-link`.
#[derive(Debug, Args)]
pub struct ChannelsMiniLink {
    /// Whose.
    #[arg(long)]
    pub tenant: TenantId,
    /// The WeChat destination whose account is the mini-program's.
    #[arg(long)]
    pub destination: DestinationId,
    /// The page; empty for the first.
    #[arg(long, default_value = "")]
    pub path: String,
    /// Its query, at most 1024 bytes; nothing personal.
    #[arg(long, default_value = "")]
    pub query: String,
    /// How many days it holds.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=30))]
    pub days: u32,
    /// `url` opens from outside WeChat, `scheme` is weixin://, `short` opens inside WeChat only.
    #[arg(long, value_enum, default_value = "url")]
    pub kind: MiniLinkKind,
}

/// Which kind of link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MiniLinkKind {
    /// `https://wxaurl.cn/…`.
    Url,
    /// `weixin://dl/business/?t=…`.
    Scheme,
    /// `#小程序://…`.
    Short,
}

/// `channels codes`.
#[derive(Debug, Args)]
pub struct ChannelsCodes {
    /// Of one platform alone.
    pub platform: Option<PlatformName>,
    /// This code alone; exits with 1 when no table has it.
    #[arg(long, allow_negative_numbers = true)]
    pub code: Option<i64>,
}

/// Whose table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlatformName {
    /// 飞书.
    Feishu,
    /// 企业微信.
    Wecom,
    /// 微信.
    Wechat,
    /// 抖音.
    Douyin,
}

impl PlatformName {
    /// As the tables say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Feishu => "feishu",
            Self::Wecom => "wecom",
            Self::Wechat => "wechat",
            Self::Douyin => "douyin",
        }
    }
}
