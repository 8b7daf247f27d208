//! What exists on the simulated platforms: bots, applications, members, accounts and their secrets.

use serde::{Deserialize, Serialize};

/// Everything that is registered when the simulators start.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatorOptions {
    /// Feishu custom bots.
    pub feishu_bots: Vec<FeishuBot>,
    /// Feishu applications.
    pub feishu_apps: Vec<FeishuApp>,
    /// WeCom group bots.
    pub wecom_bots: Vec<WecomBot>,
    /// WeCom applications.
    pub wecom_apps: Vec<WecomApp>,
    /// WeChat accounts.
    pub wechat_accounts: Vec<WechatAccount>,
    /// Merchants' accounts on Douyin.
    pub douyin_accounts: Vec<DouyinAccount>,
    /// Own systems behind a webhook.
    pub webhooks: Vec<WebhookReceiver>,
    /// Applications that may ask the text censors.
    pub censor_apps: Vec<CensorApp>,
    /// The seed of faults that strike by ratio.
    pub seed: u64,
    /// Offset of the simulators' clock at the start, in milliseconds.
    pub clock_offset_ms: i64,
}

/// A custom bot of one Feishu group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeishuBot {
    /// The path part after `/open-apis/bot/v2/hook/`.
    pub hook: String,
    /// The signing secret, when signatures are on.
    #[serde(default)]
    pub signing: Option<String>,
    /// Keywords of which a message must hold one; empty: none asked.
    #[serde(default)]
    pub keywords: Vec<String>,
}

/// A Feishu application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeishuApp {
    /// `cli_…`.
    pub app_id: String,
    /// Its secret.
    pub app_secret: String,
    /// The receive ids it may write to; any other is answered with 230034.
    pub receivers: Vec<String>,
}

/// A WeCom group bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WecomBot {
    /// Its key.
    pub key: String,
}

/// A WeCom application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WecomApp {
    /// The corporation.
    pub corp_id: String,
    /// The application.
    pub agent_id: i64,
    /// Its secret.
    pub secret: String,
    /// The members it may write to; others come back in `invaliduser`.
    pub members: Vec<String>,
}

/// A WeChat official account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WechatAccount {
    /// `wx…`.
    pub app_id: String,
    /// Its secret.
    pub secret: String,
    /// Openids of followers; each counts as having just written to the account when the simulators start.
    pub followers: Vec<String>,
}

/// A merchant's account on Douyin that has authorised an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DouyinAccount {
    /// The application.
    pub client_key: String,
    /// The merchant's `refresh_token`.
    pub refresh_token: String,
    /// The merchant's open id.
    pub open_id: String,
}

/// An own system at `/webhook/{name}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookReceiver {
    /// The end of its address.
    pub name: String,
    /// `whsec_…`.
    pub secret: String,
}

/// A mini-app that may ask Douyin's text censors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CensorApp {
    /// `tt…`; the open platform's `client_key`.
    pub app_id: String,
    /// Its secret.
    pub secret: String,
    /// A text with one of these is a violation.
    pub hit_words: Vec<String>,
    /// Requests a day; more are answered with 28003017.
    #[serde(default)]
    pub per_day: Option<u32>,
}

impl SimulatorOptions {
    /// One of each, for trying things out: hooks, keys, secrets and people are called `demo`, applications `cli_demo`,
    /// `ww_demo` with agent 1000002, `wx_demo`, `aw_demo`, and `tt_demo`, whose censor hits 违禁; the webhook's secret is
    /// `whsec_ZGVtbw==`, which is `demo`, too.
    pub fn demo() -> Self {
        let demo = || "demo".to_owned();
        Self {
            feishu_bots: vec![FeishuBot { hook: demo(), signing: Some(demo()), keywords: Vec::new() }],
            feishu_apps: vec![FeishuApp {
                app_id: "cli_demo".to_owned(),
                app_secret: demo(),
                receivers: vec![demo()],
            }],
            wecom_bots: vec![WecomBot { key: demo() }],
            wecom_apps: vec![WecomApp {
                corp_id: "ww_demo".to_owned(),
                agent_id: 1_000_002,
                secret: demo(),
                members: vec![demo()],
            }],
            wechat_accounts: vec![WechatAccount {
                app_id: "wx_demo".to_owned(),
                secret: demo(),
                followers: vec![demo()],
            }],
            douyin_accounts: vec![DouyinAccount {
                client_key: "aw_demo".to_owned(),
                refresh_token: demo(),
                open_id: demo(),
            }],
            webhooks: vec![WebhookReceiver { name: demo(), secret: "whsec_ZGVtbw==".to_owned() }],
            censor_apps: vec![CensorApp {
                app_id: "tt_demo".to_owned(),
                secret: demo(),
                hit_words: vec!["违禁".to_owned()],
                per_day: None,
            }],
            ..Self::default()
        }
    }
}
