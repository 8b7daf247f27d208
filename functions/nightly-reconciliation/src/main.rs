//! nightly-reconciliation on Lambda, over the adapters of AWS.

use std::process::ExitCode;

use nightly_reconciliation::{NightlyReconciliation, ScheduledEvent};
use sluice_aws::function::{Error, Function, Needs, program};
use sluice_aws::{Making, Patience, Resource, SystemClock, SystemEntropy, Words};
use sluice_ports::Queue;

const NEEDS: Needs = Needs {
    step: "nightly-reconciliation",
    patience: Patience::STEP,
    making: Making::Never,
    words: |_| Words::Withheld,
    resources: &[
        Resource::Queue(Queue::Events),
        Resource::Queue(Queue::Cleared),
        Resource::Queue(Queue::Assigned),
        Resource::Queue(Queue::Checks),
        Resource::DeadLetters(Queue::Events),
        Resource::DeadLetters(Queue::Cleared),
        Resource::DeadLetters(Queue::Assigned),
        Resource::DeadLetters(Queue::Checks),
        Resource::ConsentTable,
        Resource::ReceiptsTable,
        Resource::AuditTable,
        Resource::ExposuresTable,
        Resource::DeliveriesTable,
        Resource::OrdersTable,
        Resource::ReviewsTable,
        Resource::ReportsBucket,
        Resource::DigestsBucket,
        Resource::AuditKey,
    ],
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program(Box::pin(run())).await
}

async fn run() -> Result<(), Error> {
    let function = Function::start(NEEDS).await?;
    let handler = NightlyReconciliation::new(
        function.settings.clone(),
        function.store(),
        function.reports()?,
        function.head_signer()?,
        SystemClock,
        function.metrics.clone(),
    );
    let handle = async |event: ScheduledEvent| Ok(handler.handle_and_erase(event, &SystemEntropy).await?);
    // A run that found something to look at has not failed.
    function.run(handle, |_| false).await
}
