//! From an event and what is known to its audit record and the message that follows.

use sluice_domain::audit::{AuditRecord, Disposition};
use sluice_domain::consent::{ConsentKey, ConsentRecord, ConsentTerms};
use sluice_domain::decision::{ConsentCheck, Decision, Verdict};
use sluice_domain::event::{Event, Subject};
use sluice_domain::id::TraceId;
use sluice_domain::progress::Cleared;
use sluice_domain::review::Review;
use sluice_domain::rules::{Facts, FormStanding};
use sluice_domain::settings::Tenant;
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;
use sluice_ports::OutboundMessage;
use sluice_steps::StageError;

use crate::plan::Texts;

/// How the consent stood at a moment, under what the route asks of it.
pub(crate) fn check_consent(
    key: ConsentKey,
    found: Option<&ConsentRecord>,
    terms: &ConsentTerms,
    at: UnixMillis,
) -> ConsentCheck {
    ConsentCheck { key, standing: terms.standing(found, at), text: found.map(|record| record.text.clone()) }
}

/// Lets the tenant's rules decide, and notes what the candidate pack would have decided if that is something else.
pub(crate) fn decide(
    event: &Event,
    tenant: &Tenant,
    texts: &Texts,
    form: FormStanding,
    consent: Option<&ConsentCheck>,
    now: UnixMillis,
) -> Decision {
    let (outgoing, by_application) = match &event.subject {
        Subject::Conversation { outgoing, by_application, .. } => (*outgoing, *by_application),
        _ => (false, false),
    };
    let texts = texts.exposed();
    let facts = Facts {
        scheme: tenant.sources.get(&event.key.source).map(|source| source.scheme),
        consent,
        form,
        outgoing,
        by_application,
        has_person: event.person.is_some(),
        censor: tenant.safety.as_ref().map(|safety| safety.longer_than),
        ..Facts::inbound(event.kind, &texts, &tenant.links, now)
    };
    let mut decision = tenant.rules.evaluate(&facts);
    decision.shadow = tenant.shadow.as_ref().and_then(|candidate| candidate.shadow_of(&decision, &facts));
    decision
}

/// The record of what became of an event.
pub(crate) fn audit_record(event: &Event, disposition: Disposition, now: UnixMillis) -> AuditRecord {
    AuditRecord {
        key: event.key.clone(),
        trace_id: event.trace_id,
        kind: event.kind,
        name: event.name.clone(),
        person: event.person.clone(),
        occurred_at: event.occurred_at,
        received_at: event.received_at,
        decided_at: now,
        payload_sha256: event.payload_sha256.clone(),
        disposition,
    }
}

/// The message for bucket-assignment, made from a record (a new one, or the stored one of an earlier try); `None` when the
/// decision lets nothing go on.
pub(crate) fn cleared_message(
    record: &AuditRecord,
    event: &Event,
    keys: &TenantKeys,
) -> Result<Option<OutboundMessage>, StageError> {
    let Disposition::Decided { decision } = &record.disposition else { return Ok(None) };
    if !decision.verdict.allows() {
        return Ok(None);
    }
    let trace_id = event.trace_id;
    let refused = |detail: String| StageError::permanent("not_clearable", detail, Some(trace_id));
    let cleared = Cleared::by(decision, event.clone(), record.decided_at, keys)
        .map_err(|error| refused(error.to_string()))?;
    encoded(&cleared, trace_id).map(Some)
}

/// A cleared event as it lies on its queue.
pub(crate) fn encoded(cleared: &Cleared, trace_id: TraceId) -> Result<OutboundMessage, StageError> {
    let refused =
        |error: serde_json::Error| StageError::permanent("not_clearable", error.to_string(), Some(trace_id));
    let body = serde_json::to_string(cleared).map_err(refused)?;
    Ok(OutboundMessage { body, trace_id, delay_seconds: 0 })
}

/// The review that is opened with a record; `None` when its decision waits for nobody. The same record always gives the same review.
pub(crate) fn review_of(
    record: &AuditRecord,
    event: &Event,
    tenant: &Tenant,
    keys: &TenantKeys,
) -> Option<Review> {
    let Disposition::Decided { decision } = &record.disposition else { return None };
    if decision.verdict != Verdict::Review {
        return None;
    }
    let safety = tenant.safety.as_ref();
    let opening = tenant.review.opening(decision.clone(), &tenant.rules, safety, record.decided_at);
    Some(Review::of_event(event.clone(), opening, keys))
}
