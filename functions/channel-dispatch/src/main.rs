//! channel-dispatch on Lambda, over the adapters of AWS.

use std::process::ExitCode;

use channel_dispatch::ChannelDispatch;
use sluice_aws::function::{Error, Function, Needs, program};
use sluice_aws::{Making, Patience, Resource, SystemClock, SystemEntropy, Words};
use sluice_channels::{Channels, HyperClient, simulators};
use sluice_ports::Queue;

const NEEDS: Needs = Needs {
    step: "channel-dispatch",
    patience: Patience::STEP,
    making: Making::Never,
    words: Words::Kept,
    resources: &[
        Resource::KeysTable,
        Resource::KmsKey,
        Resource::SecretsPrefix,
        Resource::Queue(Queue::Assigned),
        Resource::DeadLetters(Queue::Assigned),
        Resource::Queue(Queue::Checks),
        Resource::ConsentTable,
        Resource::DeliveriesTable,
        Resource::ReceiptsTable,
        Resource::ReviewsTable,
    ],
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program(Box::pin(run())).await
}

async fn run() -> Result<(), Error> {
    let function = Function::start(NEEDS).await?;
    let (store, keys) = (function.store(), function.key_ring()?);
    function.warm(&store.queues, Queue::Assigned, &keys).await;
    let endpoints = simulators::endpoints(std::env::var(simulators::VARIABLE).ok().as_deref())?;
    let channels = Channels::new(endpoints, HyperClient::new()?, function.secrets()?, SystemClock);
    let stage = ChannelDispatch {
        settings: function.settings.clone(),
        store: store.clone(),
        keys: keys.clone(),
        sender: channels.sharing(store.clone(), keys, SystemEntropy).showing(function.settings.clone()),
        clock: SystemClock,
        entropy: SystemEntropy,
        metrics: function.metrics.clone(),
    };
    function.run_stage(&stage, &store).await
}
