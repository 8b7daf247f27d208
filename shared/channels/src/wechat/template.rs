//! Template messages (`message/template/send`) and subscribe messages (`message/subscribe/send`, `bizsend`): an approved text whose
//! fields are filled in.

use serde_json::{Map, Value, json};
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::{MiniProgram, SubscribeAccount};
use sluice_ports::HttpRequest;

use crate::call::{self, Payload};
use crate::message::Message;
use crate::refusal::Refusal;
use crate::text;

/// The longest `client_msg_id`; a dispatch's name has 36.
const CLIENT_MSG_ID_LIMIT: usize = 64;
/// How many characters a field takes, by the kind that its name begins with (mini-program guide, 订阅消息 parameters). Others are not
/// known to be limited.
const FIELD_LIMITS: [(&str, usize); 10] = [
    ("thing", 20),
    ("number", 32),
    ("letter", 32),
    ("symbol", 5),
    ("character_string", 32),
    ("amount", 12),
    ("phone_number", 17),
    ("car_number", 8),
    ("name", 20),
    ("phrase", 5),
];

/// The body of a template message. `client_msg_id` is the dispatch's name: the same person is sent it once in ten minutes.
pub(crate) fn template(
    message: &Message,
    template_id: &str,
    program: Option<&MiniProgram>,
) -> Result<Payload, Refusal> {
    if message.dispatch_id.is_empty() || message.dispatch_id.len() > CLIENT_MSG_ID_LIMIT {
        return Err(Refusal::content("dispatch_id_malformed"));
    }
    let mut body = addressed(message, template_id)?;
    body.insert("client_msg_id".to_owned(), json!(message.dispatch_id));
    if let Some((_, address)) = &message.link {
        body.insert("url".to_owned(), json!(address));
    }
    if let Some(MiniProgram { app_id, page }) = program {
        body.insert("miniprogram".to_owned(), json!({ "appid": app_id, "pagepath": page }));
    }
    Payload::json(&Value::Object(body), usize::MAX)
}

/// The body of a subscribe message. Nothing in it names the message: a repeat could spend another consent.
pub(crate) fn subscribe(
    message: &Message,
    template_id: &str,
    page: Option<&str>,
) -> Result<Payload, Refusal> {
    let mut body = addressed(message, template_id)?;
    if let Some(page) = page {
        body.insert("page".to_owned(), json!(page));
    }
    Payload::json(&Value::Object(body), usize::MAX)
}

fn addressed(message: &Message, template_id: &str) -> Result<Map<String, Value>, Refusal> {
    text::sendable(message)?;
    let Some(open_id) = message.recipient.as_ref().filter(|id| !id.is_empty()) else {
        return Err(Refusal::new(Outcome::RecipientRefused { opt_out: false }, "recipient_missing"));
    };
    if message.fields.is_empty() {
        return Err(Refusal::content("fields_missing"));
    }
    let mut data = Map::new();
    for (name, value) in &message.fields {
        fits(name, value)?;
        data.insert(name.clone(), json!({ "value": value }));
    }
    let mut body = Map::new();
    body.insert("touser".to_owned(), json!(open_id));
    body.insert("template_id".to_owned(), json!(template_id));
    body.insert("data".to_owned(), Value::Object(data));
    Ok(body)
}

/// WeChat answers 47003 for the whole message when one field does not fit.
fn fits(name: &str, value: &str) -> Result<(), Refusal> {
    if value.trim().is_empty() {
        return Err(Refusal::content("field_empty"));
    }
    let kind = name.trim_end_matches(|last: char| last.is_ascii_digit());
    let limit = FIELD_LIMITS.iter().find(|(known, _)| *known == kind).map(|(_, limit)| *limit);
    if limit.is_some_and(|limit| value.chars().count() > limit) {
        return Err(Refusal::content("field_too_long"));
    }
    Ok(())
}

/// The request that sends a template message.
pub(crate) fn template_request(base: &str, token: &str, payload: &Payload) -> HttpRequest {
    call::post(format!("{base}/cgi-bin/message/template/send?access_token={}", call::query(token)), payload)
}

/// The request that sends a subscribe message.
pub(crate) fn subscribe_request(
    base: &str,
    account: SubscribeAccount,
    token: &str,
    payload: &Payload,
) -> HttpRequest {
    let api = match account {
        SubscribeAccount::MiniProgram => "send",
        SubscribeAccount::Service => "bizsend",
    };
    let token = call::query(token);
    call::post(format!("{base}/cgi-bin/message/subscribe/{api}?access_token={token}"), payload)
}

/// The message's id in an answer: a number that may exceed 2^53.
pub(crate) fn provider_id(body: &Value) -> Option<String> {
    match body.get("msgid")? {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_take_so_many_characters_as_their_kind() {
        for (name, value, code) in [
            ("thing1", "字".repeat(20), None),
            ("thing12", "字".repeat(21), Some("field_too_long")),
            ("phrase3", "审核通过了".to_owned(), None),
            ("phrase3", "审核通过了!".to_owned(), Some("field_too_long")),
            ("first", "字".repeat(200), None),
            ("time2", " ".to_owned(), Some("field_empty")),
        ] {
            assert_eq!(fits(name, &value).err().map(|refusal| refusal.code).as_deref(), code, "{name}");
        }
    }
}
