//! Messages of an application: `POST /open-apis/im/v1/messages`, with a tenant access token.

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sluice_domain::image::Image;
use sluice_ports::HttpRequest;

use super::card;
use crate::call::{self, Payload};
use crate::message::Message;
use crate::refusal::Refusal;
use crate::{media, text};

/// "Text at most 150 KB", "card at most 30 KB", each taken as the smaller of its two meanings.
const TEXT_LIMIT: usize = 150_000;
const CARD_LIMIT: usize = 30_000;
/// `uuid`: "at most 50 characters".
const UUID_LIMIT: usize = 50;

/// The kinds of `receive_id` that the API knows.
const RECEIVE_ID_TYPES: [&str; 5] = ["open_id", "union_id", "user_id", "email", "chat_id"];

/// The body. The `uuid` is the dispatch's name, so that every repeat of it carries the same one.
pub(crate) fn payload(
    message: &Message,
    receive_id_type: &str,
    receive_id: &str,
) -> Result<Payload, Refusal> {
    text::sendable(message)?;
    let (kind, content, limit) = if card::is_card(message) {
        ("interactive", card::card(message), CARD_LIMIT)
    } else {
        ("text", card::text(message), TEXT_LIMIT)
    };
    let content = text::within(limit, content.to_string())?;
    body(message, (receive_id_type, receive_id), kind, &content)
}

/// The body of an image that was uploaded.
pub(crate) fn picture(
    message: &Message,
    receiver: (&str, &str),
    image_key: &str,
) -> Result<Payload, Refusal> {
    body(message, receiver, "image", &json!({ "image_key": image_key }).to_string())
}

/// Unlike the bot's, this API's `content` is a string that holds JSON.
fn body(
    message: &Message,
    (receive_id_type, receive_id): (&str, &str),
    kind: &str,
    content: &str,
) -> Result<Payload, Refusal> {
    if !RECEIVE_ID_TYPES.contains(&receive_id_type) || receive_id.is_empty() {
        return Err(Refusal::endpoint("receive_id_malformed"));
    }
    if message.dispatch_id.is_empty() || message.dispatch_id.len() > UUID_LIMIT {
        return Err(Refusal::content("dispatch_id_malformed"));
    }
    let body = json!({
        "receive_id": receive_id,
        "msg_type": kind,
        "content": content,
        "uuid": message.dispatch_id,
    });
    Payload::json(&body, usize::MAX)
}

/// The request that sends it.
pub(crate) fn request(
    base: &str,
    receive_id_type: &str,
    token: &str,
    payload: &Payload,
) -> Result<HttpRequest, Refusal> {
    let url = format!("{base}/open-apis/im/v1/messages?receive_id_type={}", call::query(receive_id_type));
    let mut request = call::post(url, payload);
    request.headers.push(call::bearer(token)?);
    Ok(request)
}

/// The request that uploads an image (im/v1/images): `image_type` says that it is for messages.
pub(crate) fn upload(base: &str, token: &str, file: (&Image, &Bytes)) -> Result<HttpRequest, Refusal> {
    let url = format!("{base}/open-apis/im/v1/images");
    let mut request = media::form(url, &[("image_type", "message")], ("image", false), file);
    request.headers.push(call::bearer(token)?);
    Ok(request)
}

/// The request for a tenant access token.
pub(crate) fn token_request(base: &str, app_id: &str, secret: &SecretString) -> Result<HttpRequest, Refusal> {
    let body = json!({ "app_id": app_id, "app_secret": secret.expose_secret() });
    let url = format!("{base}/open-apis/auth/v3/tenant_access_token/internal");
    Ok(call::post(url, &Payload::json(&body, usize::MAX)?))
}

/// The token in an answer: at the top level, not under `data`.
pub(crate) fn token(body: &Value) -> Option<(&str, i64)> {
    Some((body.get("tenant_access_token")?.as_str()?, body.get("expire")?.as_i64()?))
}

/// The message's id in an answer.
pub(crate) fn provider_id(body: &Value) -> Option<String> {
    Some(body.get("data")?.get("message_id")?.as_str()?.to_owned())
}
