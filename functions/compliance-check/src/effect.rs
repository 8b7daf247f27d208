//! What an event changes besides its own record: consents and the order book. Every one may be repeated without harm.

use std::collections::BTreeSet;

use secrecy::ExposeSecret as _;
use sluice_domain::consent::{
    Age, ConsentKey, ConsentRecord, ConsentText, Evidence, Separate, SeparateBox, Withdrawal,
};
use sluice_domain::event::{Event, PersonalField, Subject};
use sluice_domain::order::OrderEntry;
use sluice_domain::source::Form;
use sluice_domain::time::{DAY_MS, UnixMillis};
use sluice_steps::StageError;

use crate::plan::Answers;

/// When it happened, as far as anybody can tell. The platform's clock may run ahead of ours: a consent must not begin after the
/// event that proves it arrived.
pub(crate) fn happened_at(event: &Event) -> UnixMillis {
    event.occurred_at.map_or(event.received_at, |at| at.min(event.received_at))
}

/// The consent that a filled-in form proves; `None` when nobody is named or nothing was filled in.
pub(crate) fn grant(
    event: &Event,
    form: &Form,
    answers: &Answers<'_>,
) -> Result<Option<ConsentRecord>, StageError> {
    let filled = |field: &PersonalField| {
        matches!(field, PersonalField::Phone | PersonalField::Name | PersonalField::Form(_))
    };
    let labelled = matches!(&event.subject, Subject::Form { labels, .. } if !labels.is_empty());
    if !labelled && !event.personal.keys().any(filled) {
        return Ok(None);
    }
    let Some(record) = agreement(event, form, answers.evidence(form)?) else { return Ok(None) };
    let age = age(event, form, answers)?;
    Ok(Some(ConsentRecord { separate: separate(form, answers)?, age, ..record }))
}

/// The consent that authorising a scope is: until the authorisation ends, if the platform says when.
pub(crate) fn authorisation(event: &Event, form: &Form) -> Option<ConsentRecord> {
    let mut record = agreement(event, form, evidence(event))?;
    if let Subject::Authorization { expires_at: Some(end), .. } = &event.subject {
        record.valid_until = Some(record.valid_until.map_or(*end, |until| until.min(*end)));
    }
    record.separate = form.separate.iter().filter(|it| it.field.is_none()).map(|it| it.about).collect();
    Some(record)
}

fn agreement(event: &Event, form: &Form, evidence: Evidence) -> Option<ConsentRecord> {
    let granted_at = happened_at(event);
    let text = ConsentText::shown(form.version.clone(), &form.text);
    let record = ConsentRecord::new(key_of(event, form)?, text, granted_at, evidence);
    let valid_until = form.valid_days.map(|days| granted_at.plus_ms(i64::from(days).saturating_mul(DAY_MS)));
    Some(ConsentRecord { valid_until, notice: form.notice.clone(), ..record })
}

/// The consent that a form asks for.
pub(crate) fn key_of(event: &Event, form: &Form) -> Option<ConsentKey> {
    Some(ConsentKey {
        tenant: event.key.tenant.clone(),
        person: event.person.clone()?,
        purpose: form.purpose.clone(),
        recipient: form.recipient.clone(),
    })
}

fn ticked(label: &str, answers: &Answers<'_>) -> Result<bool, StageError> {
    Ok(answers.get(label)?.is_some_and(|answer| SeparateBox::is_ticked(answer.expose_secret())))
}

fn separate(form: &Form, answers: &Answers<'_>) -> Result<BTreeSet<Separate>, StageError> {
    let mut agreed = BTreeSet::new();
    for it in &form.separate {
        let yes = match &it.field {
            Some(label) => ticked(label, answers)?,
            None => true,
        };
        if yes {
            agreed.insert(it.about);
        }
    }
    Ok(agreed)
}

/// A question about the age that came back without an answer is no answer of somebody grown up.
fn age(event: &Event, form: &Form, answers: &Answers<'_>) -> Result<Age, StageError> {
    let Some(label) = &form.age_field else { return Ok(Age::NotAsked) };
    let guardian = match &form.guardian_field {
        Some(label) => ticked(label, answers)?,
        None => false,
    };
    let answer = answers.get(label)?;
    let answer = answer.as_ref().map_or("", |answer| answer.expose_secret());
    Ok(Age::read(answer, guardian, happened_at(event)))
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
