//! The choice for one cleared event, from configuration alone.

use sluice_domain::delivery::Exposure;
use sluice_domain::destination::{Destination, choose};
use sluice_domain::experiment::Experiment;
use sluice_domain::id::ExperimentId;
use sluice_domain::progress::{Assignment, Cleared};
use sluice_domain::settings::Tenant;
use sluice_domain::time::UnixMillis;
use sluice_steps::StageError;

/// The experiment id of exposures outside any experiment.
const NO_EXPERIMENT: &str = "none";

/// A choice, and the exposure that is to be written for it.
pub(crate) struct Choice {
    pub(crate) assignment: Assignment,
    pub(crate) exposure: Exposure,
}

/// Chooses script and destination for a cleared event.
pub(crate) fn choose_for(cleared: &Cleared, tenant: &Tenant, now: UnixMillis) -> Result<Choice, StageError> {
    let event = cleared.event();
    let configuration = |code, detail: String| StageError {
        kind: sluice_domain::failure::FailureKind::Configuration,
        code,
        detail,
        trace_id: Some(event.trace_id),
    };
    let route = tenant
        .route_of(event)
        .ok_or_else(|| configuration("no_route", format!("no route takes `{}`", event.kind)))?;
    let candidates = route.destinations.iter().filter_map(|id| tenant.destinations.get(id));
    // Consent was checked for the route's recipient: nobody else may receive the data (PIPL art. 23).
    let candidates = candidates.filter(|destination| destination.recipient == route.recipient);
    let destination: &Destination = choose(candidates, cleared.person().as_str()).ok_or_else(|| {
        configuration("no_destination", format!("no destination of `{}` has weight", event.kind))
    })?;
    let experiment = route.experiment.as_ref().and_then(|id| tenant.experiments.get(id));
    let chosen = experiment.map(|experiment| experiment.choose(cleared.person().as_str())).transpose();
    let chosen = chosen.map_err(|error| configuration("experiment_unusable", error.to_string()))?;
    let script_id = chosen.as_ref().map_or(&route.script, |(_, variant)| &variant.script);
    let script = tenant
        .scripts
        .get(script_id)
        .ok_or_else(|| configuration("no_script", format!("script `{script_id}` is not configured")))?;
    let assignment = Assignment {
        experiment: experiment.map(|experiment| experiment.id.clone()),
        bucket: chosen.as_ref().map(|(bucket, _)| *bucket),
        variant: chosen.as_ref().map(|(_, variant)| variant.id.clone()),
        script: script.id.clone(),
        script_version: script.version,
        destination: destination.id.clone(),
    };
    let exposure = Exposure {
        tenant: tenant.id.clone(),
        experiment: experiment.map_or_else(outside, |experiment| experiment.id.clone()),
        person: cleared.person().clone(),
        bucket: assignment.bucket,
        variant: assignment.variant.clone(),
        trace_id: event.trace_id,
        exposed_at: now,
    };
    Ok(Choice { assignment, exposure })
}

fn outside() -> ExperimentId {
    #[expect(clippy::expect_used, reason = "a literal of four letters")]
    ExperimentId::new(NO_EXPERIMENT).expect("valid id")
}

/// Keeps a person in the arm of their first exposure, as long as the experiment still has that arm and its script.
pub(crate) fn stick(mut assignment: Assignment, stored: &Exposure, tenant: &Tenant) -> Assignment {
    let Some(experiment) = tenant.experiments.get(&stored.experiment) else { return assignment };
    let Some((variant, script)) = arm(experiment, stored, tenant) else {
        tracing::warn!(experiment = %experiment.id, trace_id = %stored.trace_id, "the arm of an exposure no longer exists: chosen anew");
        return assignment;
    };
    assignment.bucket = stored.bucket;
    assignment.variant = Some(variant);
    assignment.script = script.0;
    assignment.script_version = script.1;
    assignment
}

type Arm = (sluice_domain::id::VariantId, (sluice_domain::id::ScriptId, u32));

fn arm(experiment: &Experiment, stored: &Exposure, tenant: &Tenant) -> Option<Arm> {
    let variant = experiment.variant(stored.variant.as_ref()?)?;
    let script = tenant.scripts.get(&variant.script)?;
    Some((variant.id.clone(), (script.id.clone(), script.version)))
}
