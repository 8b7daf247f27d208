//! `sluice audit`: why an event was or wasn't sent on, and how others can tell that this is what was decided.

mod keys;
mod prove;
mod verify;

use std::fmt::Write as _;

use serde_json::json;
use sluice_domain::audit::{AuditRecord, Disposition};
use sluice_domain::delivery::Delivery;
use sluice_domain::id::{RuleId, TenantId, TraceId};
use sluice_domain::review::{Point, ReviewId};
use sluice_domain::time::BusinessDay;
use sluice_ports::{AuditLog, Deliveries as _, KeyRing as _, Reviews as _};
use sluice_review::View;

use crate::cli::Audit;
use crate::command::review;
use crate::exit::Exit;
use crate::output::{CommandError, Output};
use crate::state::State;

pub use verify::file as verify_file;
pub(crate) use verify::public_key;

/// Runs a subcommand on an open data directory.
///
/// # Errors
/// The subcommand's own.
pub async fn run(command: &Audit, state: &State) -> Result<Output, CommandError> {
    match command {
        Audit::Show { tenant, trace } => show(tenant, *trace, state).await,
        Audit::List { tenant, day } => {
            let day = day.unwrap_or_else(|| state.clock.now().business_day());
            list(tenant, day, &state.store).await
        }
        Audit::Verify(args) => verify::days(args, state).await,
        Audit::Prove(args) => prove::run(args, state).await,
        Audit::PublicKey => keys::show(state).await,
        Audit::Payload { tenant, sha256 } => keys::payload(tenant, *sha256, state).await,
        Audit::RotateKey { algorithm } => keys::rotate(*algorithm, state),
    }
}

/// `sluice audit show`.
///
/// # Errors
/// When the store can not be read.
pub async fn show(tenant: &TenantId, trace: TraceId, state: &State) -> Result<Output, CommandError> {
    let store = &state.store;
    let Some(record) = store.audit_of_trace(tenant, trace).await? else {
        let text = format!(
            "no record of trace {trace}: it was not decided yet, is a replay, or belongs to another tenant"
        );
        return Ok(Output::one(Exit::No, text, json!({ "audit": null })));
    };
    let delivery = store.delivery(&record.key).await?;
    let reviews = reviews(&record, state).await?;
    let mut text = explain(&record, delivery.as_ref());
    for view in &reviews {
        let _infallible =
            writeln!(text, "review    {} {}, opened {}", view.point, view.state, view.opened_at);
        text.push_str(&review::voices(view));
    }
    Ok(Output::one(Exit::Ok, text, json!({ "audit": record, "delivery": delivery, "reviews": reviews })))
}

/// What waited for people on the way of an event, with every voice, masked.
async fn reviews(record: &AuditRecord, state: &State) -> Result<Vec<View>, CommandError> {
    let tenant = &record.key.tenant;
    let mut views = Vec::new();
    for point in Point::ALL {
        let id = ReviewId { tenant: tenant.clone(), trace: record.trace_id, point };
        if let Some(review) = state.store.review(&id).await? {
            let keys = state.keys.keys(tenant).await?;
            let view = View::masked(&review, &keys, state.clock.now());
            views.push(view.map_err(|error| CommandError::configuration(error.to_string()))?);
        }
    }
    Ok(views)
}

/// The explanation for people.
fn explain(record: &AuditRecord, delivery: Option<&Delivery>) -> String {
    let mut text = format!(
        "event     {} ({}) from {}\nmessage   {}\nperson    {}\nreceived  {}\ndecided   {}\npayload   {}\noutcome   {}\n",
        record.kind,
        record.name,
        record.key.source,
        record.key.message,
        record.person.as_ref().map_or("nobody named", |person| person.as_str()),
        record.received_at,
        record.decided_at,
        record.payload_sha256,
        record.disposition.label(),
    );
    if let Disposition::Decided { decision } = &record.disposition {
        for reason in &decision.reasons {
            let basis: Vec<_> =
                reason.basis.iter().map(|basis| format!("《{}》{}", basis.document, basis.article)).collect();
            let _infallible = writeln!(
                text,
                "reason    {} {} [{}] {}",
                reason.code,
                reason.title,
                reason.rule,
                basis.join(" ")
            );
            for span in &reason.evidence {
                let _infallible = writeln!(
                    text,
                    "          {} in {}[{}..{}]",
                    span.category, span.field, span.start, span.end
                );
            }
        }
        if let Some(consent) = &decision.consent {
            let version = consent.text.as_ref().map_or("–", |text| text.version.as_str());
            let (purpose, recipient) = (&consent.key.purpose, &consent.key.recipient);
            let _infallible = writeln!(
                text,
                "consent   {:?} for {purpose} to {recipient}, text {version}",
                consent.standing
            );
        }
        let held = decision.path.iter().filter(|step| step.matched).map(|step| &step.rule);
        let held: Vec<&str> = decision.matched.iter().chain(held).map(RuleId::as_str).collect();
        let pack = &decision.pack;
        let _infallible = writeln!(text, "rules     {} held: {}", held.len(), held.join(", "));
        let _infallible = writeln!(text, "pack      {} {} sha256 {}", pack.id, pack.version, pack.sha256);
    }
    if let Some(delivery) = delivery {
        let variant = delivery.assignment.variant.as_ref().map_or("–", |variant| variant.as_str());
        let assignment = &delivery.assignment;
        let _infallible = writeln!(
            text,
            "delivery  {} to {} with script {} v{} (variant {variant})",
            delivery.state.as_str(),
            delivery.destination(),
            assignment.script,
            assignment.script_version,
        );
        if let Some(fallback) = &delivery.fallback {
            let (from, code, at) = (&assignment.destination, &fallback.code, fallback.at);
            let _infallible = writeln!(text, "  fell back from {from} at {at}, code {code}");
        }
        for attempt in &delivery.attempts {
            let outcome = attempt.outcome.as_ref().map_or("no result", |outcome| outcome.as_str());
            let code = attempt.code.as_deref().unwrap_or("–");
            let _infallible = writeln!(text, "  attempt {} {outcome}, code {code}", attempt.started_at);
        }
    }
    text
}

/// `sluice audit list`.
///
/// # Errors
/// When the store can not be read.
pub async fn list(
    tenant: &TenantId,
    day: BusinessDay,
    store: &impl AuditLog,
) -> Result<Output, CommandError> {
    let (mut rows, mut lines, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let page = store.audits(tenant, day, cursor).await?;
        for record in page.items {
            lines.push(line(&record));
            rows.push(json!(record));
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let text = if lines.is_empty() { format!("no event of {tenant} on {day}") } else { lines.join("\n") };
    Ok(Output::lines(Exit::Ok, text, rows))
}

fn line(record: &AuditRecord) -> String {
    let code = match &record.disposition {
        Disposition::Decided { decision } => decision.main_code(),
        Disposition::Recorded { effect, .. } => effect,
        Disposition::Unhandled => &record.name,
    };
    let (received, trace, kind) = (record.received_at, record.trace_id, record.kind.as_str());
    format!("{received}  {trace}  {kind:<20} {:<12} {code}", record.disposition.label())
}
