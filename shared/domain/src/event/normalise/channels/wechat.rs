//! Message pushes of WeChat accounts and mini-programs (MP, 消息推送).

use serde::Deserialize;

use super::{conversation, id_of, state, subscriptions};
use crate::event::normalise::{Facts, Found, NormaliseError};
use crate::event::wire::{self, Text};
use crate::event::{EventKind, PersonalField, Subject};
use crate::scheme::FlatXml;
use crate::time::UnixMillis;

const FORM: NormaliseError = NormaliseError::Envelope("XML or JSON with `MsgType`");
/// Before the scene of a code that a new follower scanned.
const NEW_FOLLOWER: &str = "qrscene_";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Json<'a> {
    #[serde(borrow, rename = "FromUserName")]
    from: Text<'a>,
    #[serde(borrow, rename = "CreateTime")]
    created: Text<'a>,
    #[serde(borrow, rename = "MsgType")]
    message_type: Text<'a>,
    #[serde(borrow, rename = "MsgId")]
    message_id: Text<'a>,
    #[serde(borrow, rename = "Content")]
    content: Text<'a>,
    #[serde(borrow, rename = "Event")]
    event: Text<'a>,
    #[serde(borrow, rename = "EventKey")]
    event_key: Text<'a>,
    #[serde(borrow, rename = "Status")]
    status: Text<'a>,
}

pub(in crate::event::normalise) fn read(text: &str, app_id: Option<&str>) -> Result<Found, NormaliseError> {
    let (push, from) = if let Some(xml) = FlatXml::new(text) {
        let get = |name: &str| xml.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
        (facts(text, app_id, get), get("FromUserName"))
    } else {
        let json: Json<'_> = wire::object(text).map_err(|_| FORM)?;
        (facts(text, app_id, |name| json.field(name).and_then(Text::owned)), json.from.owned())
    };
    subscriptions::read(text, from.as_deref(), push.ok_or(FORM)?).map(Found::Facts)
}

impl<'a> Json<'a> {
    fn field(&self, name: &str) -> Option<&Text<'a>> {
        Some(match name {
            "FromUserName" => &self.from,
            "CreateTime" => &self.created,
            "MsgType" => &self.message_type,
            "MsgId" => &self.message_id,
            "Content" => &self.content,
            "Event" => &self.event,
            "EventKey" => &self.event_key,
            "Status" => &self.status,
            _ => return None,
        })
    }
}

fn facts(text: &str, app_id: Option<&str>, get: impl Fn(&str) -> Option<String>) -> Option<Facts> {
    let message_type = get("MsgType")?;
    let event = get("Event");
    let name = event.clone().unwrap_or_else(|| message_type.clone());
    let mut facts = Facts::new(kind(event.as_deref(), &message_type, get("Status").as_deref()), name.clone());
    facts.message_id = get("MsgId").filter(|_| event.is_none()).or_else(|| Some(id_of(text)));
    let seconds = get("CreateTime").and_then(|value| value.trim().parse().ok());
    facts.occurred_at = seconds.filter(|value| *value > 0).map(UnixMillis::from_platform);
    // Not `ToUserName`, which is another name of the account than the one it is configured by.
    facts.account = app_id.map(str::to_owned);
    let scene = get("EventKey");
    let scene = state(scene.as_deref().map(|key| key.strip_prefix(NEW_FOLLOWER).unwrap_or(key)));
    facts.subject = match facts.kind {
        EventKind::ContactAdded => Subject::Contact { state: scene, member: None, by_person: true },
        EventKind::ContactLost => Subject::Contact { state: None, member: None, by_person: true },
        EventKind::ChannelActivity => Subject::Activity { what: name, state: scene, messages: Vec::new() },
        EventKind::DirectMessage => {
            let id = facts.message_id.clone().unwrap_or_default();
            facts.personal(PersonalField::Text, get("Content").as_deref());
            conversation(&id, &message_type)
        }
        _ => Subject::Nothing,
    };
    if facts.kind != EventKind::Unhandled {
        facts.contact("wechat", app_id, get("FromUserName").as_deref());
    }
    Some(facts)
}

fn kind(event: Option<&str>, message_type: &str, status: Option<&str>) -> EventKind {
    match (event, message_type) {
        (Some("subscribe"), _) => EventKind::ContactAdded,
        (Some("unsubscribe"), _) => EventKind::ContactLost,
        (Some("TEMPLATESENDJOBFINISH"), _) if status == Some("failed:user block") => EventKind::ContactLost,
        (Some("SCAN" | "user_enter_tempsession"), _) => EventKind::ChannelActivity,
        (
            None,
            "text" | "image" | "voice" | "video" | "shortvideo" | "location" | "link" | "miniprogrampage",
        ) => EventKind::DirectMessage,
        _ => EventKind::Unhandled,
    }
}
