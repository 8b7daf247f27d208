//! webhook-verify on Lambda, over the adapters of AWS.

use std::process::ExitCode;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use sluice_aws::function::{Error, Function, Needs, program};
use sluice_aws::{Making, Patience, Resource, SystemClock, SystemEntropy};
use sluice_ports::Queue;
use webhook_verify::WebhookVerify;

const NEEDS: Needs = Needs {
    step: "webhook-verify",
    patience: Patience::DOOR,
    making: Making::OnFirstUse,
    words: false,
    resources: &[
        Resource::KeysTable,
        Resource::KmsKey,
        Resource::SecretsPrefix,
        Resource::Queue(Queue::Events),
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
    let door = WebhookVerify {
        settings: function.settings.clone(),
        intake: store,
        keys,
        secrets: function.secrets()?,
        clock: SystemClock,
        entropy: SystemEntropy,
        metrics: function.metrics.clone(),
    };
    let answer = async |request: ApiGatewayV2httpRequest| Ok(door.handle(request).await);
    function.run(answer, |answer| answer.status_code >= 500).await
}
