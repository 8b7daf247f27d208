use std::collections::BTreeMap;

use sluice_domain::delivery::Outcome;
use sluice_domain::image::Image;
use sluice_domain::time::UnixMillis;

use crate::account::EndpointHealth;

/// A rendered, scanned message on its way to one destination.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// Names this dispatch for ever, whatever the attempt: what the platform's idempotency key is made of (a UUID's 36 characters).
    pub dispatch_id: String,
    /// The title of a card.
    pub title: Option<String>,
    /// The text; plain, escaped per format by the channel. Empty beside an image.
    pub text: String,
    /// The image that is the whole message.
    pub image: Option<Image>,
    /// A link under the text, as a button where the format has one: (label, address).
    pub link: Option<(String, String)>,
    /// The person's own address on the channel, for channels that write to the person (WeChat openid).
    pub recipient: Option<String>,
    /// The fields of an approved template (WeChat template and subscribe messages).
    pub fields: BTreeMap<String, String>,
    /// What it answers, for channels that only answer (Douyin).
    pub reply: Option<Reply>,
    /// When its event was cleared: the same at every attempt.
    pub at: UnixMillis,
}

/// What the person said on Douyin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A private message; it can be answered for 24 hours.
    Message {
        /// The merchant's account that it went to.
        account: String,
        /// `conversation_short_id`.
        conversation_id: String,
        /// `server_message_id`.
        message_id: String,
        /// Until when it can be answered.
        until: UnixMillis,
    },
    /// A comment under a video of the account.
    Comment {
        /// The merchant's account.
        account: String,
        /// The video.
        item_id: String,
        /// The comment.
        comment_id: String,
    },
}

impl Reply {
    /// The merchant's account.
    pub fn account(&self) -> &str {
        match self {
            Self::Message { account, .. } | Self::Comment { account, .. } => account,
        }
    }
}

impl Message {
    /// What it consists of.
    pub fn form(&self) -> Form {
        if self.image.is_some() { Form::Image } else { Form::Text }
    }
}

/// What a message consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Texts, or a card of them.
    Text,
    /// An image alone.
    Image,
}

/// What a channel promises about repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idempotency {
    /// Nothing: an unclear result must not be repeated.
    None,
    /// The platform remembers the dispatch id or the content for so long; repeats within it are safe.
    Window {
        /// Milliseconds, already with a margin.
        ms: i64,
    },
}

/// What came of one send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendReport {
    /// What it means.
    pub outcome: Outcome,
    /// The platform's raw code, or Sluice's own word where the platform said nothing: `no_answer`, `too_long`, `http_503`, …
    pub code: Option<String>,
    /// What it said, at most 1 KiB and never what was sent: its words for a known code, the whole answer for anything else.
    pub message: Option<String>,
    /// Its log id (`X-Tt-Logid`, `hint:[…]`, `rid:`).
    pub provider_log_id: Option<String>,
    /// Lower-case hex SHA-256 of the request body.
    pub request_sha256: Option<String>,
    /// How the endpoint is now, if this call changed it.
    pub endpoint: Option<EndpointHealth>,
}
