//! The budget of AWS calls (DESIGN): counted at the proxy, with the real programs, step by step.

use sluice_emulators::deploy::Binaries;
use sluice_emulators::measure::{Step, World, warm};

const EVENTS: usize = 20;
const BATCH: usize = 10;
/// Calls for a delivered event, at batches of ten.
const MOST_AN_EVENT: usize = 10;
/// Fetched once a minute and process, however many events there are.
const SECRETS: &str = "secretsmanager";

/// Calls of AWS, at most: so many an event, so many an invocation, so many a process (what is fetched once).
struct Budget {
    function: &'static str,
    an_event: usize,
    an_invocation: usize,
    a_process: usize,
    /// Of DynamoDB, for each event, indexes included: exactly.
    write_units: usize,
    /// And for what the processes that send share, at most: tokens, and blocks of permits.
    shared_units: usize,
}

/// The event is the dearest one: a form, which grants a consent before the decision.
const BUDGETS: [Budget; 4] = [
    Budget {
        function: "webhook-verify",
        an_event: 0,
        an_invocation: 1,
        a_process: 0,
        write_units: 0,
        shared_units: 0,
    },
    // Audit record and grant. Receipts, consents and messages by batch. Receipt, packed audit record and its index entry are a unit each; the
    // grant holds the notice that was shown, and is two.
    Budget {
        function: "compliance-check",
        an_event: 2,
        an_invocation: 3,
        a_process: 0,
        write_units: 5,
        shared_units: 0,
    },
    // The exposure, and again in its index.
    Budget {
        function: "bucket-assignment",
        an_event: 1,
        an_invocation: 1,
        a_process: 0,
        write_units: 2,
        shared_units: 0,
    },
    // Claim and end, and the claim's index entry. The secrets of a channel are fetched when it is first used. What the processes share: a
    // read of each account a batch, a read and a write for each block of permits, three calls for a token in two hours.
    Budget {
        function: "channel-dispatch",
        an_event: 2,
        an_invocation: 12,
        a_process: 40,
        write_units: 3,
        shared_units: 30,
    },
];

fn calls(step: &Step) -> usize {
    step.calls.iter().map(|spent| spent.calls).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_step_calls_aws_more_often_than_its_budget() {
    let (world, programs) = (World::new().await.unwrap(), Binaries::build().unwrap());
    let journey = warm(&world, &programs, (EVENTS, BATCH, 0)).await.unwrap();
    assert_eq!(journey.delivered, EVENTS + 1);
    for (step, budget) in journey.steps.iter().zip(BUDGETS) {
        assert_eq!(step.function, budget.function);
        let most = budget.an_event * EVENTS + budget.an_invocation * step.invocations + budget.a_process;
        assert!(calls(step) <= most, "{} calls, {most} at most: {step:?}", calls(step));
        assert!(calls(step) > 0, "nothing was recorded: {step:?}");
        let units: usize = step.calls.iter().map(|spent| spent.write_units).sum();
        let exactly = budget.write_units * EVENTS;
        assert!((exactly..=exactly + budget.shared_units).contains(&units), "{units} units: {step:?}");
    }
    // With what Lambda's poller asks of the queues: a receive and a delete for each batch.
    let polled: usize = journey.steps.iter().skip(1).map(|step| 2 * step.invocations).sum();
    let lasting = journey.steps.iter().flat_map(|step| &step.calls).filter(|spent| spent.service != SECRETS);
    let all = polled + lasting.map(|spent| spent.calls).sum::<usize>();
    assert!(all <= MOST_AN_EVENT * EVENTS, "{all} calls for {EVENTS} events: {:?}", journey.steps);
    // A batch is one invocation.
    for step in journey.steps.iter().skip(1) {
        assert!(step.invocations <= EVENTS / BATCH + 1, "{step:?}");
    }
}
