//! Open Platform webhooks (`DOC/dop/develop/webhooks/event-list`).

mod conversation;
mod life;
mod membership;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{EventKind, Facts, Found, Handshake, NormaliseError};
use crate::event::wire::{self, Text, embedded};
use crate::scheme::Received;

const OBJECT: NormaliseError = NormaliseError::Envelope("a JSON object with `event` and `content`");

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow, default)]
    from_user_id: Text<'a>,
    #[serde(borrow, default)]
    to_user_id: Text<'a>,
    #[serde(borrow, default)]
    client_key: Text<'a>,
    /// An object for some events, a JSON text for others; both are accepted for all.
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

pub(super) fn read(text: &str, received: &Received<'_>) -> Result<Found, NormaliseError> {
    let envelope: Envelope<'_> = wire::object(text).map_err(|_| OBJECT)?;
    let name = envelope.event.get().ok_or(OBJECT)?;
    if name == "verify_webhook" {
        return handshake(&envelope);
    }
    let mut facts = match name {
        "im_receive_msg" | "im_group_receive_msg" | "receive_msg" => conversation::received(&envelope, name)?,
        "im_send_msg" | "im_group_send_msg" => conversation::sent(&envelope, name)?,
        "im_enter_direct_msg" | "enter_im" => conversation::entered(&envelope, name)?,
        "im_recall_msg" => conversation::recalled(&envelope, name)?,
        "im_authorize" => membership::message_authorisation(&envelope, name)?,
        "authorize" | "contract_authorize" => membership::scopes(&envelope, name, EventKind::Authorize)?,
        "unauthorize" | "contract_unauthorize" => {
            membership::scopes(&envelope, name, EventKind::Unauthorize)?
        }
        "new_follow_action" | "user_follow" => membership::follow(&envelope, name)?,
        "item_comment_reply" | "enterprise_comment_event" => membership::comment(&envelope, name)?,
        "group_fans_event" | "enter_group_audit_change" => membership::group(&envelope, name)?,
        "life_member_join" => life::member_join(&envelope, name)?,
        "life_member_leave" => life::member_leave(&envelope, name)?,
        "life_trade_order_notify" => life::order(&envelope, name)?,
        "life_trade_certificate_notify" | "life_partner_order_notify" | "service_market_order" => {
            life::order_change(&envelope, name)?
        }
        other => Facts::new(EventKind::Unhandled, other),
    };
    if !matches!(name, "im_send_msg" | "im_group_send_msg") {
        facts.person(envelope.from_user_id.get());
    }
    facts.account = facts.account.or_else(|| envelope.to_user_id.owned());
    // A doubled Msg-Id can't be trusted; the digest of the body takes its place.
    facts.message_id = received.find_header("Msg-Id").ok().flatten().map(str::to_owned);
    Ok(Found::one(facts))
}

fn handshake(envelope: &Envelope<'_>) -> Result<Found, NormaliseError> {
    #[derive(Deserialize)]
    struct Challenge {
        challenge: i128,
    }
    const CHALLENGE: NormaliseError = NormaliseError::Content("an object with the integer `challenge`");
    let text = embedded(envelope.content).map_err(|_| CHALLENGE)?;
    let content: Challenge = wire::object(&text).map_err(|_| CHALLENGE)?;
    Ok(Found::Handshake(Handshake::Challenge(content.challenge)))
}

/// Reads the content as `$type`, which borrows from the text it stands in.
macro_rules! content {
    ($envelope:expr, $holder:ident) => {{
        $holder = $crate::event::wire::embedded($envelope.content).map_err(|_| super::CONTENT)?;
        $crate::event::wire::object(&$holder).map_err(|_| super::CONTENT)?
    }};
}
use content;

const CONTENT: NormaliseError = NormaliseError::Content("a JSON object, or a text that holds one");
