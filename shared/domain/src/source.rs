//! Sources: where callbacks come from, as configured.

use serde::{Deserialize, Serialize};

use crate::consent::{Notice, Purpose, Recipient, SeparateBox};
use crate::id::{FormId, SourceId};

/// How a source signs; chosen by configuration, never sniffed (`docs/WIRE.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SchemeName {
    /// 1: Open Platform webhook, `X-Douyin-Signature`.
    OpenPlatform,
    /// 2: 生活服务 SPI, `x-life-sign`.
    LifeSpi,
    /// 3: mini-program message push, plain.
    MiniAppPush,
    /// 4: mini-program or service-provider push, encrypted.
    MiniAppEncrypted,
    /// 5: 担保支付 callback.
    SecuredPayment,
    /// 6: trade-system callback, `Byte-Signature`.
    TradeSystem,
    /// 7: live-room data and mini-game push, `x-signature`.
    LivePush,
    /// 8: 抖店 push, `event-sign`.
    Doudian,
    /// 9: 巨量引擎 SPI push, `X-Open-Signature`.
    OceanEngine,
    /// 10: a WeCom application's or customer contact's callback, `msg_signature`.
    WecomCallback,
    /// 11: WeChat message push in safe mode, `msg_signature`.
    WechatPush,
    /// 12: a Feishu application's events, `X-Lark-Signature`.
    FeishuEvents,
}

impl SchemeName {
    /// Every scheme, in the order of the reference.
    pub const ALL: [Self; 12] = [
        Self::OpenPlatform,
        Self::LifeSpi,
        Self::MiniAppPush,
        Self::MiniAppEncrypted,
        Self::SecuredPayment,
        Self::TradeSystem,
        Self::LivePush,
        Self::Doudian,
        Self::OceanEngine,
        Self::WecomCallback,
        Self::WechatPush,
        Self::FeishuEvents,
    ];

    /// As written in configuration and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenPlatform => "open-platform",
            Self::LifeSpi => "life-spi",
            Self::MiniAppPush => "mini-app-push",
            Self::MiniAppEncrypted => "mini-app-encrypted",
            Self::SecuredPayment => "secured-payment",
            Self::TradeSystem => "trade-system",
            Self::LivePush => "live-push",
            Self::Doudian => "doudian",
            Self::OceanEngine => "ocean-engine",
            Self::WecomCallback => "wecom-callback",
            Self::WechatPush => "wechat-push",
            Self::FeishuEvents => "feishu-events",
        }
    }

    /// Is it a channel's own callback, not Douyin's?
    pub fn is_of_channel(self) -> bool {
        matches!(self, Self::WecomCallback | Self::WechatPush | Self::FeishuEvents)
    }
}

impl std::fmt::Display for SchemeName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A name that is no scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown scheme `{0}`; known are open-platform, life-spi, mini-app-push, mini-app-encrypted, secured-payment, trade-system, live-push, doudian, ocean-engine, wecom-callback, wechat-push, feishu-events"
)]
pub struct UnknownScheme(String);

impl std::str::FromStr for SchemeName {
    type Err = UnknownScheme;
    fn from_str(text: &str) -> Result<Self, UnknownScheme> {
        Self::ALL
            .into_iter()
            .find(|scheme| scheme.as_str() == text)
            .ok_or_else(|| UnknownScheme(text.to_owned()))
    }
}

/// The digest of the open-platform scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Digest {
    /// What the platform documents: hex SHA-1 of secret ‖ body.
    #[default]
    Sha1,
    /// For a front that re-signs: hex SHA-256 of secret ‖ body.
    Sha256,
}

/// One configured source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its name in the path `/callbacks/{source}`; unique over all tenants.
    pub id: SourceId,
    /// How it signs.
    pub scheme: SchemeName,
    /// The name of its secret in the secret store.
    pub secret: String,
    /// The application's public key or id: `app_key` (抖店), `client_key`, mini-app id, live `appid`; for a channel's callbacks its corp id (WeCom),
    /// app id (WeChat, Feishu).
    #[serde(default)]
    pub app_id: Option<String>,
    /// Only for `open-platform`.
    #[serde(default)]
    pub digest: Digest,
    /// How far the scheme's timestamp may be off, in seconds, either way. Default 300. Ignored by schemes without one.
    #[serde(default = "default_freshness")]
    pub freshness_seconds: u32,
    /// Whose recipient it is, for a channel's callbacks: what people take back there is their consent to this recipient. Absent: to everybody.
    #[serde(default)]
    pub recipient: Option<Recipient>,
    /// Overrides of what a platform event name becomes: name → kind.
    #[serde(default)]
    pub events: std::collections::BTreeMap<String, crate::event::EventKind>,
    /// How people who add a member are welcomed; only for `wecom-callback`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub welcome: Option<crate::welcome::WelcomePolicy>,
}

fn default_freshness() -> u32 {
    300
}

/// One lead form, 留资 card or live component, with the consent text it shows.
///
/// The id `scope:` and the name of a scope (`scope:im.authorize_message`) stands for the platform's own page on which a person authorises that
/// scope: authorising it is then a consent until the authorisation ends, and taking it back withdraws that consent alone. In the
/// same way `scope:` and the id of a template stand for the page on which a reader of a WeChat account subscribes to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// The platform's id of it.
    pub id: FormId,
    /// What the person agrees to be contacted for.
    pub purpose: Purpose,
    /// Who receives the data (PIPL art. 23: named in the text).
    pub recipient: Recipient,
    /// The version of the text.
    pub version: String,
    /// The text itself, as shown; its SHA-256 goes into the consent record.
    pub text: String,
    /// For how many days the consent holds; absent = until withdrawn.
    #[serde(default)]
    pub valid_days: Option<u32>,
    /// What it tells besides (PIPL art. 17 and 23). A consent without it does not cover a recipient whose methods or kinds are configured.
    #[serde(default)]
    pub notice: Option<Notice>,
    /// What the person agrees to apart, and by which box.
    #[serde(default)]
    pub separate: Vec<SeparateBox>,
    /// The field that asks for the age or the date of birth.
    #[serde(default)]
    pub age_field: Option<String>,
    /// The field by which a guardian agrees for a person under fourteen (PIPL art. 31).
    #[serde(default)]
    pub guardian_field: Option<String>,
    /// The field that carries the network address the form was sent from; a keyed hash of it is kept as evidence.
    #[serde(default)]
    pub address_field: Option<String>,
}
