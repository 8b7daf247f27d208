//! 抖店 pushes: an array of tagged messages (op.jinritemai.com/docs/guide-docs/153/99).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{EventKind, Facts, Found, Handshake, NormaliseError};
use crate::event::Subject;
use crate::event::wire::{self, Text, embedded};
use crate::money::Fen;
use crate::order::OrderState;

const ARRAY: NormaliseError =
    NormaliseError::Envelope("a JSON array of objects with `tag`, `msg_id` and `data`");
const DATA: NormaliseError = NormaliseError::Content("`data` as a JSON object, or a text that holds one");
/// The console's probe when the address is saved.
const PROBE: &str = "0";

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    tag: Text<'a>,
    #[serde(borrow, default)]
    msg_id: Text<'a>,
    /// Some documents show it like this.
    #[serde(borrow, default, rename = "msgId")]
    msg_id_camel: Text<'a>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    p_id: Text<'a>,
    #[serde(borrow, default)]
    s_id: Text<'a>,
    #[serde(borrow, default)]
    shop_id: Text<'a>,
    #[serde(borrow, default)]
    aftersale_id: Text<'a>,
    #[serde(borrow, default)]
    aftersale_status: Text<'a>,
    #[serde(borrow, default)]
    order_status: Text<'a>,
    #[serde(borrow, default)]
    pay_amount: Text<'a>,
    #[serde(borrow, default)]
    refund_amount: Text<'a>,
    #[serde(borrow, default)]
    pay_time: Text<'a>,
    #[serde(borrow, default)]
    success_time: Text<'a>,
    #[serde(borrow, default)]
    apply_time: Text<'a>,
    #[serde(borrow, default)]
    complete_time: Text<'a>,
    #[serde(borrow, default)]
    cancel_time: Text<'a>,
    #[serde(borrow, default)]
    update_time: Text<'a>,
    #[serde(borrow, default)]
    create_time: Text<'a>,
}

pub(super) fn read(text: &str) -> Result<Found, NormaliseError> {
    let items: Vec<Item<'_>> = serde_json::from_str(text).map_err(|_| ARRAY)?;
    let mut facts = Vec::with_capacity(items.len());
    for item in &items {
        let tag = item.tag.get().ok_or(ARRAY)?;
        if tag != PROBE {
            facts.push(item.facts(tag)?);
        }
    }
    match (items.is_empty(), facts.is_empty()) {
        (true, _) => Err(ARRAY),
        (false, true) => Ok(Found::Handshake(Handshake::Probe)),
        (false, false) => Ok(Found::Facts(facts)),
    }
}

fn kind(tag: &str) -> EventKind {
    match tag.parse::<u16>() {
        Ok(101 | 110) => EventKind::OrderPaid,
        Ok(100..=113 | 200..=227) => EventKind::OrderChanged,
        _ => EventKind::Unhandled,
    }
}

impl Item<'_> {
    fn facts(&self, tag: &str) -> Result<Facts, NormaliseError> {
        let mut facts = Facts::new(kind(tag), tag);
        facts.message_id = self.msg_id.owned().or_else(|| self.msg_id_camel.owned());
        if facts.kind == EventKind::Unhandled {
            return Ok(facts);
        }
        let text = embedded(self.data).map_err(|_| DATA)?;
        let data: Data<'_> = wire::object(&text).map_err(|_| DATA)?;
        facts.account = data.shop_id.owned();
        facts.occurred_at = data.changed_at();
        facts.subject = Subject::Order(OrderState {
            order_id: data.p_id.get().or(data.s_id.get()).unwrap_or_default().to_owned(),
            part_id: data.aftersale_id.owned().or_else(|| data.s_id.owned()),
            action: tag.to_owned(),
            status: data.aftersale_status.int().or(data.order_status.int()),
            amount: data.refund_amount.int().or(data.pay_amount.int()).map(Fen),
            changed_at: data.changed_at(),
        });
        Ok(facts)
    }
}

impl Data<'_> {
    /// The time of what the tag tells, most specific first.
    fn changed_at(&self) -> Option<crate::time::UnixMillis> {
        let times = [
            &self.success_time,
            &self.cancel_time,
            &self.complete_time,
            &self.apply_time,
            &self.update_time,
            &self.pay_time,
            &self.create_time,
        ];
        times.into_iter().find_map(Text::moment)
    }
}
