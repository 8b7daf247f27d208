//! 巨量引擎 SPI pushes: leads, private messages and comments on ads.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{EventKind, Facts, Found, NormaliseError, form_id};
use crate::event::wire::{self, Text, embedded};
use crate::event::{PersonalField, Subject};

const OBJECT: NormaliseError = NormaliseError::Envelope("a JSON object with `message_id` and `data`");
const DATA: NormaliseError = NormaliseError::Content("`data` as a JSON object, or a text that holds one");

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    message_id: Text<'a>,
    #[serde(borrow, default)]
    service_label: Text<'a>,
    #[serde(borrow, default)]
    publish_time: Text<'a>,
    #[serde(borrow, default)]
    timestamp: Text<'a>,
    #[serde(borrow, default)]
    advertiser_ids: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// `data` nests a `content` for some labels and is flat for others; both are read alike.
#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    from_user_id: Text<'a>,
    #[serde(borrow, default)]
    to_user_id: Text<'a>,
}

#[derive(Deserialize)]
struct Inner<'a> {
    #[serde(borrow, default)]
    clue_id: Text<'a>,
    #[serde(borrow, default)]
    form_id: Text<'a>,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    telephone: Text<'a>,
    #[serde(borrow, default)]
    phone: Text<'a>,
    #[serde(borrow, default)]
    weixin: Text<'a>,
    #[serde(borrow, default)]
    qq: Text<'a>,
    #[serde(borrow, default)]
    gender: Text<'a>,
    #[serde(borrow, default)]
    age: Text<'a>,
    #[serde(borrow, default)]
    location: Text<'a>,
    #[serde(borrow, default)]
    wechat_openid: Text<'a>,
    #[serde(borrow, default)]
    open_id: Text<'a>,
    #[serde(borrow, default)]
    comment_id: Text<'a>,
    #[serde(borrow, default)]
    comment_user: Text<'a>,
    #[serde(borrow, default)]
    comment_content: Text<'a>,
    #[serde(borrow, default)]
    item_id: Text<'a>,
    #[serde(borrow, default)]
    message_type: Text<'a>,
    #[serde(borrow, default)]
    conversation_short_id: Text<'a>,
    #[serde(borrow, default)]
    server_message_id: Text<'a>,
    #[serde(borrow, default)]
    text: Text<'a>,
}

pub(super) fn read(text: &str) -> Result<Found, NormaliseError> {
    let envelope: Envelope<'_> = wire::object(text).map_err(|_| OBJECT)?;
    let label = envelope.service_label.get().unwrap_or("spi");
    let data_text = embedded(envelope.data).map_err(|_| DATA)?;
    let data: Data<'_> = wire::object(&data_text).map_err(|_| DATA)?;
    let content_text = match data.content {
        Some(raw) => embedded(Some(raw)).map_err(|_| DATA)?,
        None => Cow::Borrowed(&*data_text),
    };
    // A content that is plain text belongs to a label that is not known.
    let content = wire::object::<Inner<'_>>(&content_text).ok();
    let mut facts = match &content {
        Some(content) => content.facts(label),
        None => Facts::new(EventKind::Unhandled, label),
    };
    facts.message_id = envelope.message_id.owned();
    facts.occurred_at = envelope.publish_time.moment().or_else(|| envelope.timestamp.moment());
    facts.account = envelope
        .advertiser_ids
        .as_deref()
        .and_then(|ids| ids.first())
        .and_then(Text::owned)
        .or_else(|| data.to_user_id.owned());
    if facts.kind != EventKind::Unhandled {
        facts.person(data.from_user_id.get());
    }
    Ok(Found::one(facts))
}

impl Inner<'_> {
    fn facts(&self, label: &str) -> Facts {
        if self.comment_content.get().or(self.comment_user.get()).is_some() {
            self.comment(label)
        } else if self.is_lead(label) {
            self.lead(label)
        } else if self.message_type.get().is_some() {
            self.message(label)
        } else {
            Facts::new(EventKind::Unhandled, label)
        }
    }

    fn is_lead(&self, label: &str) -> bool {
        let named = ["clue", "lead", "form"].iter().any(|word| label.to_ascii_lowercase().contains(word));
        let filled = self.telephone.get().or(self.phone.get()).is_some();
        self.clue_id.get().is_some() || named && filled
    }

    fn lead(&self, label: &str) -> Facts {
        let mut facts = Facts::new(EventKind::FormSubmit, label);
        let form = |label: &str| PersonalField::Form(label.to_owned());
        let fields = [
            ("name", PersonalField::Name, &self.name),
            ("telephone", PersonalField::Phone, &self.telephone),
            ("phone", PersonalField::Phone, &self.phone),
            ("weixin", form("weixin"), &self.weixin),
            ("qq", form("qq"), &self.qq),
            ("gender", form("gender"), &self.gender),
            ("age", form("age"), &self.age),
            ("location", form("location"), &self.location),
            ("wechat_openid", form("wechat_openid"), &self.wechat_openid),
        ];
        let mut labels = Vec::new();
        for (label, field, value) in fields {
            if let Some(value) = value.get() {
                labels.push(label.to_owned());
                facts.personal(field, Some(value));
            }
        }
        facts.person(self.open_id.get());
        facts.person_by_phone(self.telephone.get().or(self.phone.get()));
        facts.subject = Subject::Form { form_id: form_id(self.form_id.get().unwrap_or(label)), labels };
        facts
    }

    fn comment(&self, label: &str) -> Facts {
        let mut facts = Facts::new(EventKind::Comment, label);
        facts.person(self.open_id.get());
        facts.personal(PersonalField::Nickname, self.comment_user.get());
        facts.personal(PersonalField::Text, self.comment_content.get());
        facts.subject = Subject::Comment {
            item_id: self.item_id.or_empty().to_owned(),
            comment_id: self.comment_id.or_empty().to_owned(),
        };
        facts
    }

    fn message(&self, label: &str) -> Facts {
        let mut facts = Facts::new(EventKind::DirectMessage, label);
        facts.person(self.open_id.get());
        facts.personal(PersonalField::Text, self.text.get());
        facts.subject = Subject::Conversation {
            conversation_id: self.conversation_short_id.or_empty().to_owned(),
            message_id: self.server_message_id.or_empty().to_owned(),
            message_type: self.message_type.or_empty().to_owned(),
            scene: None,
            outgoing: false,
            by_application: false,
        };
        facts
    }
}
