//! Private and group messages, and the opening of a chat.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::{EventKind, Facts, NormaliseError, field_of_label, form_id};
use super::{Envelope, content};
use crate::event::wire::Text;
use crate::event::{PersonalField, Subject};

/// `card_status` of a 留资 card that was filled in; 1 is a blank one that was only shown.
const CARD_FILLED: i64 = 2;

#[derive(Deserialize)]
struct Chat<'a> {
    #[serde(borrow, default)]
    conversation_short_id: Text<'a>,
    #[serde(borrow, default)]
    server_message_id: Text<'a>,
    #[serde(borrow, default)]
    create_time: Text<'a>,
    #[serde(borrow, default)]
    message_type: Text<'a>,
    #[serde(borrow, default)]
    source: Text<'a>,
    #[serde(borrow, default)]
    scene_type: Text<'a>,
    #[serde(borrow, default)]
    text: Text<'a>,
    #[serde(borrow, default)]
    card_id: Text<'a>,
    #[serde(borrow, default)]
    card_status: Text<'a>,
    #[serde(borrow, default)]
    card_data: Option<Vec<CardValue<'a>>>,
    #[serde(borrow, default)]
    user_infos: Option<Vec<UserInfo<'a>>>,
}

#[derive(Deserialize)]
struct CardValue<'a> {
    #[serde(borrow, default)]
    label: Text<'a>,
    #[serde(borrow, default)]
    value: Text<'a>,
}

#[derive(Deserialize)]
struct UserInfo<'a> {
    #[serde(borrow, default)]
    open_id: Text<'a>,
    #[serde(borrow, default)]
    nick_name: Text<'a>,
    #[serde(borrow, default)]
    avatar: Text<'a>,
}

pub(super) fn received(envelope: &Envelope<'_>, name: &str) -> Result<Facts, NormaliseError> {
    let holder: Cow<'_, str>;
    let message: Chat<'_> = content!(envelope, holder);
    let mut facts = message.facts(EventKind::DirectMessage, name, envelope, false);
    message.describe_person(&mut facts, envelope.from_user_id.get());
    if message.message_type.get() == Some("retain_consult_card")
        && message.card_status.int() == Some(CARD_FILLED)
    {
        message.fill_form(&mut facts);
    }
    Ok(facts)
}

pub(super) fn sent(envelope: &Envelope<'_>, name: &str) -> Result<Facts, NormaliseError> {
    let holder: Cow<'_, str>;
    let message: Chat<'_> = content!(envelope, holder);
    let mut facts = message.facts(EventKind::DirectMessage, name, envelope, true);
    facts.person(envelope.to_user_id.get());
    facts.account = envelope.from_user_id.owned();
    message.describe_person(&mut facts, envelope.to_user_id.get());
    Ok(facts)
}

pub(super) fn entered(envelope: &Envelope<'_>, name: &str) -> Result<Facts, NormaliseError> {
    let holder: Cow<'_, str>;
    let message: Chat<'_> = content!(envelope, holder);
    let mut facts = message.facts(EventKind::ChatEnter, name, envelope, false);
    message.describe_person(&mut facts, envelope.from_user_id.get());
    Ok(facts)
}

pub(super) fn recalled(envelope: &Envelope<'_>, name: &str) -> Result<Facts, NormaliseError> {
    let holder: Cow<'_, str>;
    let message: Chat<'_> = content!(envelope, holder);
    Ok(message.facts(EventKind::Unhandled, name, envelope, false))
}

impl Chat<'_> {
    fn facts(&self, kind: EventKind, name: &str, envelope: &Envelope<'_>, outgoing: bool) -> Facts {
        let mut facts = Facts::new(kind, name);
        facts.occurred_at = self.create_time.moment();
        facts.subject = Subject::Conversation {
            conversation_id: self.conversation_short_id.or_empty().to_owned(),
            message_id: self.server_message_id.or_empty().to_owned(),
            message_type: self.message_type.or_empty().to_owned(),
            scene: self.scene_type.int(),
            outgoing,
            // `source` is the client key of the application that sent it: answering it would be a loop.
            by_application: self.source.get().is_some_and(|source| envelope.client_key.get() == Some(source)),
        };
        facts.personal(PersonalField::Text, self.text.get());
        facts
    }

    /// The nickname and avatar of the person, not those of the account.
    fn describe_person(&self, facts: &mut Facts, open_id: Option<&str>) {
        let users = self.user_infos.as_deref().unwrap_or_default();
        if let Some(user) = users.iter().find(|user| open_id.is_some() && user.open_id.get() == open_id) {
            facts.personal(PersonalField::Nickname, user.nick_name.get());
            facts.personal(PersonalField::Avatar, user.avatar.get());
        }
    }

    fn fill_form(&self, facts: &mut Facts) {
        facts.kind = EventKind::FormSubmit;
        let values = self.card_data.as_deref().unwrap_or_default();
        for value in values {
            facts.personal(field_of_label(value.label.or_empty()), value.value.get());
        }
        facts.subject = Subject::Form {
            form_id: form_id(self.card_id.or_empty()),
            labels: values.iter().filter_map(|value| value.label.owned()).collect(),
        };
    }
}
