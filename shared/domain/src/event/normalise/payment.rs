//! Payment callbacks: 担保支付 (`DOC/mini-app/develop/server/ecpay/pay-list/callback`) and the trade system.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{EventKind, Facts, Found, NormaliseError};
use crate::event::Subject;
use crate::event::wire::{self, Text, embedded};
use crate::money::Fen;
use crate::order::OrderState;

const OBJECT: NormaliseError =
    NormaliseError::Envelope("a JSON object, with `msg` as an object or JSON text");

#[derive(Deserialize)]
struct Payment<'a> {
    #[serde(borrow, default)]
    appid: Text<'a>,
    #[serde(borrow, default)]
    app_id: Text<'a>,
    #[serde(borrow, default)]
    cp_orderno: Text<'a>,
    #[serde(borrow, default)]
    order_id: Text<'a>,
    #[serde(borrow, default)]
    out_order_no: Text<'a>,
    #[serde(borrow, default)]
    refund_id: Text<'a>,
    #[serde(borrow, default)]
    cp_refundno: Text<'a>,
    #[serde(borrow, default)]
    status: Text<'a>,
    #[serde(borrow, default)]
    total_amount: Text<'a>,
    #[serde(borrow, default)]
    refund_amount: Text<'a>,
    #[serde(borrow, default)]
    paid_at: Text<'a>,
    #[serde(borrow, default)]
    event_time: Text<'a>,
    #[serde(borrow, default)]
    open_id: Text<'a>,
}

#[derive(Deserialize)]
struct Trade<'a> {
    #[serde(borrow, default, rename = "type")]
    name: Text<'a>,
    #[serde(borrow, default)]
    msg: Option<&'a RawValue>,
}

/// `text` is `msg`, the part that is signed; the `type` beside it isn't, so it is not believed.
pub(super) fn secured(text: &str) -> Result<Found, NormaliseError> {
    let payment: Payment<'_> = wire::object(text).map_err(|_| OBJECT)?;
    let name = if payment.is_refund() { "refund" } else { "payment" };
    Ok(Found::one(payment.facts(name)))
}

pub(super) fn trade(text: &str) -> Result<Found, NormaliseError> {
    let trade: Trade<'_> = wire::object(text).map_err(|_| OBJECT)?;
    let name = trade.name.get().unwrap_or("payment");
    let message = embedded(trade.msg).map_err(|_| OBJECT)?;
    let payment: Payment<'_> = wire::object(&message).map_err(|_| OBJECT)?;
    Ok(Found::one(payment.facts(name)))
}

impl Payment<'_> {
    fn is_refund(&self) -> bool {
        self.refund_id.get().or(self.cp_refundno.get()).is_some()
    }

    fn facts(&self, name: &str) -> Facts {
        let paid = name == "payment" && self.status.get() == Some("SUCCESS");
        let mut facts = Facts::new(if paid { EventKind::OrderPaid } else { EventKind::OrderChanged }, name);
        facts.account = self.app_id.owned().or_else(|| self.appid.owned());
        facts.person(self.open_id.get());
        let at = self.event_time.moment().or_else(|| self.paid_at.moment());
        facts.occurred_at = at;
        let order = [&self.order_id, &self.cp_orderno, &self.out_order_no].into_iter().find_map(Text::get);
        facts.subject = Subject::Order(OrderState {
            order_id: order.unwrap_or_default().to_owned(),
            part_id: self.refund_id.owned().or_else(|| self.cp_refundno.owned()),
            action: match self.status.get() {
                Some(status) => format!("{name}:{status}"),
                None => name.to_owned(),
            },
            status: self.status.int(),
            amount: self.refund_amount.int().or(self.total_amount.int()).map(Fen),
            changed_at: at,
        });
        facts
    }
}
