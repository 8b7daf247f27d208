//! compliance-check on Lambda, over the adapters of AWS.

use std::process::ExitCode;

use compliance_check::ComplianceCheck;
use sluice_aws::function::{Error, Function, Needs, program};
use sluice_aws::{Making, Patience, Resource, SystemClock, Words};
use sluice_ports::Queue;

const NEEDS: Needs = Needs {
    step: "compliance-check",
    patience: Patience::STEP,
    making: Making::Never,
    words: Words::Kept,
    resources: &[
        Resource::KeysTable,
        Resource::KmsKey,
        Resource::Queue(Queue::Events),
        Resource::DeadLetters(Queue::Events),
        Resource::Queue(Queue::Cleared),
        Resource::Queue(Queue::Checks),
        Resource::ReceiptsTable,
        Resource::ConsentTable,
        Resource::AuditTable,
        Resource::OrdersTable,
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
    function.warm(&store.queues, Queue::Events, &keys).await;
    let stage = ComplianceCheck {
        settings: function.settings.clone(),
        store: store.clone(),
        keys,
        clock: SystemClock,
        metrics: function.metrics.clone(),
    };
    function.run_stage(&stage, &store).await
}
