//! Replies: to a private message (`POST /im/send/msg/`) and to a comment under an own video (`POST /item/comment/reply/`).
//!
//! The platform takes new applicants for neither; who has the capability says so in the configuration. A reply names the person's own
//! message, which holds for 24 hours.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sluice_ports::HttpRequest;

use crate::call::{self, Payload};
use crate::message::{Message, Reply};
use crate::refusal::Refusal;
use crate::text;

/// Neither API documents a limit; what people type there is cut at some hundreds of characters.
const TEXT_LIMIT: usize = 1_500;

/// The body of a reply, plain text. There is no card: a link in it would lead away from the platform.
pub(crate) fn payload(message: &Message, reply: &Reply) -> Result<Payload, Refusal> {
    text::sendable(message)?;
    if message.link.is_some() {
        return Err(Refusal::content("link_not_allowed"));
    }
    let words = text::within(TEXT_LIMIT, text::lines(message, str::to_owned, |_, _| String::new()))?;
    let body = match reply {
        Reply::Message { conversation_id, message_id, .. } => {
            let Some(person) = message.recipient.as_ref().filter(|id| !id.is_empty()) else {
                return Err(Refusal::unreachable("recipient_missing"));
            };
            json!({
                "scene": "im_reply_msg", "msg_id": message_id, "conversation_id": conversation_id, "to_user_id": person,
                "content": { "msg_type": 1, "text": { "text": words } },
            })
        }
        Reply::Comment { item_id, comment_id, .. } => {
            json!({ "item_id": item_id, "comment_id": comment_id, "content": words })
        }
    };
    Payload::json(&body, usize::MAX)
}

/// The request that sends it, in the name of the merchant's account.
pub(crate) fn request(
    base: &str,
    reply: &Reply,
    token: &str,
    payload: &Payload,
) -> Result<HttpRequest, Refusal> {
    let path = match reply {
        Reply::Comment { .. } => "/item/comment/reply/",
        Reply::Message { .. } => "/im/send/msg/",
    };
    let mut request = call::post(format!("{base}{path}?open_id={}", call::query(reply.account())), payload);
    request.headers.push(call::token_header("access-token", token)?);
    Ok(request)
}

/// The request for an access token by the merchant's authorisation. The refresh token itself stays what it is (30 days; renewing it
/// is the operator's).
pub(crate) fn token_request(base: &str, client_key: &str, refresh_token: &SecretString) -> HttpRequest {
    let fields = [
        ("client_key", client_key),
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.expose_secret()),
    ];
    call::form(format!("{base}/oauth/refresh_token/"), &fields)
}

/// The token in an answer.
pub(crate) fn token(body: &Value) -> Option<(&str, i64)> {
    let data = body.get("data")?;
    Some((data.get("access_token")?.as_str()?, data.get("expires_in")?.as_i64()?))
}

/// The message's id in an answer: at the top level.
pub(crate) fn provider_id(body: &Value) -> Option<String> {
    Some(body.get("msg_id")?.as_str()?.to_owned())
}
