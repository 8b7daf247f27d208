//! Custom messages: `POST /cgi-bin/message/custom/send`, with a stable access token.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sluice_ports::HttpRequest;

use crate::call::{self, Payload};
use crate::message::Message;
use crate::refusal::Refusal;
use crate::text;

/// Texts beyond it are answered with 45002.
const TEXT_LIMIT: usize = 2_048;

/// The body.
pub(crate) fn payload(message: &Message) -> Result<Payload, Refusal> {
    text::sendable(message)?;
    let open_id = receiver(message)?;
    let content = text::within(TEXT_LIMIT, text::lines(message, text::without_tags, text::anchor))?;
    let body = json!({ "touser": open_id, "msgtype": "text", "text": { "content": content } });
    Payload::json(&body, usize::MAX)
}

/// The body of an image that was uploaded.
pub(crate) fn picture(message: &Message, media_id: &str) -> Result<Payload, Refusal> {
    let body = json!({ "touser": receiver(message)?, "msgtype": "image", "image": { "media_id": media_id } });
    Payload::json(&body, usize::MAX)
}

fn receiver(message: &Message) -> Result<&str, Refusal> {
    let open_id = message.recipient.as_deref().filter(|id| !id.is_empty());
    open_id.ok_or_else(|| Refusal::unreachable("recipient_missing"))
}

/// The request that sends it.
pub(crate) fn request(base: &str, token: &str, payload: &Payload) -> HttpRequest {
    call::post(format!("{base}/cgi-bin/message/custom/send?access_token={}", call::query(token)), payload)
}

/// The request for a stable token: unlike `cgi-bin/token` it leaves earlier tokens alive, so that processes can ask side by
/// side. Never with `force_refresh`, which is for leaks.
pub(crate) fn token_request(base: &str, app_id: &str, secret: &SecretString) -> Result<HttpRequest, Refusal> {
    let body =
        json!({ "grant_type": "client_credential", "appid": app_id, "secret": secret.expose_secret() });
    Ok(call::post(format!("{base}/cgi-bin/stable_token"), &Payload::json(&body, usize::MAX)?))
}
