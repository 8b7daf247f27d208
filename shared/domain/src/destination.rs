//! Destinations: configured endpoints on channels, and the weighted choice among them.

use serde::{Deserialize, Serialize};

use crate::bucket::murmur3_x64_128;
use crate::consent::{Purpose, Recipient};
use crate::contact::ContactPolicy;
use crate::event::EventKind;
use crate::id::{DestinationId, ScriptId};
use crate::limit::LimitOverrides;

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
        /// Who uploads images for it, for a bot itself can not; without, it sends none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uploads: Option<FeishuUploads>,
    },
    /// Feishu application message.
    FeishuApp {
        /// `cli_…`.
        app_id: String,
        /// Name of the `app_secret`.
        secret: String,
        /// `open_id`, `user_id`, `chat_id`, …
        receive_id_type: String,
        /// The chat or member; or `form.` and the label of the form's field that holds the person's own id: `form.feishu_open_id`.
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
    /// WeChat template message of a service account. The platform forbids marketing in them.
    WechatTemplate {
        /// The account.
        app_id: String,
        /// Name of the `AppSecret`.
        secret: String,
        /// Which form label or field holds the person's WeChat openid.
        openid_field: String,
        /// The approved template; the script's `fields` fill it in.
        template_id: String,
        /// The purposes that the template was approved for, none of them marketing: routes of other purposes may not lead here.
        purposes: Vec<Purpose>,
        /// The page of a mini-program that it opens.
        #[serde(default)]
        mini_program: Option<MiniProgram>,
    },
    /// WeChat subscribe message: one consent of the person inside WeChat, one message.
    WechatSubscribe {
        /// The account.
        app_id: String,
        /// Name of the `AppSecret`.
        secret: String,
        /// Which form label or field holds the person's WeChat openid.
        openid_field: String,
        /// The template; the script's `fields` fill it in.
        template_id: String,
        /// Whose API.
        #[serde(default)]
        account: SubscribeAccount,
        /// The page that it opens.
        #[serde(default)]
        page: Option<String>,
    },
    /// Reply to a private message on Douyin.
    DouyinMessage {
        /// The application (`client_key`).
        client_key: String,
        /// Name of the secret that holds the merchant's `refresh_token`.
        refresh_token: String,
        /// `the platform has granted this account the capability`: it takes no new applicants, so nothing is sent without these words.
        acknowledge: String,
    },
    /// Reply to a comment under an own video on Douyin.
    DouyinComment {
        /// The application (`client_key`).
        client_key: String,
        /// Name of the secret that holds the merchant's `refresh_token`.
        refresh_token: String,
        /// As for private messages.
        acknowledge: String,
    },
    /// The company's own system, by a signed request (Standard Webhooks).
    Webhook {
        /// Where to; https.
        url: String,
        /// Name of the secret (`whsec_…`).
        secret: String,
        /// It may be in our own network (or, in the clear, on this machine).
        #[serde(default)]
        allow_private: bool,
    },
}

/// A Feishu application that uploads images: of the company whose group it is, with the right to (`im:resource`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeishuUploads {
    /// `cli_…`.
    pub app_id: String,
    /// Name of the `app_secret`.
    pub secret: String,
}

/// What Douyin's channels must be configured with, word by word.
pub const ACKNOWLEDGEMENT: &str = "the platform has granted this account the capability";

/// A page of a mini-program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MiniProgram {
    /// The mini-program.
    pub app_id: String,
    /// The page.
    pub page: String,
}

/// Who sends a subscribe message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscribeAccount {
    /// A mini-program (`message/subscribe/send`).
    #[default]
    MiniProgram,
    /// A service account (`message/subscribe/bizsend`).
    Service,
}

impl Channel {
    /// Every channel, as [`Channel::as_str`] says it.
    pub const NAMES: [&'static str; 12] = [
        "feishu_bot",
        "feishu_app",
        "wecom_bot",
        "wecom_app",
        "wechat_custom",
        "wechat_template",
        "wechat_subscribe",
        "douyin_message",
        "douyin_comment",
        "webhook",
        "landing",
        crate::welcome::CHANNEL,
    ];

    /// The channels whose messages always reach the person; of the others, a Feishu application's may.
    pub const TO_PERSON: [&'static str; 6] = [
        "wechat_custom",
        "wechat_template",
        "wechat_subscribe",
        "douyin_message",
        "douyin_comment",
        crate::welcome::CHANNEL,
    ];

    /// Which form field holds the address, where the message goes to the person; `None` where it goes to staff.
    pub fn recipient_field(&self) -> Option<&str> {
        match self {
            Self::WechatCustom { openid_field, .. }
            | Self::WechatTemplate { openid_field, .. }
            | Self::WechatSubscribe { openid_field, .. } => Some(openid_field),
            Self::FeishuApp { receive_id, .. } => receive_id.strip_prefix("form."),
            Self::FeishuBot { .. }
            | Self::WecomBot { .. }
            | Self::WecomApp { .. }
            | Self::DouyinMessage { .. }
            | Self::DouyinComment { .. }
            | Self::Webhook { .. } => None,
        }
    }

    /// Does a message reach the person, and not the company?
    pub fn is_to_person(&self) -> bool {
        self.recipient_field().is_some() || Self::TO_PERSON.contains(&self.as_str())
    }

    /// Does it answer where the person spoke, on Douyin itself?
    pub fn is_reply(&self) -> bool {
        matches!(self, Self::DouyinMessage { .. } | Self::DouyinComment { .. })
    }

    /// The most bytes of title and text together that its platform takes: a script that is longer without any value is refused when the
    /// configuration is checked. Senders hold every message to the exact limits of its form.
    pub fn text_limit(&self) -> usize {
        match self {
            Self::FeishuBot { .. } | Self::Webhook { .. } => 20_000,
            Self::WecomBot { .. } => 4_096,
            Self::WecomApp { .. } | Self::WechatCustom { .. } => 2_048,
            Self::DouyinMessage { .. } | Self::DouyinComment { .. } => 1_500,
            // Of a template, the platform has the text; the fields are short.
            Self::FeishuApp { .. } | Self::WechatTemplate { .. } | Self::WechatSubscribe { .. } => 30_000,
        }
    }

    /// The most bytes of an image that its platform takes, where a message can be an image (`docs/WIRE.md`).
    pub fn image_limit(&self) -> Option<u64> {
        match self {
            // Each documented in MB or M, and taken as the smaller of the two meanings.
            Self::WecomBot { .. } => Some(2_000_000),
            Self::FeishuBot { uploads: Some(_), .. }
            | Self::FeishuApp { .. }
            | Self::WecomApp { .. }
            | Self::WechatCustom { .. } => Some(10_000_000),
            Self::FeishuBot { uploads: None, .. }
            | Self::WechatTemplate { .. }
            | Self::WechatSubscribe { .. }
            | Self::DouyinMessage { .. }
            | Self::DouyinComment { .. }
            | Self::Webhook { .. } => None,
        }
    }

    /// Does it fill in an approved template, field by field?
    pub fn wants_fields(&self) -> bool {
        matches!(self, Self::WechatTemplate { .. } | Self::WechatSubscribe { .. })
    }

    /// As shown in tables and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::FeishuBot { .. } => "feishu_bot",
            Self::FeishuApp { .. } => "feishu_app",
            Self::WecomBot { .. } => "wecom_bot",
            Self::WecomApp { .. } => "wecom_app",
            Self::WechatCustom { .. } => "wechat_custom",
            Self::WechatTemplate { .. } => "wechat_template",
            Self::WechatSubscribe { .. } => "wechat_subscribe",
            Self::DouyinMessage { .. } => "douyin_message",
            Self::DouyinComment { .. } => "douyin_comment",
            Self::Webhook { .. } => "webhook",
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
    /// The tenant's own limits in place of the platforms': filled in when the settings are built, one setting for all destinations.
    #[serde(skip)]
    pub limits: std::sync::Arc<LimitOverrides>,
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
    /// Where messages go whose destination is disabled, or refuses everybody: never after a result that nobody knows, and once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<DestinationId>,
    /// The script, unless an experiment picks one.
    pub script: ScriptId,
    /// The experiment that picks the script.
    #[serde(default)]
    pub experiment: Option<crate::id::ExperimentId>,
    /// When and how often people are contacted on this route, in place of the tenant's policy.
    #[serde(default)]
    pub contact: Option<ContactPolicy>,
}

impl Route {
    /// Every destination that its messages may go to: those to choose from, then the fall-back.
    pub fn leads_to(&self) -> impl Iterator<Item = &DestinationId> {
        self.destinations.iter().chain(&self.fallback)
    }
}

/// The destination of a key by weighted rendezvous: the largest `−weight / ln(u)`, where `u` is the key's hash with the destination's
/// name, in (0, 1) (Schindelhauer & Schomaker 2005, as highest random weight with weights).
///
/// Taking one away moves only the keys that it had. Destinations of weight 0 are never chosen.
pub fn choose<'a>(
    destinations: impl IntoIterator<Item = &'a Destination>,
    key: &str,
) -> Option<&'a Destination> {
    let mut best: Option<(f64, &Destination)> = None;
    for destination in destinations.into_iter().filter(|destination| destination.weight > 0) {
        let score = score(destination.id.as_str(), destination.weight, key);
        if best.is_none_or(|(highest, _)| score > highest) {
            best = Some((score, destination));
        }
    }
    best.map(|(_, destination)| destination)
}

fn score(name: &str, weight: u32, key: &str) -> f64 {
    let (hash, _) = murmur3_x64_128(format!("{name}|{key}").as_bytes(), 0);
    // The upper 53 bits, and a half so that neither 0 nor 1 can come out.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    let unit = ((hash >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    -f64::from(weight) / unit.ln()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn destination(id: &str, weight: u32) -> Destination {
        Destination {
            id: DestinationId::new(id).unwrap(),
            weight,
            recipient: Recipient::new("sales").unwrap(),
            channel: Channel::WecomBot { key: "bot".into() },
            acquisition_link: None,
            limits: std::sync::Arc::default(),
        }
    }

    #[test]
    fn published_rows_give_their_hashes_scores_and_winners() {
        let rows = include_str!("../../../tests/vectors/hrw_weighted.csv");
        let mut seen = 0;
        for row in rows.lines().skip(1) {
            let cells: Vec<_> = row.split(',').collect();
            let (key, nodes, winner) = (cells[0], cells[1], cells[8]);
            let nodes: Vec<_> = nodes.split('|').map(|node| node.split_once(':').unwrap()).collect();
            let nodes: Vec<_> =
                nodes.iter().map(|(name, weight)| destination(name, weight.parse().unwrap())).collect();
            for (index, node) in nodes.iter().enumerate() {
                let (hash, _) = murmur3_x64_128(format!("{}|{key}", node.id).as_bytes(), 0);
                assert_eq!(hash, cells[2 + index].parse::<u64>().unwrap(), "{row}");
                let expected: f64 = cells[5 + index].parse().unwrap();
                assert!((score(node.id.as_str(), node.weight, key) / expected - 1.0).abs() < 1e-9, "{row}");
            }
            assert_eq!(choose(&nodes, key).unwrap().id.as_str(), winner, "{row}");
            seen += 1;
        }
        assert_eq!(seen, 12);
    }

    proptest! {
        #[test]
        fn taking_one_away_moves_only_its_own_keys(keys in proptest::collection::vec("[a-z0-9]{1,12}", 1..50), gone in 0..4_usize) {
            let all = [destination("a", 1), destination("b", 2), destination("c", 3), destination("d", 4)];
            for key in &keys {
                let before = choose(&all, key).unwrap();
                let left = all.iter().enumerate().filter(|(index, _)| *index != gone).map(|(_, it)| it);
                let after = choose(left, key).unwrap();
                prop_assert!(before.id == after.id || before.id == all[gone].id);
            }
        }
    }

    #[test]
    fn a_destination_without_weight_is_out_of_rotation() {
        let all = [destination("a", 0), destination("b", 1)];
        for key in 0..100 {
            assert_eq!(choose(&all, &key.to_string()).unwrap().id.as_str(), "b");
        }
        assert_eq!(choose([&all[0]], "1"), None);
    }
}
