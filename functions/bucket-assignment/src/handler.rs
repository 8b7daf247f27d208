use std::sync::Arc;

use sluice_domain::progress::{Assigned, Assignment, Cleared, UncheckedCleared};
use sluice_domain::settings::{Settings, Tenant};
use sluice_domain::tenant::TenantKeys;
use sluice_ports::{Clock, Exposures, KeyRing, OutboundMessage, Outbox, Queue, Step, Written};
use sluice_settings::CurrentSettings;
use sluice_steps::{Stage, StageError};
use sluice_telemetry::{Metrics, Signal};

use crate::assign::{choose_for, stick};

/// The handler, over its ports.
pub struct BucketAssignment<S, K, C, P = Arc<Settings>> {
    /// The configuration; a batch keeps the one it began with.
    pub settings: P,
    /// Exposures and the outbox.
    pub store: S,
    /// The tenants' keys.
    pub keys: K,
    /// The time.
    pub clock: C,
    /// What is counted.
    pub metrics: Metrics,
}

/// A checked event with its choice, waiting for its exposure to be written.
struct Chosen<'a> {
    cleared: Cleared,
    assignment: Assignment,
    tenant: &'a Tenant,
    keys: Arc<TenantKeys>,
}

impl<S, K, C, P> Stage for BucketAssignment<S, K, C, P>
where
    S: Exposures + Outbox,
    K: KeyRing,
    C: Clock,
    P: CurrentSettings,
{
    const NAME: &'static str = "bucket-assignment";
    const INBOX: Queue = Queue::Cleared;
    type Input = UncheckedCleared;

    async fn handle(&self, batch: Vec<UncheckedCleared>) -> Vec<Result<(), StageError>> {
        let mut results: Vec<Option<Result<(), StageError>>> = Vec::with_capacity(batch.len());
        let (mut chosen, mut steps, mut places) = (Vec::new(), Vec::new(), Vec::new());
        let settings = self.settings.current();
        for input in batch {
            match self.choose(input, &settings).await {
                Ok((choice, step)) => {
                    places.push(results.len());
                    results.push(None);
                    chosen.push(choice);
                    steps.push(step);
                }
                Err(error) => results.push(Some(Err(error))),
            }
        }
        let outcomes = self.expose(chosen, steps).await;
        for (place, outcome) in places.into_iter().zip(outcomes) {
            if let Some(slot) = results.get_mut(place) {
                *slot = Some(outcome);
            }
        }
        // A slot that nothing filled is a message that nothing finished: `steps::run` keeps it on its queue.
        results.into_iter().map_while(|result| result).collect()
    }
}

impl<S, K, C, P> BucketAssignment<S, K, C, P>
where
    S: Exposures + Outbox,
    K: KeyRing,
    C: Clock,
    P: CurrentSettings,
{
    async fn choose<'a>(
        &self,
        input: UncheckedCleared,
        settings: &'a Settings,
    ) -> Result<(Chosen<'a>, Step<sluice_domain::delivery::Exposure>), StageError> {
        let trace = input.trace_id();
        let tenant = settings.tenants.get(input.tenant()).ok_or_else(|| StageError {
            kind: sluice_domain::failure::FailureKind::Configuration,
            code: "unknown_tenant",
            detail: format!("tenant `{}` is not configured", input.tenant()),
            trace_id: Some(trace),
        })?;
        let keys = self.keys.keys(&tenant.id).await.map_err(|error| StageError::port(&error, trace))?;
        let cleared = input
            .check(&keys)
            .map_err(|error| StageError::permanent("clearance_forged", error.to_string(), Some(trace)))?;
        let choice = choose_for(&cleared, tenant, self.clock.now())?;
        let next = message(&cleared, &choice.assignment, &keys)?;
        let step = Step { record: choice.exposure, next: Some(next) };
        Ok((Chosen { cleared, assignment: choice.assignment, tenant, keys }, step))
    }

    /// Writes the exposures; sends on what was exposed before, in the arm of that time.
    async fn expose(
        &self,
        chosen: Vec<Chosen<'_>>,
        steps: Vec<Step<sluice_domain::delivery::Exposure>>,
    ) -> Vec<Result<(), StageError>> {
        if steps.is_empty() {
            return Vec::new();
        }
        let written = self.store.expose(steps).await;
        let (mut results, mut again, mut places) = (Vec::with_capacity(chosen.len()), Vec::new(), Vec::new());
        for (choice, outcome) in chosen.into_iter().zip(written) {
            let trace = choice.cleared.event().trace_id;
            let result = match outcome {
                Ok(Written::New) => Ok(()),
                Ok(Written::Existing(stored)) => {
                    let assignment = stick(choice.assignment, &stored, choice.tenant);
                    message(&choice.cleared, &assignment, &choice.keys).map(|message| {
                        places.push(results.len());
                        again.push(message);
                    })
                }
                Err(error) => Err(StageError::port(&error, trace)),
            };
            results.push(result);
        }
        self.send_again(again, &places, &mut results).await;
        let done = results.iter().filter(|result| result.is_ok()).count();
        self.metrics.count_of(Signal::Assigned, done);
        results
    }

    async fn send_again(
        &self,
        messages: Vec<OutboundMessage>,
        places: &[usize],
        results: &mut [Result<(), StageError>],
    ) {
        if messages.is_empty() {
            return;
        }
        let traces: Vec<_> = messages.iter().map(|message| message.trace_id).collect();
        for failure in self.store.send(Queue::Assigned, messages).await {
            let place = places.get(failure.index).and_then(|place| results.get_mut(*place));
            if let (Some(slot), Some(trace)) = (place, traces.get(failure.index)) {
                *slot = Err(StageError::port(&failure.error, *trace));
            }
        }
    }
}

fn message(
    cleared: &Cleared,
    assignment: &Assignment,
    keys: &TenantKeys,
) -> Result<OutboundMessage, StageError> {
    let trace = cleared.event().trace_id;
    let assigned = Assigned::of(cleared.clone(), assignment.clone(), keys);
    let body = serde_json::to_string(&assigned)
        .map_err(|error| StageError::permanent("unencodable", error.to_string(), Some(trace)))?;
    Ok(OutboundMessage { body, trace_id: trace, delay_seconds: 0 })
}
