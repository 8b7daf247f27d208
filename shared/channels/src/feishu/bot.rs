//! Messages of a group's custom bot: `POST /open-apis/bot/v2/hook/{hook}`.

use serde_json::{Value, json};

use super::{card, sign};
use crate::call::Payload;
use crate::message::Message;
use crate::refusal::Refusal;
use crate::text;

/// "Not more than 20 KB", taken as the smaller of its two meanings.
const BODY_LIMIT: usize = 20_000;

/// Where the bot listens.
pub(crate) fn url(base: &str, hook: &str) -> String {
    format!("{base}/open-apis/bot/v2/hook/{hook}")
}

/// The body; of an image, under the name that it was uploaded by. Signed with this secret at this moment when the bot has signatures on, and anew at
/// every attempt: the platform takes a sign for an hour.
pub(crate) fn payload(
    message: &Message,
    image_key: Option<&str>,
    signing: Option<&str>,
    seconds: i64,
) -> Result<Payload, Refusal> {
    if image_key.is_none() {
        text::sendable(message)?;
    }
    let mut body = match image_key {
        Some(image_key) => json!({ "msg_type": "image", "content": { "image_key": image_key } }),
        None if card::is_card(message) => json!({ "msg_type": "interactive", "card": card::card(message) }),
        None => json!({ "msg_type": "text", "content": card::text(message) }),
    };
    if let (Some(secret), Some(fields)) = (signing, body.as_object_mut()) {
        fields.insert("timestamp".to_owned(), Value::String(seconds.to_string()));
        fields.insert("sign".to_owned(), Value::String(sign::sign(secret, seconds)));
    }
    Payload::json(&body, BODY_LIMIT)
}
