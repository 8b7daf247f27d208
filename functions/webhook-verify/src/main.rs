//! Wiring of the webhook-verify function.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_runtime::{LambdaEvent, service_fn};
use sluice_embedded::{FileSecrets, LocalKeyRing, Options, Store, SystemClock, SystemEntropy};
use sluice_telemetry::{EmfWriter, Metrics};
use webhook_verify::WebhookVerify;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    sluice_telemetry::init_logging(true)?;
    let config = directory("SLUICE_CONFIG", "the configuration directory")?;
    let data = directory("SLUICE_DATA", "the data directory")?;
    let store = Store::open(&data, Options::default())?;
    let handler = &WebhookVerify {
        settings: Arc::new(sluice_settings::load(&config)?),
        keys: LocalKeyRing::open(
            store.clone(),
            &data.join("keys").join("master.key"),
            Arc::new(SystemEntropy),
        )
        .await?,
        secrets: FileSecrets::open(&data.join("secrets.json"), Arc::new(SystemClock))?,
        intake: store,
        clock: SystemClock,
        entropy: SystemEntropy,
        metrics: Metrics::new(EmfWriter::new(std::io::stdout(), now)),
    };
    let answer = |event: LambdaEvent<ApiGatewayV2httpRequest>| async move {
        Ok::<_, lambda_runtime::Error>(handler.handle(event.payload).await)
    };
    lambda_runtime::run(service_fn(answer)).await
}

fn directory(variable: &str, what: &str) -> anyhow::Result<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).with_context(|| format!("set `{variable}` to {what}"))
}

fn now() -> sluice_domain::time::UnixMillis {
    sluice_ports::Clock::now(&SystemClock)
}
