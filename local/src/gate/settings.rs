//! A changed configuration is taken up while the gate runs. What does not load changes nothing: the last good one stays in force.

use std::sync::Arc;
use std::time::Duration;

use sluice_settings::LastGood;
use sluice_telemetry::{Metrics, Signal};
use tokio::sync::watch;

use super::server::stopped;

/// How often the files are read: so stale a decision may be. A configuration is a few dozen small files, and reading them is what every
/// file system does right, also where it tells nobody of changes.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Looks for changes until `stop` turns true.
pub(super) async fn follow(settings: Arc<LastGood>, metrics: Metrics, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stopped(&mut stop) => return,
        }
        let looking = Arc::clone(&settings);
        let counting = metrics.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || look(&looking, &counting)).await {
            tracing::error!("looking for a changed configuration ended badly: {error}");
        }
    }
}

/// Reads the files; says once what came of a change.
fn look(settings: &LastGood, metrics: &Metrics) {
    match settings.reload() {
        Ok(false) => {}
        Ok(true) => {
            for tenant in settings.current().tenants.values() {
                let (id, pack) = (&tenant.id, tenant.rules.stamp());
                tracing::info!(tenant = %id, pack = %pack.id, version = pack.version, sha256 = pack.sha256, "the changed configuration is in force");
            }
        }
        Err(error) => {
            metrics.count(Signal::SettingsReloadFailure);
            for problem in &error.problems {
                tracing::error!(code = problem.code, "the last good configuration stays in force: {problem}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sluice_telemetry::Counters;

    use super::*;
    use crate::builtin;

    #[test]
    fn a_good_change_is_taken_up_and_a_bad_one_is_counted_once_and_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("config");
        builtin::write(&config).unwrap();
        let settings = LastGood::open(&config).unwrap();
        let counters = Counters::default();
        let metrics = Metrics::new(counters.clone());
        let hash = || {
            let current = settings.current();
            current.tenants.values().next().unwrap().rules.stamp().sha256.clone()
        };
        let first = hash();
        let file = config.join("rules/baseline.yaml");
        let text = std::fs::read_to_string(&file).unwrap();

        look(&settings, &metrics);
        assert_eq!((hash(), counters.total("SettingsReloadFailure")), (first.clone(), 0));

        let failing = text.replacen("verdict: allow_masked", "verdict: block", 1);
        std::fs::write(&file, failing).unwrap();
        look(&settings, &metrics);
        look(&settings, &metrics);
        assert_eq!((hash(), counters.total("SettingsReloadFailure")), (first.clone(), 1));
        assert!(settings.failure().unwrap().to_string().contains("rules/baseline.yaml:"));

        std::fs::write(&file, text.replacen("version: ", "version: new-", 1)).unwrap();
        look(&settings, &metrics);
        assert_ne!(hash(), first);
        assert_eq!(settings.failure(), None);
    }
}
