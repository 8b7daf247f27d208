//! From a genuine callback to canonical events.
//!
//! The envelope is read strictly; what the platforms vary is tolerated: `content` as object or as JSON text, ids as numbers
//! or strings, seconds or milliseconds, unknown fields. A name that Sluice doesn't know becomes
//! [`EventKind::Unhandled`], never an error. A source's `events` overrides come last and win.
//!
//! | scheme | platform name | kind |
//! |---|---|---|
//! | `open-platform` | `im_receive_msg`, `im_group_receive_msg`, `receive_msg` | `direct_message`; with a filled `retain_consult_card` (`card_status` 2) `form_submit` |
//! | | `im_send_msg`, `im_group_send_msg` | `direct_message`, outgoing; the person is the receiver |
//! | | `im_enter_direct_msg`, `enter_im` | `chat_enter` |
//! | | `im_authorize` | `authorize`, or `unauthorize` when `operation_type` or `auth_status` says so |
//! | | `new_follow_action`, `user_follow` | `follow` when the action is a follow (1), else `unhandled` |
//! | | `item_comment_reply`, `enterprise_comment_event` | `comment` |
//! | | `group_fans_event`, `enter_group_audit_change` | `group_join` |
//! | | `life_member_join` | `form_submit` of form `life_member` |
//! | | `life_member_leave`, `unauthorize`, `contract_unauthorize` | `unauthorize` |
//! | | `authorize`, `contract_authorize` | `authorize` |
//! | | `life_trade_order_notify` | `order_paid` when `action` is `pay_success`, else `order_changed` |
//! | | `life_trade_certificate_notify`, `life_partner_order_notify`, `service_market_order` | `order_changed` |
//! | `doudian` | tags 101, 110 | `order_paid` |
//! | | tags 100–113 besides, 200–227 | `order_changed` |
//! | `ocean-engine` | a label or content with a lead | `form_submit` |
//! | | content with a comment / with a message | `comment` / `direct_message` |
//! | `live-push` | `live_comment` | `live_comment` |
//! | | `live_gift`, `live_like`, `live_fansclub` | `live_component_click` |
//! | `secured-payment` | `payment` with status `SUCCESS` / other types | `order_paid` / `order_changed` |
//! | `trade-system` | `payment` with status `SUCCESS` / other types | `order_paid` / `order_changed` |
//! | `mini-app-push` | `MsgType` text, image, … | `direct_message` |
//! | | `Event` `user_enter_tempsession`, … | `chat_enter` |
//! | `mini-app-encrypted` | as plain pushes; `AUTHORIZED`, `UPDATE_AUTHORIZED` / `UNAUTHORIZED` | `authorize` / `unauthorize` |
//! | `life-spi` | the path segment after the source, if any, else `spi` | `unhandled` unless configured |
//!
//! The schemes of channels have a table of their own in `channels`.
//!
//! `qr_scan`, `link_jump` and `product_card_click` have no platform name of their own: they come through overrides.

pub(crate) mod channels;
mod doudian;
mod live;
mod message_ids;
mod ocean;
mod open_platform;
mod payment;
mod push;
mod spi;

use sha2::{Digest as _, Sha256};

use super::{EventKind, PersonalField, Subject, Unsealed};
use crate::failure::FailureKind;
use crate::id::FormId;
use crate::scheme::{Handshake, Verified};
use crate::source::{SchemeName, Source};
use crate::time::UnixMillis;
use message_ids::MessageIds;
use secrecy::SecretString;

/// What a genuine callback holds.
#[derive(Debug)]
pub enum Reading {
    /// A question of the platform's console: answered, never queued.
    Handshake(Handshake),
    /// One or several events.
    Events(Vec<Unsealed>),
}

/// Why a genuine callback can't be read. Messages name the form that was expected, never what came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NormaliseError {
    /// The payload is no UTF-8.
    #[error("payload is no UTF-8")]
    NotUtf8,
    /// The envelope does not have the scheme's form.
    #[error("envelope is malformed: expected {0}")]
    Envelope(&'static str),
    /// The content of a known event is malformed.
    #[error("content of a known event is malformed: expected {0}")]
    Content(&'static str),
}

impl NormaliseError {
    /// Stable, for logs, metrics and callers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotUtf8 => "body_not_utf8",
            Self::Envelope(_) => "envelope_malformed",
            Self::Content(_) => "content_malformed",
        }
    }

    /// The same bytes will never read better.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::NotUtf8 | Self::Envelope(_) | Self::Content(_) => FailureKind::Permanent,
        }
    }
}

/// Reads a genuine callback.
///
/// # Errors
/// [`NormaliseError`].
pub fn normalise(verified: &Verified<'_>, source: &Source) -> Result<Reading, NormaliseError> {
    if let Some(handshake) = verified.handshake() {
        return Ok(Reading::Handshake(handshake.clone()));
    }
    let text = std::str::from_utf8(verified.payload()).map_err(|_| NormaliseError::NotUtf8)?;
    let payload_sha256 = hex::encode(Sha256::digest(verified.received().body()));
    let app_id = source.app_id.as_deref();
    let facts = match verified.scheme() {
        SchemeName::OpenPlatform => open_platform::read(text, verified.received())?,
        SchemeName::LifeSpi => spi::read(verified.received()),
        SchemeName::MiniAppPush | SchemeName::MiniAppEncrypted => push::read(text)?,
        SchemeName::SecuredPayment => payment::secured(text)?,
        SchemeName::TradeSystem => payment::trade(text)?,
        SchemeName::LivePush => live::read(text, verified.received())?,
        SchemeName::Doudian => doudian::read(text)?,
        SchemeName::OceanEngine => ocean::read(text)?,
        SchemeName::WecomCallback => channels::wecom(text, app_id)?,
        SchemeName::WechatPush => channels::wechat(text, app_id)?,
        SchemeName::FeishuEvents => channels::feishu(text, app_id)?,
    };
    let facts = match facts {
        Found::Handshake(handshake) => return Ok(Reading::Handshake(handshake)),
        Found::Facts(facts) => facts,
    };
    let mut ids = MessageIds::new(&payload_sha256);
    let events = facts.into_iter().map(|facts| facts.into_unsealed(source, &mut ids, &payload_sha256));
    Ok(Reading::Events(events.collect()))
}

/// What a scheme's reader found.
enum Found {
    Handshake(Handshake),
    Facts(Vec<Facts>),
}

impl Found {
    fn one(facts: Facts) -> Self {
        Self::Facts(vec![facts])
    }
}

/// One event as a scheme's reader sees it, before ids and overrides.
struct Facts {
    message_id: Option<String>,
    kind: EventKind,
    name: String,
    occurred_at: Option<UnixMillis>,
    person: Option<SecretString>,
    account: Option<String>,
    subject: Subject,
    personal: Vec<(PersonalField, SecretString)>,
    welcome_code: Option<SecretString>,
}

impl Facts {
    fn new(kind: EventKind, name: impl Into<String>) -> Self {
        Self {
            message_id: None,
            kind,
            name: name.into(),
            occurred_at: None,
            person: None,
            account: None,
            subject: Subject::Nothing,
            personal: Vec::new(),
            welcome_code: None,
        }
    }

    /// Takes the person's open id, unless one is known already.
    fn person(&mut self, open_id: Option<&str>) {
        if self.person.is_none() {
            self.person = open_id.map(SecretString::from);
            self.personal(PersonalField::OpenId, open_id);
        }
    }

    /// Where a lead carries no open id, the number tells the person from others.
    fn person_by_phone(&mut self, phone: Option<&str>) {
        if self.person.is_none() {
            self.person = phone.map(|phone| SecretString::from(format!("tel:{phone}")));
        }
    }

    fn personal(&mut self, field: PersonalField, value: Option<&str>) {
        if let Some(value) = value {
            self.personal.push((field, SecretString::from(value)));
        }
    }

    fn into_unsealed(self, source: &Source, ids: &mut MessageIds<'_>, payload_sha256: &str) -> Unsealed {
        let kind = source.events.get(&self.name).copied().unwrap_or(self.kind);
        Unsealed {
            message: ids.next(self.message_id.as_deref()),
            kind,
            name: bounded(self.name),
            occurred_at: self.occurred_at,
            payload_sha256: payload_sha256.to_owned(),
            person: self.person,
            account: self.account,
            subject: self.subject,
            personal: self.personal,
            welcome_code: self.welcome_code,
        }
    }
}

/// Names go into logs and metrics: at most 96 bytes, no control characters.
fn bounded(name: String) -> String {
    const LIMIT: usize = 96;
    if name.len() <= LIMIT && !name.chars().any(char::is_control) {
        return name;
    }
    let mut out = String::new();
    for letter in name.chars().filter(|letter| !letter.is_control()) {
        if out.len() + letter.len_utf8() > LIMIT {
            break;
        }
        out.push(letter);
    }
    out
}

/// A form's id as the platform gives it; one that can't be an id becomes a digest of itself, so that it stays the same.
fn form_id(text: &str) -> FormId {
    let plain = FormId::new(text);
    plain.unwrap_or_else(|_| {
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(text)));
        #[expect(clippy::expect_used, reason = "71 characters of [a-z0-9:] are always a form id")]
        FormId::new(digest).expect("prefix and hex")
    })
}

/// Which personal field a form's label asks for.
fn field_of_label(label: &str) -> PersonalField {
    match label.trim().to_lowercase().as_str() {
        "手机号" | "手机" | "电话" | "手机号码" | "电话号码" | "联系电话" | "联系方式" | "phone"
        | "mobile" | "telephone" | "phone_number" => PersonalField::Phone,
        "姓名" | "称呼" | "名字" | "您的姓名" | "name" => PersonalField::Name,
        _ => PersonalField::Form(label.to_owned()),
    }
}
