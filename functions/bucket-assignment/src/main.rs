//! Wiring of bucket-assignment on the Lambda runtime, over the embedded store.
//!
//! `SLUICE_CONFIG` names the configuration directory (default `config`), `SLUICE_DATA` the data directory (default `sluice-data`).

use std::path::PathBuf;
use std::sync::Arc;

use aws_lambda_events::event::sqs::SqsEvent;
use bucket_assignment::BucketAssignment;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use sluice_embedded::{LocalKeyRing, Options, Store, SystemClock, SystemEntropy};
use sluice_telemetry::{EmfWriter, Metrics};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    sluice_telemetry::init_logging(true)?;
    let settings = Arc::new(sluice_settings::load(&path("SLUICE_CONFIG", "config"))?);
    let data = path("SLUICE_DATA", "sluice-data");
    let store = Store::open(&data, Options::default())?;
    let master = data.join("keys").join("master.key");
    let keys = LocalKeyRing::open(store.clone(), &master, Arc::new(SystemEntropy)).await?;
    let metrics = Metrics::new(EmfWriter::new(std::io::stdout(), || sluice_ports::Clock::now(&SystemClock)));
    let stage = &BucketAssignment { settings, store, keys, clock: SystemClock, metrics };
    run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, Error>(
            sluice_steps::run(stage, &stage.store, &stage.clock, &stage.metrics, event.payload).await,
        )
    }))
    .await
}

fn path(variable: &str, default: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| PathBuf::from(default), PathBuf::from)
}
