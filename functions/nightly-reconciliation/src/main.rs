//! Wiring of nightly-reconciliation on the Lambda runtime, over the embedded store.
//!
//! `SLUICE_CONFIG` names the configuration directory (default `config`), `SLUICE_DATA` the data directory (default `sluice-data`).

use std::path::PathBuf;
use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use nightly_reconciliation::{NightlyReconciliation, ScheduledEvent};
use sluice_embedded::{FileReports, Options, Store, SystemClock};
use sluice_telemetry::{EmfWriter, Metrics};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    sluice_telemetry::init_logging(true)?;
    let settings = Arc::new(sluice_settings::load(&path("SLUICE_CONFIG", "config"))?);
    let data = path("SLUICE_DATA", "sluice-data");
    let store = Store::open(&data, Options::default())?;
    let metrics = Metrics::new(EmfWriter::new(std::io::stdout(), || sluice_ports::Clock::now(&SystemClock)));
    let handler = NightlyReconciliation::new(settings, store, FileReports::new(&data), SystemClock, metrics);
    let handler = &handler;
    run(service_fn(move |event: LambdaEvent<ScheduledEvent>| async move {
        Ok::<_, Error>(handler.handle(event.payload).await?)
    }))
    .await
}

fn path(variable: &str, default: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| PathBuf::from(default), PathBuf::from)
}
