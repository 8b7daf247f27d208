//! Message pushes of mini-programs, as JSON or as flat XML, plain or decrypted.

use serde::Deserialize;

use super::{EventKind, Facts, Found, NormaliseError};
use crate::event::wire::{self, Text};
use crate::event::{PersonalField, Subject};
use crate::scheme::FlatXml;
use crate::time::UnixMillis;

const FORM: NormaliseError = NormaliseError::Envelope("JSON or XML with `MsgType` or `Event`");

#[derive(Deserialize)]
struct Json<'a> {
    #[serde(borrow, default, rename = "ToUserName")]
    to: Text<'a>,
    #[serde(borrow, default, rename = "FromUserName")]
    from: Text<'a>,
    #[serde(borrow, default, rename = "CreateTime")]
    created: Text<'a>,
    #[serde(borrow, default, rename = "MsgType")]
    message_type: Text<'a>,
    #[serde(borrow, default, rename = "MsgId")]
    message_id: Text<'a>,
    #[serde(borrow, default, rename = "Content")]
    content: Text<'a>,
    #[serde(borrow, default, rename = "Event")]
    event: Text<'a>,
}

/// The fields, whatever the form.
struct Push {
    to: Option<String>,
    from: Option<String>,
    created: Option<UnixMillis>,
    message_type: Option<String>,
    message_id: Option<String>,
    content: Option<String>,
    event: Option<String>,
}

pub(super) fn read(text: &str) -> Result<Found, NormaliseError> {
    let push = match FlatXml::new(text) {
        Some(xml) => Push::of_xml(&xml),
        None => Push::of_json(&wire::object(text).map_err(|_| FORM)?),
    };
    push.facts().map(Found::one).ok_or(FORM)
}

impl Push {
    fn of_json(json: &Json<'_>) -> Self {
        Self {
            to: json.to.owned(),
            from: json.from.owned(),
            created: json.created.moment(),
            message_type: json.message_type.owned(),
            message_id: json.message_id.owned(),
            content: json.content.owned(),
            event: json.event.owned(),
        }
    }

    fn of_xml(xml: &FlatXml<'_>) -> Self {
        let get = |name| xml.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let seconds = xml.get("CreateTime").and_then(|text| text.trim().parse().ok());
        Self {
            to: get("ToUserName"),
            from: get("FromUserName"),
            created: seconds.filter(|value| *value > 0).map(UnixMillis::from_platform),
            message_type: get("MsgType"),
            message_id: get("MsgId"),
            content: get("Content"),
            event: get("Event"),
        }
    }

    fn facts(self) -> Option<Facts> {
        let name = self.event.clone().or_else(|| self.message_type.clone())?;
        let kind = match (self.event.as_deref(), self.message_type.as_deref()) {
            (Some("AUTHORIZED" | "UPDATE_AUTHORIZED"), _) => EventKind::Authorize,
            (Some("UNAUTHORIZED"), _) => EventKind::Unauthorize,
            (Some("user_enter_tempsession" | "enter_im" | "im_enter_direct_msg"), _) => EventKind::ChatEnter,
            (None, Some("text" | "image" | "video" | "voice" | "miniprogrampage" | "file" | "link")) => {
                EventKind::DirectMessage
            }
            // The ticket of a service provider among them: a credential, so nothing of it is kept.
            _ => EventKind::Unhandled,
        };
        let mut facts = Facts::new(kind, name);
        facts.message_id = self.message_id.clone();
        facts.occurred_at = self.created;
        facts.account = self.to;
        if kind == EventKind::Unhandled {
            return Some(facts);
        }
        facts.person(self.from.as_deref());
        facts.personal(PersonalField::Text, self.content.as_deref());
        facts.subject = match kind {
            EventKind::Authorize | EventKind::Unauthorize => {
                Subject::Authorization { scopes: Vec::new(), expires_at: None }
            }
            _ => Subject::Conversation {
                conversation_id: String::new(),
                message_id: self.message_id.unwrap_or_default(),
                message_type: self.message_type.unwrap_or_default(),
                scene: None,
                outgoing: false,
                by_application: false,
            },
        };
        Some(facts)
    }
}
