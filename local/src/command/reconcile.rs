//! `sluice reconcile`: one day's report, now.

use std::path::PathBuf;

use nightly_reconciliation::NightlyReconciliation;
use serde_json::json;
use sluice_domain::reconciliation::{Report, page};
use sluice_telemetry::Metrics;

use crate::cli::Reconcile;
use crate::exit::Exit;
use crate::output::{CommandError, FileContent, Output, OutputFile};
use crate::state::State;

/// `sluice reconcile`. It only reads; the nightly run also puts dead letters back.
///
/// # Errors
/// When the tenant is not configured or the store can not be read.
pub async fn run(args: &Reconcile, state: &State) -> Result<Output, CommandError> {
    let now = state.clock.now();
    let day = args.day.unwrap_or_else(|| now.business_day().previous());
    let (settings, store) = (state.settings.clone(), state.store.clone());
    let handler = NightlyReconciliation::new(
        settings,
        store,
        state.reports.clone(),
        state.signer.clone(),
        state.clock.clone(),
        Metrics::default(),
    );
    let tenants: Vec<_> = match &args.tenant {
        Some(tenant) => vec![tenant.clone()],
        None => state.settings.current().tenants.keys().cloned().collect(),
    };
    let mut reports = Vec::new();
    for tenant in &tenants {
        let report = handler.reconcile(tenant, day, now).await;
        reports.push(report.map_err(|error| CommandError::unavailable(error.to_string()))?);
    }
    Ok(output(&reports, args.html.clone()))
}

fn output(reports: &[Report], html: Option<PathBuf>) -> Output {
    let open: usize = reports.iter().map(Report::open_breaks).sum();
    let holds = reports.iter().all(|report| report.identity.holds);
    let exit = if open == 0 && holds { Exit::Ok } else { Exit::No };
    let text = reports.iter().map(summary).collect::<Vec<_>>().join("\n\n");
    let files = match (html, reports) {
        (Some(path), [report]) => vec![OutputFile { path, content: FileContent::Text(page(report)) }],
        _ => Vec::new(),
    };
    Output { files, ..Output::lines(exit, text, reports.iter().map(|report| json!(report)).collect()) }
}

fn summary(report: &Report) -> String {
    let mut lines = vec![format!(
        "{} {}: {} received, {} breaks open, totals {}",
        report.tenant,
        report.day,
        report.totals.received,
        report.open_breaks(),
        if report.identity.holds { "match" } else { "DO NOT MATCH" },
    )];
    lines.extend(
        report
            .breaks
            .iter()
            .map(|found| format!("  {:<24} {} {}", found.class.code(), found.title, found.key)),
    );
    lines.join("\n")
}
