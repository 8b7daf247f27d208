//! Messages of a group bot: `POST /cgi-bin/webhook/send?key=…` (WW99110).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde_json::json;

use crate::call::{self, Payload};
use crate::message::Message;
use crate::refusal::Refusal;
use crate::text;

const MARKDOWN_LIMIT: usize = 4_096;

/// Where the bot listens.
pub(crate) fn url(base: &str, key: &str) -> String {
    format!("{base}/cgi-bin/webhook/send?key={}", call::query(key))
}

/// The body: a text, or markdown when there is a title or a link.
pub(crate) fn payload(message: &Message) -> Result<Payload, Refusal> {
    text::sendable(message)?;
    let body = if message.title.is_none() && message.link.is_none() {
        let content = text::within(super::TEXT_LIMIT, text::without_tags(&message.text))?;
        json!({ "msgtype": "text", "text": { "content": content } })
    } else {
        let content = text::within(MARKDOWN_LIMIT, markdown(message))?;
        json!({ "msgtype": "markdown", "markdown": { "content": content } })
    };
    Payload::json(&body, usize::MAX)
}

/// The body of an image: its bytes in Base64, and the MD5 of the bytes themselves.
pub(crate) fn picture(bytes: &[u8]) -> Result<Payload, Refusal> {
    let (base64, md5) = (STANDARD.encode(bytes), hex::encode(Md5::digest(bytes)));
    let body = json!({ "msgtype": "image", "image": { "base64": base64, "md5": md5 } });
    Payload::json(&body, usize::MAX)
}

fn markdown(message: &Message) -> String {
    let mut lines = Vec::with_capacity(3);
    if let Some(title) = &message.title {
        lines.push(format!("**{}**", text::without_markdown(title)));
    }
    lines.push(text::without_markdown(&message.text));
    if let Some((label, address)) = &message.link {
        let address = address.replace('(', "%28").replace(')', "%29");
        lines.push(format!("[{}]({address})", text::without_markdown(label)));
    }
    lines.join("\n")
}
