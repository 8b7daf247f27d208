//! Destinations: configured endpoints on channels, and the weighted choice among them.

use serde::{Deserialize, Serialize};

use crate::consent::{Purpose, Recipient};
use crate::event::EventKind;
use crate::id::{DestinationId, ScriptId};

/// Which API of which platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case", deny_unknown_fields)]
pub enum Channel {
    /// Feishu custom bot of one group.
    FeishuBot {
        /// The hook's path part after `/open-apis/bot/v2/hook/` is in this secret, a credential by itself.
        hook: String,
        /// Name of the signing secret, when the bot has signatures on.
        #[serde(default)]
        signing: Option<String>,
    },
    /// Feishu application message.
    FeishuApp {
        /// `cli_…`.
        app_id: String,
        /// Name of the `app_secret`.
        secret: String,
        /// `open_id`, `user_id`, `chat_id`, …
        receive_id_type: String,
        /// The chat or member.
        receive_id: String,
    },
    /// WeCom group bot (消息推送).
    WecomBot {
        /// Name of the secret that holds the bot's key.
        key: String,
    },
    /// WeCom application message.
    WecomApp {
        /// The corporation.
        corp_id: String,
        /// The application.
        agent_id: i64,
        /// Name of the application's secret.
        secret: String,
        /// The members, as WeCom user ids; at least one.
        members: Vec<String>,
    },
    /// WeChat custom (客服) message of an official account.
    WechatCustom {
        /// The account.
        app_id: String,
        /// Name of the `AppSecret`.
        secret: String,
        /// Which form label or field holds the person's WeChat openid. Without it the destination has no recipient.
        openid_field: String,
    },
}

impl Channel {
    /// As shown in tables and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::FeishuBot { .. } => "feishu_bot",
            Self::FeishuApp { .. } => "feishu_app",
            Self::WecomBot { .. } => "wecom_bot",
            Self::WecomApp { .. } => "wecom_app",
            Self::WechatCustom { .. } => "wechat_custom",
        }
    }
}

/// One configured destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Its name.
    pub id: DestinationId,
    /// Its share among the destinations of a route; 0 takes it out of rotation.
    #[serde(default = "default_weight")]
    pub weight: u32,
    /// Whom consent must name for data to go there.
    pub recipient: Recipient,
    /// The endpoint.
    #[serde(flatten)]
    pub channel: Channel,
    /// The customer-acquisition link (`https://work.weixin.qq.com/ca/…`) whose `customer_channel` closes the attribution loop.
    #[serde(default)]
    pub acquisition_link: Option<String>,
}

fn default_weight() -> u32 {
    1
}

/// Which events lead where: the first route that names the event's kind wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The kinds it takes.
    pub kinds: Vec<EventKind>,
    /// For what the person is contacted; consent is looked up for it.
    pub purpose: Purpose,
    /// Whom consent must name; only destinations of this recipient are chosen.
    pub recipient: Recipient,
    /// The destinations to choose from.
    pub destinations: Vec<DestinationId>,
    /// The script, unless an experiment picks one.
    pub script: ScriptId,
    /// The experiment that picks the script.
    #[serde(default)]
    pub experiment: Option<crate::id::ExperimentId>,
}
