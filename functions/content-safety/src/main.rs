//! content-safety on Lambda, over the adapters of AWS.

use std::process::ExitCode;

use content_safety::ContentSafety;
use sluice_aws::function::{Error, Function, Needs, program};
use sluice_aws::{Making, Patience, Resource, SystemClock, Words};
use sluice_censor::{Censor, Endpoints, VARIABLE};
use sluice_channels::HyperClient;
use sluice_ports::Queue;

const NEEDS: Needs = Needs {
    step: "content-safety",
    patience: Patience::STEP,
    making: Making::Never,
    words: |_| Words::Withheld,
    resources: &[
        Resource::KeysTable,
        Resource::KmsKey,
        Resource::SecretsPrefix,
        Resource::Queue(Queue::Checks),
        Resource::DeadLetters(Queue::Checks),
        Resource::Queue(Queue::Events),
        Resource::Queue(Queue::Assigned),
        Resource::ReviewsTable,
        Resource::ReceiptsTable,
    ],
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program(Box::pin(run())).await
}

async fn run() -> Result<(), Error> {
    let function = Function::start(NEEDS).await?;
    let (store, keys) = (function.store(), function.key_ring()?);
    function.warm(&store.queues, Queue::Checks, &keys).await;
    let endpoints = Endpoints::of(std::env::var(VARIABLE).ok().as_deref())?;
    let stage = ContentSafety {
        settings: function.settings.clone(),
        store: store.clone(),
        keys,
        censor: Censor::new(endpoints, HyperClient::new()?, function.secrets()?, SystemClock),
        clock: SystemClock,
        metrics: function.metrics.clone(),
    };
    function.run_stage(&stage, &store).await
}
