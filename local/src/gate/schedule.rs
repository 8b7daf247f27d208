//! The nightly schedule: 02:00 China time, as EventBridge does it on AWS. A run that was missed is made up for at the start.

use std::sync::Arc;
use std::time::Duration;

use nightly_reconciliation::{NightlyReconciliation, ScheduledEvent};
use sluice_domain::time::UnixMillis;
use sluice_embedded::{FileReports, LocalHeadSigner, Store};
use sluice_ports::Clock;
use sluice_settings::LastGood;
use sluice_telemetry::Metrics;
use tokio::sync::watch;

use super::server::stopped;
use crate::state::State;

/// Two hours after midnight in China.
const AFTER_MIDNIGHT_MS: i64 = 2 * 3_600_000;
/// How often the clock is looked at: a machine that slept wakes to the right day.
const LOOK_EVERY: Duration = Duration::from_secs(30);
type Handler = NightlyReconciliation<Store, FileReports, LocalHeadSigner, Arc<dyn Clock>, Arc<LastGood>>;

const JOB: &str = "nightly-reconciliation";

/// Runs the reconciliation once a day until `stop` turns true.
pub(super) async fn run(state: State, metrics: Metrics, mut stop: watch::Receiver<bool>) {
    let (settings, store) = (state.settings.clone(), state.store.clone());
    let handler = NightlyReconciliation::new(
        settings,
        store,
        state.reports.clone(),
        state.signer.clone(),
        state.clock.clone(),
        metrics,
    );
    loop {
        match look(&state, &handler).await {
            Ok(None) => {}
            Ok(Some(breaks)) => tracing::info!("reconciled: {breaks} breaks are open"),
            Err(error) => tracing::error!("reconciliation failed and is tried again: {error}"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

/// Runs when a run is due; gives the number of open breaks then.
async fn look(
    state: &State,
    handler: &Handler,
) -> Result<Option<usize>, Box<dyn std::error::Error + Send + Sync>> {
    let now = state.clock.now();
    // A new data directory has nothing to reconcile yet: its first run is the next one.
    let last = state.store.last_run(JOB)?;
    if last.is_some_and(|last| !is_due(last, now)) {
        return Ok(None);
    }
    let breaks = match last {
        Some(_) => Some(handler.handle(ScheduledEvent::default()).await?.open_breaks),
        None => None,
    };
    if last.is_some() {
        erase(state, now).await?;
    }
    state.store.set_last_run(JOB, now).await?;
    Ok(breaks)
}

/// Erases whom yesterday's events said to erase.
async fn erase(state: &State, now: UnixMillis) -> Result<(), crate::output::CommandError> {
    for tenant in state.settings.current().tenants.keys() {
        let day = now.business_day().previous();
        let erased = crate::command::erasure::due(tenant, day, state).await?.len();
        if erased > 0 {
            tracing::info!(%tenant, erased, "erased: {erased} people");
        }
    }
    Ok(())
}

/// Is there a 02:00 between the last run and now?
fn is_due(last: UnixMillis, now: UnixMillis) -> bool {
    let today = now.business_day().start().plus_ms(AFTER_MIDNIGHT_MS);
    let latest =
        if now >= today { today } else { now.business_day().previous().start().plus_ms(AFTER_MIDNIGHT_MS) };
    last < latest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_once_after_each_two_oclock() {
        let two = UnixMillis(1_700_000_000_000).business_day().start().plus_ms(AFTER_MIDNIGHT_MS);
        assert!(is_due(two.plus_ms(-1), two));
        assert!(!is_due(two, two.plus_ms(1)));
        assert!(!is_due(two, two.plus_ms(86_399_999)));
        assert!(is_due(two, two.plus_ms(86_400_000)));
    }
}
