//! What the benchmark program of `tests/emulators` prints.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// All of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Measured {
    /// By function, and `peer-hello`.
    pub(super) cold_starts: BTreeMap<String, Vec<ColdStart>>,
    /// One a batch size.
    pub(super) journeys: Vec<Journey>,
}

/// One cold start.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct ColdStart {
    /// Spawn to the first request for an event.
    pub(super) init_ms: f64,
    /// Processor time until then.
    pub(super) init_cpu_ms: f64,
    /// The first event, handed over to answered.
    pub(super) first_ms: f64,
    /// Processor time from spawn to the request for the second event.
    pub(super) cpu_ms: f64,
    /// The most resident memory.
    pub(super) rss_kib: u64,
    /// What it asked of AWS meanwhile.
    pub(super) calls: usize,
}

/// Events through all steps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Journey {
    /// Messages a batch, at most.
    pub(super) batch: usize,
    /// Callbacks.
    pub(super) events: usize,
    /// Deliveries that ended as delivered, the one that warmed up included.
    pub(super) delivered: usize,
    /// In the order of the way.
    pub(super) steps: Vec<Step>,
}

/// What one function did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Step {
    /// Its name.
    pub(super) function: String,
    /// How often it was invoked.
    pub(super) invocations: usize,
    /// From event to answer, of all invocations together.
    pub(super) wall_ms: f64,
    /// Its processor time for them.
    pub(super) cpu_ms: f64,
    /// What it asked of AWS.
    pub(super) calls: Vec<Spent>,
}

/// Calls of one kind.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Spent {
    /// As in signatures: `dynamodb`.
    pub(super) service: String,
    /// As AWS calls it.
    pub(super) operation: String,
    /// How many.
    pub(super) calls: usize,
    /// Items, keys or messages in them.
    pub(super) items: usize,
    /// Bytes of requests' bodies.
    pub(super) bytes_in: usize,
    /// Bytes of answers' bodies.
    pub(super) bytes_out: usize,
    /// Of `DynamoDB`, indexes included.
    pub(super) write_units: usize,
    /// Of `DynamoDB`.
    pub(super) read_units: usize,
    /// Of SQS, one a 64 KiB.
    pub(super) requests: usize,
}
