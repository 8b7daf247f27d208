//! Customer contact (客户联系): contact-me entries (WW96348) and welcome messages (WW92599).

use serde_json::{Value, json};
use sluice_domain::time::UnixMillis;
use sluice_domain::welcome::TEXT_LIMIT;

use crate::call::Payload;
use crate::refusal::Refusal;
use crate::text;

/// `state` and `remark`: at most 30 characters.
const STATE_LIMIT: usize = 30;
/// "Within 20 s of the event".
const WELCOME_MS: i64 = 20_000;
const ATTACHMENTS_LIMIT: usize = 9;

/// The application that has the right to customer contact.
#[derive(Debug, Clone, Copy)]
pub struct CustomerContact<'a> {
    /// The corporation.
    pub corp_id: &'a str,
    /// The application; its tokens are used.
    pub agent_id: i64,
    /// Name of the application's secret.
    pub secret: &'a str,
}

/// A contact-me entry (联系我): a QR code that adds one of these members.
///
/// A corporation has 500 000 of them in all, they are not shown in its console, and a repeat makes another one: one per bucket of an
/// experiment, never one per person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactWay {
    /// The members who may be added.
    pub members: Vec<String>,
    /// Comes back as `State` when somebody adds them.
    pub state: String,
    /// What the corporation sees beside it.
    pub remark: String,
}

/// What WeCom made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeContactWay {
    /// To be kept: without it the entry can never be changed or deleted.
    pub config_id: String,
    /// Where the picture of the QR code is.
    pub qr_code: String,
}

impl ContactWay {
    /// The API below `/cgi-bin/externalcontact/`.
    pub(crate) const API: &'static str = "add_contact_way";

    pub(crate) fn payload(&self) -> Result<Payload, Refusal> {
        let short = |text: &str| text.chars().count() <= STATE_LIMIT;
        if self.members.is_empty() || self.members.iter().any(String::is_empty) {
            return Err(Refusal::endpoint("members_malformed"));
        }
        if self.state.is_empty() || !short(&self.state) || !short(&self.remark) {
            return Err(Refusal::content("state_too_long"));
        }
        let kind = if self.members.len() == 1 { 1 } else { 2 };
        let body = json!({
            "type": kind, "scene": 2, "skip_verify": true, "state": self.state, "remark": self.remark, "user": self.members,
        });
        Payload::json(&body, usize::MAX)
    }

    pub(crate) fn in_answer(body: &Value) -> Option<MadeContactWay> {
        let text = |name: &str| body.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        Some(MadeContactWay { config_id: text("config_id")?, qr_code: text("qr_code")? })
    }
}

/// A welcome message, to a person who has just added a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// `WelcomeCode` of the event: good once.
    pub code: String,
    /// When the event arrived here.
    pub event_at: UnixMillis,
    /// The text.
    pub text: String,
    /// What comes with it, at most nine.
    pub attachments: Vec<Attachment>,
}

/// What comes with a welcome message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attachment {
    /// A picture that was uploaded.
    Image {
        /// Its id.
        media_id: String,
    },
    /// A link as a card.
    Link {
        /// At most 128 bytes.
        title: String,
        /// https.
        url: String,
        /// At most 512 bytes.
        description: String,
    },
    /// A page of a mini-program.
    MiniProgram {
        /// At most 64 bytes.
        title: String,
        /// Its picture, uploaded.
        media_id: String,
        /// The mini-program.
        app_id: String,
        /// The page.
        page: String,
    },
}

impl Welcome {
    /// The API below `/cgi-bin/externalcontact/`.
    pub(crate) const API: &'static str = "send_welcome_msg";

    /// The moment after which it is not sent any more.
    pub(crate) fn deadline(&self) -> UnixMillis {
        self.event_at.plus_ms(WELCOME_MS)
    }

    pub(crate) fn payload(&self) -> Result<Payload, Refusal> {
        if self.text.trim().is_empty() && self.attachments.is_empty() {
            return Err(Refusal::content("empty"));
        }
        if self.code.is_empty() {
            return Err(Refusal::content("welcome_code_missing"));
        }
        if self.attachments.len() > ATTACHMENTS_LIMIT {
            return Err(Refusal::content("too_many_attachments"));
        }
        let content = text::within(TEXT_LIMIT, text::without_tags(&self.text))?;
        let attachments = self.attachments.iter().map(Attachment::json).collect::<Result<Vec<_>, _>>()?;
        let body = json!({
            "welcome_code": self.code, "text": { "content": content }, "attachments": attachments,
        });
        Payload::json(&body, usize::MAX)
    }
}

impl Attachment {
    fn json(&self) -> Result<Value, Refusal> {
        let short = |text: &str, limit: usize| {
            if text.len() <= limit { Ok(()) } else { Err(Refusal::content("too_long")) }
        };
        Ok(match self {
            Self::Image { media_id } => json!({ "msgtype": "image", "image": { "media_id": media_id } }),
            Self::Link { title, url, description } => {
                short(title, 128)?;
                short(description, 512)?;
                if !text::is_link(url) {
                    return Err(Refusal::content("bad_link"));
                }
                json!({ "msgtype": "link", "link": { "title": title, "url": url, "desc": description } })
            }
            Self::MiniProgram { title, media_id, app_id, page } => {
                short(title, 64)?;
                json!({ "msgtype": "miniprogram", "miniprogram": {
                    "title": title, "pic_media_id": media_id, "appid": app_id, "page": page,
                } })
            }
        })
    }
}
