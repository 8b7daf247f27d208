//! `sluice endpoints`: which destinations work, and what people decide about them.

use std::sync::Arc;

use serde_json::{Value, json};
use sluice_channels::{EndpointDesk, EndpointHealth, Message};
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::Destination;
use sluice_domain::id::TenantId;
use sluice_domain::settings::Settings;
use sluice_domain::time::UnixMillis;
use sluice_embedded::FileSecrets;
use sluice_ports::Clock;
use sluice_settings::CurrentSettings as _;

use crate::cli::{EndpointWhich, Endpoints};
use crate::command::channels::{channels, destination};
use crate::exit::Exit;
use crate::output::{CommandError, Output};
use crate::state::State;

/// `sluice endpoints list|enable|disable`.
///
/// # Errors
/// When the destination is not configured, or the store can not be used.
pub async fn run(command: &Endpoints, state: &State) -> Result<Output, CommandError> {
    let desk = EndpointDesk::new(state.store.clone(), state.clock.now());
    let settings = state.settings.current();
    match command {
        Endpoints::List { tenant } => list(tenant.as_ref(), &settings, &desk).await,
        Endpoints::Enable { which } => {
            let found = destination(&settings, &which.tenant, &which.destination)?;
            let changed = desk.enable(&which.tenant, found).await?;
            let text = if changed { "enabled: its messages leave again" } else { "it was enabled before" };
            let exit = if changed { Exit::Ok } else { Exit::No };
            Ok(Output::one(exit, text, json!({ "enabled": true, "changed": changed })))
        }
        Endpoints::Disable { which, by, why } => {
            let found = destination(&settings, &which.tenant, &which.destination)?;
            desk.disable(&which.tenant, found, by, why).await?;
            Ok(Output::one(Exit::Ok, "disabled: its messages wait", json!({ "enabled": false })))
        }
        Endpoints::Test { .. } => Err(CommandError::usage("this command does not work on a data directory")),
    }
}

async fn list(
    tenant: Option<&TenantId>,
    settings: &Settings,
    desk: &EndpointDesk,
) -> Result<Output, CommandError> {
    if let Some(tenant) = tenant.filter(|tenant| !settings.tenants.contains_key(*tenant)) {
        return Err(CommandError::configuration(format!("tenant `{tenant}` is not configured")));
    }
    let (mut lines, mut rows, mut all_well) = (Vec::new(), Vec::new(), true);
    for (id, found) in settings.tenants.iter().filter(|(id, _)| tenant.is_none_or(|tenant| tenant == *id)) {
        for destination in found.destinations.values() {
            let (health, blocked_until) = desk.look(id, destination).await?;
            all_well &= health == EndpointHealth::Healthy;
            lines.push(line(id, destination, &health, blocked_until));
            rows.push(row(id, destination, &health, blocked_until));
        }
    }
    let text = if lines.is_empty() { "no endpoint is configured".to_owned() } else { lines.join("\n") };
    Ok(Output::lines(if all_well { Exit::Ok } else { Exit::No }, text, rows))
}

fn line(
    tenant: &TenantId,
    destination: &Destination,
    health: &EndpointHealth,
    blocked_until: Option<UnixMillis>,
) -> String {
    let how = match health {
        EndpointHealth::Healthy => "healthy".to_owned(),
        EndpointHealth::Open { since, until, code } => {
            format!("open since {since}: {code}; the next try at {until}")
        }
        EndpointHealth::Disabled { since, code, by, why } => {
            format!("disabled since {since} by {by}: {code}; {why}")
        }
    };
    let blocked = blocked_until.map(|until| format!("; the platform wants nothing before {until}"));
    let channel = destination.channel.as_str();
    format!("{tenant}  {:<24} {channel:<16} {how}{}", destination.id.as_str(), blocked.unwrap_or_default())
}

fn row(
    tenant: &TenantId,
    destination: &Destination,
    health: &EndpointHealth,
    blocked_until: Option<UnixMillis>,
) -> Value {
    json!({
        "tenant": tenant, "destination": destination.id, "channel": destination.channel.as_str(), "health": health,
        "blocked_until": blocked_until,
    })
}

/// `sluice endpoints test`.
///
/// # Errors
/// When the destination is not configured or writes to customers, or secrets can not be had.
pub async fn test(
    which: &EndpointWhich,
    text: &str,
    settings: &Settings,
    secrets: Arc<FileSecrets>,
    clock: impl Clock,
) -> Result<Output, CommandError> {
    let found = destination(settings, &which.tenant, &which.destination)?;
    if found.channel.recipient_field().is_some() {
        let id = &found.id;
        return Err(CommandError::usage(format!(
            "destination `{id}` writes to customers: nothing is tried out on them"
        )));
    }
    let now = clock.now();
    let message = Message {
        dispatch_id: name_of(now),
        text: format!("{text} {}", now.to_china_minutes()),
        at: now,
        ..Message::default()
    };
    let report = channels(secrets, clock)?.send(&which.tenant, found, &message).await;
    let taken = matches!(report.outcome, Outcome::Delivered { .. });
    let (outcome, code) = (report.outcome.as_str(), report.code.as_deref().unwrap_or("-"));
    let words = report.message.as_deref().unwrap_or_default();
    let text = format!("{outcome} ({code}) {words}");
    let json = json!({ "taken": taken, "outcome": outcome, "code": code, "message": words });
    Ok(Output::one(if taken { Exit::Ok } else { Exit::No }, text.trim_end(), json))
}

/// A name of its own for each try: platforms suppress repeats.
fn name_of(now: UnixMillis) -> String {
    format!("00000000-0000-8000-8000-{:012x}", now.as_u64() & 0xffff_ffff_ffff)
}
