//! 生活服务: memberships and orders (`DOC/local-life/connect/webhooks`).

use std::borrow::Cow;

use serde::Deserialize;

use super::super::{EventKind, Facts, NormaliseError, form_id};
use super::{Envelope, content};
use crate::event::wire::Text;
use crate::event::{PersonalField, Subject};
use crate::money::Fen;
use crate::order::OrderState;

/// The form that stands for joining a membership, whose page collects the mobile number.
const MEMBER_FORM: &str = "life_member";

#[derive(Deserialize)]
struct Member<'a> {
    #[serde(borrow, default)]
    account_id: Text<'a>,
    #[serde(borrow, default)]
    mobile: Text<'a>,
}

pub(super) fn member_join(envelope: &Envelope<'_>, name: &str) -> Result<Facts, NormaliseError> {
    let holder: Cow<'_, str>;
    let member: Member<'_> = content!(envelope, holder);
    let mut facts = Facts::new(EventKind::FormSubmit, name);
    facts.account = member.account_id.owned();
    facts.personal(PersonalField::Phone, member.mobile.get());
    let labels = member.mobile.get().map(|_| "手机号".to_owned()).into_iter().collect();
    facts.subject = Subject::Form { form_id: form_id(MEMBER_FORM), labels };
    Ok(facts)
}

pub(super) fn member_leave(envelope: &Envelope<'_>, name: &str) -> Result<Facts, NormaliseError> {
    let holder: Cow<'_, str>;
    let member: Member<'_> = content!(envelope, holder);
    let mut facts = Facts::new(EventKind::Unauthorize, name);
    facts.account = member.account_id.owned();
    facts.personal(PersonalField::Phone, member.mobile.get());
    facts.subject = Subject::Authorization { scopes: Vec::new(), expires_at: None };
    Ok(facts)
}

#[derive(Deserialize)]
struct Notice<'a> {
    #[serde(borrow, default)]
    action: Text<'a>,
    #[serde(borrow, default)]
    msg_time: Text<'a>,
    #[serde(borrow, default)]
    order: Option<Part<'a>>,
    #[serde(borrow, default)]
    certificate: Option<Part<'a>>,
    #[serde(borrow, default)]
    order_id: Text<'a>,
    #[serde(borrow, default)]
    status: Text<'a>,
}

#[derive(Deserialize, Default)]
struct Part<'a> {
    #[serde(borrow, default)]
    order_id: Text<'a>,
    #[serde(borrow, default)]
    certificate_id: Text<'a>,
    #[serde(borrow, default)]
    account_id: Text<'a>,
    #[serde(borrow, default)]
    order_status: Text<'a>,
    #[serde(borrow, default)]
    pay_amount: Text<'a>,
    #[serde(borrow, default)]
    pay_time: Text<'a>,
}

pub(super) fn order(envelope: &Envelope<'_>, name: &str) -> Result<Facts, NormaliseError> {
    let holder: Cow<'_, str>;
    let notice: Notice<'_> = content!(envelope, holder);
    let paid = notice.action.get() == Some("pay_success");
    Ok(notice.facts(if paid { EventKind::OrderPaid } else { EventKind::OrderChanged }, name))
}

pub(super) fn order_change(envelope: &Envelope<'_>, name: &str) -> Result<Facts, NormaliseError> {
    let holder: Cow<'_, str>;
    let notice: Notice<'_> = content!(envelope, holder);
    Ok(notice.facts(EventKind::OrderChanged, name))
}

impl Notice<'_> {
    fn facts(&self, kind: EventKind, name: &str) -> Facts {
        let none = Part::default();
        let part = self.order.as_ref().or(self.certificate.as_ref()).unwrap_or(&none);
        let mut facts = Facts::new(kind, name);
        facts.account = part.account_id.owned();
        facts.occurred_at = self.msg_time.moment();
        let order_id = part.order_id.get().or(self.order_id.get()).unwrap_or_default();
        facts.subject = Subject::Order(OrderState {
            order_id: order_id.to_owned(),
            part_id: part.certificate_id.owned(),
            action: self.action.get().unwrap_or(name).to_owned(),
            status: part.order_status.int().or(self.status.int()),
            amount: part.pay_amount.int().map(Fen),
            changed_at: part.pay_time.moment().or_else(|| self.msg_time.moment()),
        });
        facts
    }
}
