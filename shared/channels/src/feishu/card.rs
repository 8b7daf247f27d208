//! Content shared by bots and applications.

use serde_json::{Value, json};

use crate::message::Message;
use crate::text;

/// `text` for a bare text, otherwise a card.
pub(super) fn is_card(message: &Message) -> bool {
    message.title.is_some() || message.link.is_some()
}

/// A text's content. `<at user_id="all">` in it would call the whole group.
pub(super) fn text(message: &Message) -> Value {
    json!({ "text": text::without_tags(&message.text) })
}

/// A card of `plain_text` parts: nothing in them is markup, so nothing needs an escape.
pub(super) fn card(message: &Message) -> Value {
    let mut elements = vec![json!({ "tag": "div", "text": plain(&message.text) })];
    if let Some((label, address)) = &message.link {
        let button = json!({ "tag": "button", "text": plain(label), "type": "primary", "url": address });
        elements.push(json!({ "tag": "action", "actions": [button] }));
    }
    let mut card = json!({ "config": { "wide_screen_mode": true }, "elements": elements });
    if let (Some(title), Some(fields)) = (&message.title, card.as_object_mut()) {
        fields.insert("header".to_owned(), json!({ "title": plain(title) }));
    }
    card
}

fn plain(text: &str) -> Value {
    json!({ "tag": "plain_text", "content": text })
}
