//! Messages of an application: `POST /cgi-bin/message/send` (WW90236), with an access token (WW91039).

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sluice_domain::delivery::Outcome;
use sluice_domain::image::Image;
use sluice_ports::HttpRequest;

use crate::call::{self, Payload};
use crate::message::Message;
use crate::refusal::Refusal;
use crate::{media, text};

/// The longest interval of the duplicate check, in seconds.
pub(crate) const DUPLICATE_CHECK_S: i64 = 14_400;
const MEMBERS_LIMIT: usize = 1_000;
/// Limits of a text card; documented in characters by newer texts and in bytes by older ones.
const CARD_TITLE_LIMIT: usize = 128;
const CARD_DESCRIPTION_LIMIT: usize = 512;
/// A button's label, in characters.
const CARD_BUTTON_LIMIT: usize = 4;

/// The body: a text card when there is a title and a link and the rest fits, otherwise a text.
///
/// WeCom's duplicate check compares the whole body, so it has nothing of the attempt in it (repeats are the same bytes) and
/// always something of the dispatch (equal texts of two dispatches are two messages).
pub(crate) fn payload(message: &Message, agent_id: i64, members: &[String]) -> Result<Payload, Refusal> {
    text::sendable(message)?;
    let mut body = content(message)?;
    if let Some(fields) = body.as_object_mut() {
        fields.insert("touser".to_owned(), Value::String(receivers(members)?));
        fields.insert("agentid".to_owned(), json!(agent_id));
        fields.insert("enable_duplicate_check".to_owned(), json!(1));
        fields.insert("duplicate_check_interval".to_owned(), json!(DUPLICATE_CHECK_S));
    }
    Payload::json(&body, usize::MAX)
}

fn receivers(members: &[String]) -> Result<String, Refusal> {
    let nameable = |member: &String| !member.is_empty() && !member.contains('|');
    if members.is_empty() || members.len() > MEMBERS_LIMIT || !members.iter().all(nameable) {
        return Err(Refusal::endpoint("members_malformed"));
    }
    Ok(members.join("|"))
}

fn content(message: &Message) -> Result<Value, Refusal> {
    if let Some(card) = card(message) {
        return Ok(json!({ "msgtype": "textcard", "textcard": card }));
    }
    let mut content = text::lines(message, text::without_tags, text::anchor);
    content.push_str("\n编号 ");
    content.push_str(reference(message));
    let content = text::within(super::TEXT_LIMIT, content)?;
    Ok(json!({ "msgtype": "text", "text": { "content": content } }))
}

fn card(message: &Message) -> Option<Value> {
    let (title, (label, address)) = (message.title.as_ref()?, message.link.as_ref()?);
    let mut description = text::html(&message.text);
    let short_label = label.chars().count() <= CARD_BUTTON_LIMIT;
    if !short_label {
        description.push_str("<br>");
        description.push_str(&text::html(label));
    }
    description.push_str("<div class=\"gray\">编号 ");
    description.push_str(reference(message));
    description.push_str("</div>");
    if title.len() > CARD_TITLE_LIMIT || description.len() > CARD_DESCRIPTION_LIMIT {
        return None;
    }
    let mut card = json!({ "title": title, "description": description, "url": address });
    if let (true, Some(fields)) = (short_label, card.as_object_mut()) {
        fields.insert("btntxt".to_owned(), json!(label));
    }
    Some(card)
}

/// The end of the dispatch's name: the random half of a time-ordered UUID.
fn reference(message: &Message) -> &str {
    let id = message.dispatch_id.as_str();
    id.get(id.ceil_char_boundary(id.len().saturating_sub(12))..).unwrap_or(id)
}

/// The body of an image that was uploaded. Without the duplicate check: it has nothing of the dispatch in it, so the check would drop the
/// same image for the next event.
pub(crate) fn picture(agent_id: i64, members: &[String], media_id: &str) -> Result<Payload, Refusal> {
    let body = json!({
        "touser": receivers(members)?,
        "agentid": agent_id,
        "msgtype": "image",
        "image": { "media_id": media_id },
    });
    Payload::json(&body, usize::MAX)
}

/// The request that uploads an image for three days, here (WW90389) and at WeChat (uploadTempMedia).
pub(crate) fn upload(base: &str, token: &str, file: (&Image, &Bytes)) -> HttpRequest {
    let url = format!("{base}/cgi-bin/media/upload?access_token={}&type=image", call::query(token));
    media::form(url, &[], ("media", true), file)
}

/// The request that sends it.
pub(crate) fn request(base: &str, token: &str, payload: &Payload) -> HttpRequest {
    call::post(format!("{base}/cgi-bin/message/send?access_token={}", call::query(token)), payload)
}

/// The request for an access token.
pub(crate) fn token_request(base: &str, corp_id: &str, secret: &SecretString) -> HttpRequest {
    let (corp_id, secret) = (call::query(corp_id), call::query(secret.expose_secret()));
    call::get(format!("{base}/cgi-bin/gettoken?corpid={corp_id}&corpsecret={secret}"))
}

/// The token in an answer, here and at WeChat.
pub(crate) fn token(body: &Value) -> Option<(&str, i64)> {
    Some((body.get("access_token")?.as_str()?, body.get("expires_in")?.as_i64()?))
}

/// What `errcode` 0 means for these members: a message that reached none of them was not delivered.
pub(crate) fn accepted(body: &Value, members: &[String]) -> Outcome {
    // The platform lists ids in lower case, whatever their case was.
    let missed: Vec<String> = ["invaliduser", "unlicenseduser"]
        .iter()
        .filter_map(|field| body.get(field)?.as_str())
        .flat_map(|list| list.split('|'))
        .map(str::to_lowercase)
        .collect();
    if members.iter().all(|member| missed.contains(&member.to_lowercase())) {
        return Outcome::RecipientRefused { opt_out: false };
    }
    Outcome::Delivered { provider_id: body.get("msgid").and_then(Value::as_str).map(ToOwned::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_who_were_not_reached_are_not_delivered_to() {
        let delivered = Outcome::Delivered { provider_id: Some("m1".to_owned()) };
        let refused = Outcome::RecipientRefused { opt_out: false };
        for (answer, members, expected) in [
            (json!({"errcode":0,"msgid":"m1"}), vec!["Zhang"], &delivered),
            (json!({"errcode":0,"msgid":"m1","invaliduser":""}), vec!["Zhang"], &delivered),
            (json!({"errcode":0,"msgid":"m1","invaliduser":"zhang"}), vec!["Zhang"], &refused),
            (json!({"errcode":0,"msgid":"m1","unlicenseduser":"zhang|li"}), vec!["Zhang", "Li"], &refused),
            (json!({"errcode":0,"msgid":"m1","invaliduser":"zhang"}), vec!["Zhang", "Li"], &delivered),
            (json!({"errcode":0,"msgid":"m1","invaliduser":"zhangsan"}), vec!["Zhang"], &delivered),
        ] {
            let members: Vec<String> = members.into_iter().map(ToOwned::to_owned).collect();
            assert_eq!(&accepted(&answer, &members), expected, "{answer}");
        }
    }
}
