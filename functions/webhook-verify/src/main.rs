//! webhook-verify on Lambda, over the adapters of AWS.

use std::process::ExitCode;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use sluice_aws::function::{Error, Function, Needs, program};
use sluice_aws::{Making, Patience, Resource, SystemClock, SystemEntropy, Words};
use sluice_channels::{Channels, HyperClient, simulators};
use sluice_ports::Queue;
use webhook_verify::WebhookVerify;

const NEEDS: Needs = Needs {
    step: "webhook-verify",
    patience: Patience::DOOR,
    making: Making::OnFirstUse,
    words: Words::KeptForWelcomes,
    resources: &[
        Resource::KeysTable,
        Resource::KmsKey,
        Resource::SecretsPrefix,
        Resource::Queue(Queue::Events),
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
    function.warm(&store.queues, Queue::Events, &keys).await;
    let secrets = function.secrets()?;
    let endpoints = simulators::endpoints(std::env::var(simulators::VARIABLE).ok().as_deref())?;
    let channels = Channels::new(endpoints, HyperClient::new()?, secrets.clone(), SystemClock);
    let door = WebhookVerify {
        settings: function.settings.clone(),
        intake: store.clone(),
        keys: keys.clone(),
        secrets,
        greeter: channels.sharing(store, keys, SystemEntropy),
        clock: SystemClock,
        entropy: SystemEntropy,
        metrics: function.metrics.clone(),
    };
    let answer = async |request: ApiGatewayV2httpRequest| Ok(door.handle(request).await);
    function.run(answer, |answer| answer.status_code >= 500).await
}
