//! The canonical event: what every step after webhook-verify works on.

mod kind;
mod normalise;
mod subject;
mod unsealed;
pub(crate) mod wire;

pub use kind::{EventKind, Handling};
pub(crate) use normalise::channels::contact_name;
pub use normalise::{NormaliseError, Reading, normalise};
pub use subject::{SUBSCRIPTION_FAILED, SUBSCRIPTION_SENT, Subject};
pub use unsealed::{SEAL_TABLE, Unsealed};

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{EventKey, PersonId, TraceId};
use crate::sealed::Sealed;
use crate::time::UnixMillis;

/// One verified, normalised event with its personal fields sealed: the body of the `events` queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Follows the event through every step.
    pub trace_id: TraceId,
    /// Names the event for ever.
    #[serde(flatten)]
    pub key: EventKey,
    /// What happened, in Sluice's words.
    pub kind: EventKind,
    /// What the platform called it (`im_receive_msg`, 抖店 tag `101`, …).
    pub name: String,
    /// When it happened, if the platform said so.
    pub occurred_at: Option<UnixMillis>,
    /// When the callback arrived.
    pub received_at: UnixMillis,
    /// The commitment to the callback's raw body ([`crate::tenant::TenantKeys::payload`]), in lower-case hex: equal for equal bodies of a tenant, and
    /// of no use to whoever has not the tenant's keys. (It was the plain SHA-256 once; the name is from then.)
    pub payload_sha256: String,
    /// Who did it: a pseudonym. `None` when the platform names nobody.
    pub person: Option<PersonId>,
    /// The merchant's own account the event belongs to, as the platform names it; not a person.
    pub account: Option<String>,
    /// The facts of the kind that are not personal.
    pub subject: Subject,
    /// The personal fields, sealed (`PIPL art. 51`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub personal: BTreeMap<PersonalField, Sealed>,
}

impl Event {
    /// The event without its person and what they gave: what is left of it on a queue when the person is erased.
    #[must_use]
    pub fn erased(self) -> Self {
        Self { person: None, personal: BTreeMap::new(), ..self }
    }
}

/// A field that may identify or describe a person, and is therefore sealed at the door.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PersonalField {
    /// The platform's open id of the person.
    OpenId,
    /// A telephone number.
    Phone,
    /// A name given in a form.
    Name,
    /// A nickname of the platform.
    Nickname,
    /// The address of an avatar.
    Avatar,
    /// Free text: a message, a comment.
    Text,
    /// Another value of a form, by its label (`城市`).
    Form(String),
}

impl fmt::Display for PersonalField {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::OpenId => "open_id",
            Self::Phone => "phone",
            Self::Name => "name",
            Self::Nickname => "nickname",
            Self::Avatar => "avatar",
            Self::Text => "text",
            Self::Form(label) => return write!(out, "form.{label}"),
        })
    }
}

/// A name that is no personal field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown personal field `{0}`")]
pub struct UnknownField(String);

impl TryFrom<String> for PersonalField {
    type Error = UnknownField;
    fn try_from(text: String) -> Result<Self, UnknownField> {
        Ok(match text.as_str() {
            "open_id" => Self::OpenId,
            "phone" => Self::Phone,
            "name" => Self::Name,
            "nickname" => Self::Nickname,
            "avatar" => Self::Avatar,
            "text" => Self::Text,
            other => match other.strip_prefix("form.") {
                Some(label) => Self::Form(label.to_owned()),
                None => return Err(UnknownField(text)),
            },
        })
    }
}

impl From<PersonalField> for String {
    fn from(field: PersonalField) -> String {
        field.to_string()
    }
}
