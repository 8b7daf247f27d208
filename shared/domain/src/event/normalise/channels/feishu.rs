//! Events of a Feishu application, version 2.0 (Feishu, event subscription guide).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::conversation;
use crate::event::normalise::{Facts, Found, NormaliseError};
use crate::event::wire::{self, Text};
use crate::event::{EventKind, PersonalField, Subject};

const FORM: NormaliseError = NormaliseError::Envelope("JSON with `header` (events of version 2.0)");
const CONTENT: NormaliseError = NormaliseError::Content("the fields of its event");
/// So many messages of one reading are kept.
const MOST_MESSAGES: usize = 50;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    header: Header<'a>,
    #[serde(borrow, default)]
    event: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow, default)]
    event_id: Text<'a>,
    #[serde(borrow, default)]
    event_type: Text<'a>,
    #[serde(borrow, default)]
    create_time: Text<'a>,
    #[serde(borrow, default)]
    app_id: Text<'a>,
}

/// The ids of a user; each application knows a person under another open id.
#[derive(Deserialize, Default)]
struct UserId<'a> {
    #[serde(borrow, default)]
    open_id: Text<'a>,
}

#[derive(Deserialize)]
struct Received<'a> {
    #[serde(borrow)]
    sender: Sender<'a>,
    #[serde(borrow)]
    message: Message<'a>,
}

#[derive(Deserialize)]
struct Sender<'a> {
    #[serde(borrow, default)]
    sender_id: UserId<'a>,
    #[serde(borrow, default)]
    sender_type: Text<'a>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default, rename = "message_id")]
    id: Text<'a>,
    #[serde(borrow, default)]
    chat_type: Text<'a>,
    #[serde(borrow, default, rename = "message_type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    content: Text<'a>,
}

#[derive(Deserialize, Default)]
struct Written<'a> {
    #[serde(borrow, default)]
    text: Text<'a>,
}

#[derive(Deserialize)]
struct Read<'a> {
    #[serde(borrow, default)]
    reader: Reader<'a>,
    #[serde(default)]
    message_id_list: Vec<String>,
}

#[derive(Deserialize, Default)]
struct Reader<'a> {
    #[serde(borrow, default)]
    reader_id: UserId<'a>,
}

#[derive(Deserialize)]
struct Of<'a> {
    #[serde(borrow, default)]
    operator_id: UserId<'a>,
    #[serde(borrow, default)]
    object: UserId<'a>,
}

pub(in crate::event::normalise) fn read(text: &str, app_id: Option<&str>) -> Result<Found, NormaliseError> {
    let envelope: Envelope<'_> = wire::object(text).map_err(|_| FORM)?;
    let header = &envelope.header;
    let name = header.event_type.get().ok_or(FORM)?;
    let mut facts = Facts::new(EventKind::Unhandled, name);
    facts.message_id = header.event_id.owned();
    facts.occurred_at = header.create_time.moment();
    facts.account = app_id.map(str::to_owned).or_else(|| header.app_id.owned());
    let event = envelope.event.map_or("{}", RawValue::get);
    match name {
        "im.message.receive_v1" => message(&mut facts, parse(event)?),
        "im.message.message_read_v1" => {
            let Read { reader, mut message_id_list } = parse(event)?;
            message_id_list.retain(|id| id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_graphic()));
            message_id_list.truncate(MOST_MESSAGES);
            facts.kind = EventKind::ChannelActivity;
            facts.subject =
                Subject::Activity { what: "message_read".to_owned(), state: None, messages: message_id_list };
            take(&mut facts, &reader.reader_id);
        }
        "im.chat.access_event.bot_p2p_chat_entered_v1" => {
            let of: Of<'_> = parse(event)?;
            facts.kind = EventKind::ChannelActivity;
            facts.subject =
                Subject::Activity { what: "chat_entered".to_owned(), state: None, messages: Vec::new() };
            take(&mut facts, &of.operator_id);
        }
        "contact.user.deleted_v3" => {
            let of: Of<'_> = parse(event)?;
            facts.kind = EventKind::ContactLost;
            facts.subject = Subject::Contact { state: None, member: None, by_person: false };
            take(&mut facts, &of.object);
        }
        "im.chat.member.bot.deleted_v1" | "im.chat.disbanded_v1" => {
            facts.kind = EventKind::ChannelNotice;
            facts.subject = Subject::Notice { what: name.to_owned() };
        }
        _ => {}
    }
    Ok(Found::one(facts))
}

/// A message of a private chat; what is said in groups of staff is nobody's business here.
fn message(facts: &mut Facts, received: Received<'_>) {
    let Received { sender, message } = received;
    // A message may be pushed twice under two event ids.
    facts.message_id = message.id.owned().or_else(|| facts.message_id.take());
    if message.chat_type.get() != Some("p2p") || sender.sender_type.get() != Some("user") {
        return;
    }
    facts.kind = EventKind::DirectMessage;
    let written: Written<'_> = wire::object(message.content.or_empty()).unwrap_or_default();
    facts.personal(PersonalField::Text, written.text.get());
    facts.subject = conversation(message.id.or_empty(), message.kind.or_empty());
    take(facts, &sender.sender_id);
}

fn take(facts: &mut Facts, id: &UserId<'_>) {
    let account = facts.account.clone();
    facts.contact("feishu", account.as_deref(), id.open_id.get());
}

fn parse<'a, T: Deserialize<'a>>(event: &'a str) -> Result<T, NormaliseError> {
    wire::object(event).map_err(|_| CONTENT)
}
