//! What an event changes besides its own record: consents and the order book. Every one may be repeated without harm.

use sluice_domain::consent::{ConsentKey, ConsentRecord, ConsentText, Evidence, Withdrawal};
use sluice_domain::event::{Event, PersonalField, Subject};
use sluice_domain::order::OrderEntry;
use sluice_domain::source::Form;
use sluice_domain::time::{DAY_MS, UnixMillis};

/// When it happened, as far as anybody can tell. The platform's clock may run ahead of ours: a consent must not begin after the
/// event that proves it arrived.
pub(crate) fn happened_at(event: &Event) -> UnixMillis {
    event.occurred_at.map_or(event.received_at, |at| at.min(event.received_at))
}

/// The consent that a filled-in form proves; `None` when nobody is named or nothing was filled in.
pub(crate) fn grant(event: &Event, form: &Form) -> Option<ConsentRecord> {
    let filled = |field: &PersonalField| {
        matches!(field, PersonalField::Phone | PersonalField::Name | PersonalField::Form(_))
    };
    let labelled = matches!(&event.subject, Subject::Form { labels, .. } if !labels.is_empty());
    if !labelled && !event.personal.keys().any(filled) {
        return None;
    }
    let granted_at = happened_at(event);
    Some(ConsentRecord {
        key: ConsentKey {
            tenant: event.key.tenant.clone(),
            person: event.person.clone()?,
            purpose: form.purpose.clone(),
            recipient: form.recipient.clone(),
        },
        text: ConsentText::shown(form.version.clone(), &form.text),
        granted_at,
        evidence: evidence(event),
        valid_until: form.valid_days.map(|days| granted_at.plus_ms(i64::from(days).saturating_mul(DAY_MS))),
        withdrawn: None,
    })
}

/// The withdrawal that an event proves.
pub(crate) fn withdrawal(event: &Event) -> Withdrawal {
    Withdrawal { at: happened_at(event), evidence: evidence(event) }
}

/// The line of the order book, if the event is about an order.
pub(crate) fn order_entry(event: &Event, now: UnixMillis) -> Option<OrderEntry> {
    let Subject::Order(state) = &event.subject else { return None };
    Some(OrderEntry {
        key: event.key.clone(),
        trace_id: event.trace_id,
        person: event.person.clone(),
        state: state.clone(),
        recorded_at: now,
    })
}

fn evidence(event: &Event) -> Evidence {
    Evidence::of(event)
}
