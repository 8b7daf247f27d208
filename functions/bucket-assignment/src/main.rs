//! bucket-assignment on Lambda, over the adapters of AWS.

use std::process::ExitCode;

use bucket_assignment::BucketAssignment;
use sluice_aws::function::{Error, Function, Needs, program};
use sluice_aws::{Making, Patience, Resource, SystemClock, Words};
use sluice_ports::Queue;

const NEEDS: Needs = Needs {
    step: "bucket-assignment",
    patience: Patience::STEP,
    making: Making::Never,
    words: |_| Words::Withheld,
    resources: &[
        Resource::KeysTable,
        Resource::KmsKey,
        Resource::Queue(Queue::Cleared),
        Resource::DeadLetters(Queue::Cleared),
        Resource::Queue(Queue::Assigned),
        Resource::ExposuresTable,
    ],
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program(Box::pin(run())).await
}

async fn run() -> Result<(), Error> {
    let function = Function::start(NEEDS).await?;
    let (store, keys) = (function.store(), function.key_ring()?);
    function.warm(&store.queues, Queue::Cleared, &keys).await;
    let stage = BucketAssignment {
        settings: function.settings.clone(),
        store: store.clone(),
        keys,
        clock: SystemClock,
        metrics: function.metrics.clone(),
    };
    function.run_stage(&stage, &store).await
}
