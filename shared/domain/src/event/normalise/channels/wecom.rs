//! Callbacks of WeCom: customer contact (WW92130, WW92277) and customer-acquisition links (WW97299).

use secrecy::SecretString;

use super::{id_of, state};
use crate::event::normalise::{Facts, Found, NormaliseError};
use crate::event::{EventKind, Subject};
use crate::scheme::FlatXml;
use crate::time::UnixMillis;

const FORM: NormaliseError = NormaliseError::Envelope("XML with `MsgType`");

pub(in crate::event::normalise) fn read(text: &str, corp_id: Option<&str>) -> Result<Found, NormaliseError> {
    let xml = FlatXml::new(text).ok_or(FORM)?;
    let get = |name| xml.get(name).filter(|value| !value.is_empty());
    let message_type = get("MsgType").ok_or(FORM)?;
    let (event, change) = (get("Event"), get("ChangeType"));
    let name = change.or(event).unwrap_or(message_type);
    let mut facts = Facts::new(kind(event, change), name);
    facts.message_id = get("MsgId").map(str::to_owned).or_else(|| Some(id_of(text)));
    let seconds = get("CreateTime").and_then(|value| value.trim().parse().ok());
    facts.occurred_at = seconds.filter(|value| *value > 0).map(UnixMillis::from_platform);
    facts.account = corp_id.map(str::to_owned);
    facts.subject = match facts.kind {
        EventKind::ContactAdded | EventKind::ContactLost => Subject::Contact {
            state: state(get("State")),
            member: get("UserID").map(str::to_owned),
            by_person: change != Some("del_external_contact"),
        },
        EventKind::ChannelActivity => {
            Subject::Activity { what: name.to_owned(), state: state(get("State")), messages: Vec::new() }
        }
        EventKind::ChannelNotice => Subject::Notice { what: name.to_owned() },
        _ => Subject::Nothing,
    };
    if facts.kind == EventKind::ContactAdded {
        facts.welcome_code = get("WelcomeCode").map(SecretString::from);
    }
    // What Sluice does not act on, staff's own messages among it, leaves no person behind.
    if facts.kind != EventKind::Unhandled {
        facts.contact("wecom", corp_id, get("ExternalUserID"));
    }
    Ok(Found::one(facts))
}

fn kind(event: Option<&str>, change: Option<&str>) -> EventKind {
    match (event, change) {
        (Some("change_external_contact"), Some("add_external_contact" | "add_half_external_contact")) => {
            EventKind::ContactAdded
        }
        (Some("change_external_contact"), Some("del_follow_user" | "del_external_contact")) => {
            EventKind::ContactLost
        }
        (Some("customer_acquisition"), Some(change)) => match change {
            "open_profile" | "friend_request" | "customer_start_chat" => EventKind::ChannelActivity,
            // Exhausted, dead or nearly so: whatever the platform calls the next one, somebody must look.
            _ => EventKind::ChannelNotice,
        },
        _ => EventKind::Unhandled,
    }
}
