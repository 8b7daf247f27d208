//! `sluice endpoints`: which destinations work, and what people decide about them.

use std::sync::Arc;

use serde_json::json;
use sluice_channels::{EndpointDesk, EndpointHealth, EndpointStanding};
use sluice_domain::delivery::Outcome;
use sluice_domain::id::TenantId;
use sluice_domain::settings::Settings;
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
    let standings = desk.list(settings, tenant).await?;
    let all_well = standings.iter().all(|standing| standing.health == EndpointHealth::Healthy);
    let lines: Vec<_> = standings.iter().map(line).collect();
    let rows = standings.iter().map(|standing| json!(standing)).collect();
    let text = if lines.is_empty() { "no endpoint is configured".to_owned() } else { lines.join("\n") };
    Ok(Output::lines(if all_well { Exit::Ok } else { Exit::No }, text, rows))
}

fn line(standing: &EndpointStanding) -> String {
    let EndpointStanding { tenant, destination, channel, health, blocked_until } = standing;
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
    format!("{tenant}  {:<24} {channel:<16} {how}{}", destination.as_str(), blocked.unwrap_or_default())
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
    let tried = channels(secrets, clock)?.try_out(&which.tenant, found, text).await;
    let report = tried.map_err(|refused| CommandError::usage(refused.to_string()))?;
    let taken = matches!(report.outcome, Outcome::Delivered { .. });
    let (outcome, code) = (report.outcome.as_str(), report.code.as_deref().unwrap_or("-"));
    let words = report.message.as_deref().unwrap_or_default();
    let text = format!("{outcome} ({code}) {words}");
    let json = json!({ "taken": taken, "outcome": outcome, "code": code, "message": words });
    Ok(Output::one(if taken { Exit::Ok } else { Exit::No }, text.trim_end(), json))
}
