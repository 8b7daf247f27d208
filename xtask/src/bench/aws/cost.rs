//! What an event costs by list prices: ours by what was counted, and a design with two idempotency writes a step by its documentation.

use super::measured::{Journey, Step};
use super::prices::{Assumptions, Prices};

/// One event's use of AWS.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct PerEvent {
    /// API calls that the functions make.
    pub(super) calls: f64,
    /// Requests that Lambda's poller makes at SQS, which are billed to the account too.
    pub(super) polled: f64,
    /// SQS requests, the poller's included.
    pub(super) sqs_requests: f64,
    /// DynamoDB write units.
    pub(super) write_units: f64,
    /// DynamoDB read units.
    pub(super) read_units: f64,
    /// KMS requests.
    pub(super) kms: f64,
    /// Calls of Secrets Manager.
    pub(super) secrets: f64,
    /// Invocations.
    pub(super) invocations: f64,
    /// Memory times duration.
    pub(super) gb_seconds: f64,
}

/// Steps that a queue feeds: for each batch the poller receives once and deletes once. Its empty receives on an idle queue are no
/// event's, and left out on both sides.
const POLLS_A_BATCH: f64 = 2.0;

/// Memory of a function, in MB, as template.yaml has it (a test compares).
const MEMORY_MB: [(&str, f64); 4] = [
    ("webhook-verify", 512.0),
    ("compliance-check", 512.0),
    ("bucket-assignment", 256.0),
    ("channel-dispatch", 256.0),
];

const DOOR: &str = "webhook-verify";
const DISPATCH: &str = "channel-dispatch";

impl PerEvent {
    /// What was counted, for one event.
    pub(super) fn counted(journey: &Journey, assumptions: Assumptions) -> Self {
        let mut sum = Self::default();
        for step in &journey.steps {
            let polled = if step.function == DOOR { 0.0 } else { count(step.invocations) * POLLS_A_BATCH };
            sum.polled += polled;
            sum.sqs_requests += polled;
            sum.invocations += count(step.invocations);
            sum.gb_seconds += gb_seconds(step, assumptions);
            for spent in &step.calls {
                sum.calls += count(spent.calls);
                sum.sqs_requests += count(spent.requests);
                sum.write_units += count(spent.write_units);
                sum.read_units += count(spent.read_units);
                match spent.service.as_str() {
                    "kms" => sum.kms += count(spent.calls),
                    "secretsmanager" => sum.secrets += count(spent.calls),
                    _ => {}
                }
            }
        }
        sum.divided(count(journey.events.max(1)))
    }

    /// The design that Powertools documents for the same steps: each handler is idempotent by a conditional put before and an update
    /// after it, beside what it writes anyway, and sends one message an event. Everything else — the sizes of its own records, batches of the
    /// poller, processor time — is taken to be ours, which favours it.
    pub(super) fn two_writes_a_step(journey: &Journey, assumptions: Assumptions) -> Self {
        /// Of which each is claimed and completed: the door and three queue-fed steps.
        const STEPS: f64 = 4.0;
        /// An idempotency record is below 1 KB and its table has no index.
        const UNITS_A_WRITE: f64 = 1.0;
        let ours = Self::counted(journey, assumptions);
        // Ours writes a delivery twice, for its claim is in it; theirs writes the result once.
        let delivery_writes = journey.steps.iter().filter(|step| step.function == DISPATCH);
        let delivery_units: usize =
            delivery_writes.flat_map(|step| &step.calls).map(|spent| spent.write_units).sum();
        let delivery_units = count(delivery_units) / count(journey.events.max(1)) / 2.0;
        let idempotency = STEPS * 2.0;
        // Business calls of a form: receipt, consent read and granted, audit record, exposure, delivery; one message each to three queues.
        let business = 6.0 + 3.0;
        let calls = idempotency + business;
        let extra_calls = (calls - ours.calls).max(0.0);
        Self {
            calls,
            sqs_requests: ours.polled + 3.0,
            write_units: ours.write_units - delivery_units + idempotency * UNITS_A_WRITE,
            gb_seconds: ours.gb_seconds + extra_calls * assumptions.call_ms / 1e3 * smallest_gb(),
            ..ours
        }
    }

    fn divided(self, events: f64) -> Self {
        Self {
            calls: self.calls / events,
            polled: self.polled / events,
            sqs_requests: self.sqs_requests / events,
            write_units: self.write_units / events,
            read_units: self.read_units / events,
            kms: self.kms / events,
            secrets: self.secrets / events,
            invocations: self.invocations / events,
            gb_seconds: self.gb_seconds / events,
        }
    }

    /// Names and costs of a million events, in the currency of the prices.
    pub(super) fn million(&self, prices: &Prices) -> [(&'static str, f64); 7] {
        let million = |units: f64, price: f64| units * price * 1e6;
        [
            ("API Gateway", million(1.0, prices.api_request)),
            ("Lambda requests", million(self.invocations, prices.lambda_request)),
            ("Lambda duration", million(self.gb_seconds, prices.gb_second)),
            ("SQS", million(self.sqs_requests, prices.sqs_request)),
            ("DynamoDB writes", million(self.write_units, prices.write_unit)),
            ("DynamoDB reads", million(self.read_units, prices.read_unit)),
            (
                "KMS, Secrets Manager",
                million(self.kms, prices.kms_request) + million(self.secrets, prices.secrets_call),
            ),
        ]
    }
}

/// Duration is processor time, stretched by the share of a core that the memory buys, and waiting for calls.
fn gb_seconds(step: &Step, assumptions: Assumptions) -> f64 {
    let memory = MEMORY_MB.iter().find(|(name, _)| *name == step.function).map_or(256.0, |(_, mb)| *mb);
    let share = (memory / assumptions.full_core_mb).min(1.0);
    let calls: f64 = step.calls.iter().map(|spent| count(spent.calls)).sum();
    let platform =
        if step.function == DISPATCH { count(step.invocations) * assumptions.platform_ms } else { 0.0 };
    let duration_ms = step.cpu_ms / share + calls * assumptions.call_ms + platform;
    duration_ms / 1e3 * memory / 1_024.0
}

fn smallest_gb() -> f64 {
    MEMORY_MB.iter().map(|(_, mb)| mb / 1_024.0).fold(f64::INFINITY, f64::min)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark stay far below 2^53")]
pub(super) fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::super::measured::Spent;
    use super::*;

    const ASSUMED: Assumptions = Assumptions { call_ms: 5.0, platform_ms: 100.0, full_core_mb: 1_769.0 };

    fn step(function: &str, invocations: usize, calls: Vec<Spent>) -> Step {
        Step { function: function.to_owned(), invocations, wall_ms: 0.0, cpu_ms: 1_769.0, calls }
    }

    fn journey() -> Journey {
        let put = Spent { service: "dynamodb".into(), calls: 100, write_units: 400, ..Spent::default() };
        let send = Spent { service: "sqs".into(), calls: 10, requests: 10, ..Spent::default() };
        let claims = Spent { service: "dynamodb".into(), calls: 200, write_units: 800, ..Spent::default() };
        let steps = vec![step("compliance-check", 10, vec![put, send]), step(DISPATCH, 10, vec![claims])];
        Journey { batch: 10, events: 100, delivered: 100, steps }
    }

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn calls_are_counted_by_event_with_the_pollers_beside_them() {
        let ours = PerEvent::counted(&journey(), ASSUMED);
        assert!(near(ours.calls, 3.1), "{ours:?}");
        assert!(near(ours.polled, 0.4) && near(ours.sqs_requests, 0.5), "{ours:?}");
        assert!(near(ours.write_units, 12.0) && near(ours.invocations, 0.2), "{ours:?}");
    }

    #[test]
    fn the_other_design_claims_and_completes_four_steps() {
        let theirs = PerEvent::two_writes_a_step(&journey(), ASSUMED);
        assert!(near(theirs.calls, 17.0), "{theirs:?}");
        // Twelve of ours, less one writing of the delivery, and eight of its own.
        assert!(near(theirs.write_units, 16.0) && near(theirs.sqs_requests, 3.4), "{theirs:?}");
    }

    #[test]
    fn duration_is_stretched_by_the_share_of_a_core() {
        // 1769 ms at 512 MB: 512/1769 of a core, so 6112 ms; and 50 calls of 5 ms; half a GB.
        let spent = Spent { calls: 50, ..Spent::default() };
        let used = gb_seconds(&step("compliance-check", 1, vec![spent]), ASSUMED);
        let expected = (1_769.0 * 1_769.0 / 512.0 + 250.0) / 1e3 / 2.0;
        assert!(near(used, expected), "{used} {expected}");
    }

    #[test]
    fn memory_is_as_in_the_template() {
        let template = std::fs::read_to_string(crate::workspace::root().join("template.yaml")).unwrap();
        for (name, mb) in MEMORY_MB {
            let (_, rest) = template.split_once(&format!("Binary: {name}")).unwrap();
            let memory = rest.split_once("MemorySize: ").unwrap().1.lines().next().unwrap();
            assert_eq!(memory.parse::<f64>().ok(), Some(mb), "{name}");
        }
    }
}
