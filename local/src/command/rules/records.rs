//! Stored audit records: from the data directory, from the server that holds it, or from a file.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use sluice_domain::audit::AuditRecord;
use sluice_domain::id::{TenantId, TraceId};
use sluice_domain::time::BusinessDay;
use sluice_ports::{AuditLog as _, Clock};

use crate::cli::Place;
use crate::control;
use crate::exit::Exit;
use crate::input;
use crate::output::{CommandError, Json};
use crate::state::{self, StateError};

/// The records of a day, by arrival.
pub(super) async fn of_day(
    tenant: &TenantId,
    day: BusinessDay,
    place: &Place,
    clock: Arc<dyn Clock>,
) -> Result<Vec<AuditRecord>, CommandError> {
    let state = match state::open(place, clock).await {
        Ok(state) => state,
        Err(StateError::InUse) => {
            let (tenant, day) = (tenant.to_string(), day.to_string());
            let rows = ask(place, &["audit", "list", "--tenant", &tenant, "--day", &day]).await?;
            return rows.into_iter().map(record).collect();
        }
        Err(StateError::Command(error)) => return Err(error),
    };
    let (mut records, mut cursor) = (Vec::new(), None);
    loop {
        let page = state.store.audits(tenant, day, cursor).await?;
        records.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(records);
        }
    }
}

/// The record of a trace.
pub(super) async fn of_trace(
    tenant: &TenantId,
    trace: TraceId,
    place: &Place,
    clock: Arc<dyn Clock>,
) -> Result<Option<AuditRecord>, CommandError> {
    match state::open(place, clock).await {
        Ok(state) => Ok(state.store.audit_of_trace(tenant, trace).await?),
        Err(StateError::InUse) => {
            let (tenant, trace) = (tenant.to_string(), trace.to_string());
            let rows = ask(place, &["audit", "show", "--tenant", &tenant, &trace]).await?;
            let found = rows.into_iter().next().and_then(|mut row| row.get_mut("audit").map(Value::take));
            found.filter(|value| !value.is_null()).map(record).transpose()
        }
        Err(StateError::Command(error)) => Err(error),
    }
}

async fn ask(place: &Place, command: &[&str]) -> Result<Vec<Value>, CommandError> {
    let argv = std::iter::once("sluice").chain(command.iter().copied()).map(str::to_owned).collect();
    let output = control::forward(&place.data, argv, None).await?;
    match (output.exit, output.json) {
        (Exit::Ok, Json::Lines(rows)) => Ok(rows),
        (Exit::Ok | Exit::No, Json::One(row)) => Ok(vec![row]),
        (exit, _) => Err(CommandError { exit, message: output.text }),
    }
}

fn record(value: Value) -> Result<AuditRecord, CommandError> {
    serde_json::from_value(value)
        .map_err(|error| CommandError::unavailable(format!("the server's record is not usable: {error}")))
}

/// Each record of a file, one JSON object a line.
pub(super) fn of_file(file: &Path, mut take: impl FnMut(&AuditRecord)) -> Result<(), CommandError> {
    let text = input::text(file)?;
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let record = serde_json::from_str(line).map_err(|error| {
            let (line, column) = (number + 1, error.column());
            CommandError::usage(format!(
                "line {line} column {column} of `{}` is no audit record",
                file.display()
            ))
        })?;
        take(&record);
    }
    Ok(())
}
