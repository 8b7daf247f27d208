//! Live-room data and mini-game pushes: an array of things that happened in one room.

use serde::Deserialize;

use super::{EventKind, Facts, Found, NormaliseError};
use crate::event::wire::Text;
use crate::event::{PersonalField, Subject};
use crate::scheme::Received;

const ARRAY: NormaliseError = NormaliseError::Envelope("a JSON array of objects");

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default)]
    msg_id: Text<'a>,
    #[serde(borrow, default)]
    sec_openid: Text<'a>,
    #[serde(borrow, default)]
    content: Text<'a>,
    #[serde(borrow, default)]
    avatar_url: Text<'a>,
    #[serde(borrow, default)]
    nickname: Text<'a>,
    #[serde(borrow, default)]
    timestamp: Text<'a>,
    #[serde(borrow, default)]
    sec_gift_id: Text<'a>,
}

pub(super) fn read(text: &str, received: &Received<'_>) -> Result<Found, NormaliseError> {
    // Both headers are signed, and verifying has found them to come at most once.
    let header = |name| received.find_header(name).ok().flatten();
    let name = header("x-msg-type").unwrap_or_default();
    let room = header("x-roomid").unwrap_or_default();
    let kind = match name {
        "live_comment" => EventKind::LiveComment,
        "live_gift" | "live_like" | "live_fansclub" => EventKind::LiveComponentClick,
        other => return Ok(Found::one(Facts::new(EventKind::Unhandled, other))),
    };
    let items: Vec<Item<'_>> = serde_json::from_str(text).map_err(|_| ARRAY)?;
    if items.is_empty() {
        return Ok(Found::one(Facts::new(EventKind::Unhandled, name)));
    }
    Ok(Found::Facts(items.iter().map(|item| item.facts(kind, name, room)).collect()))
}

impl Item<'_> {
    fn facts(&self, kind: EventKind, name: &str, room: &str) -> Facts {
        let mut facts = Facts::new(kind, name);
        facts.message_id = self.msg_id.owned();
        facts.occurred_at = self.timestamp.moment();
        facts.person(self.sec_openid.get());
        facts.personal(PersonalField::Text, self.content.get());
        facts.personal(PersonalField::Nickname, self.nickname.get());
        facts.personal(PersonalField::Avatar, self.avatar_url.get());
        facts.subject = if kind == EventKind::LiveComment {
            Subject::Comment { item_id: room.to_owned(), comment_id: self.msg_id.or_empty().to_owned() }
        } else {
            Subject::Live { room_id: room.to_owned(), component: self.sec_gift_id.owned() }
        };
        facts
    }
}
