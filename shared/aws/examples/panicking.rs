//! A function that does what no other does: it panics when it is told to. `tests/emulators` runs it against a Runtime API.
//!
//! It starts and runs as the functions do; no AWS is called.

use std::process::ExitCode;

use serde_json::{Value, json};
use sluice_aws::function::{Error, Function, Needs, program};
use sluice_aws::{Making, Patience, Words};

const NEEDS: Needs = Needs {
    step: "panicking",
    patience: Patience::STEP,
    making: Making::Never,
    words: |_| Words::Withheld,
    resources: &[],
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program(Box::pin(run())).await
}

async fn run() -> Result<(), Error> {
    let function = Function::start(NEEDS).await?;
    let handle = async |event: Value| {
        // Only our own crates' debug lines are kept, and this program is none of them.
        tracing::debug!(target: "sluice_aws", "a line that is kept until an invocation fails");
        assert!(event.get("panic").is_none(), "told to panic by {event}");
        Ok(json!({"done": true}))
    };
    function.run(handle, |_| false).await
}
