//! `sluice channels`.

use clap::{Args, Subcommand, ValueEnum};

/// `channels`.
#[derive(Debug, Subcommand)]
pub enum Channels {
    /// Print what every code of a platform means, what is done about it, how long it waits, and how sure that is.
    #[command(after_help = "Example: sluice channels codes wecom --code 45009 --json")]
    Codes(ChannelsCodes),
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
