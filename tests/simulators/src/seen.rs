//! What recipients would have seen, and what the platforms counted.

use serde::{Deserialize, Serialize};

/// One of the simulated platforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// 飞书.
    Feishu,
    /// 企业微信.
    Wecom,
    /// 微信.
    Wechat,
    /// 抖音.
    Douyin,
    /// A company's own system.
    Webhook,
    /// 抖音开放平台's text censor.
    DouyinCensor,
    /// 小程序 (developer.toutiao.com): the older text censor.
    ToutiaoCensor,
}

/// One message as one recipient saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Where.
    pub platform: Platform,
    /// Which API: `bot`, `app`, `custom`, `template`, `subscribe`, `welcome`, `message`, `comment` or `webhook`.
    pub api: String,
    /// The bot, chat, member or openid it arrived at.
    pub recipient: String,
    /// Every visible text of it, joined by line breaks; of an image `[image sha256:…]`.
    pub text: String,
    /// When, by the simulators' clock, in milliseconds.
    pub at_ms: i64,
    /// The `uuid` it came with, where the API has one.
    pub idempotency_key: Option<String>,
}

/// What one platform counted since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counters {
    /// Calls, faults included.
    pub requests: u64,
    /// Sends and checks that the platform carried out.
    pub committed: u64,
    /// Sends suppressed by the platform's memory of them.
    pub duplicates_suppressed: u64,
    /// Sends dropped without an error.
    pub dropped_silently: u64,
    /// Calls refused for being more than a limit takes, but for those inside a block window.
    pub over_limit: u64,
    /// Calls inside a block window that the caller had been told of.
    pub calls_while_blocked: u64,
    /// Tokens issued.
    pub tokens_issued: u64,
    /// Images uploaded.
    #[serde(default)]
    pub uploads: u64,
}
