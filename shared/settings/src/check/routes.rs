//! Routes: what they name must exist and fit.

use std::collections::BTreeSet;

use serde_saphyr::Spanned;
use sluice_domain::consent::{Purpose, Recipient};
use sluice_domain::destination::Route;
use sluice_domain::event::{EventKind, Handling};
use sluice_domain::id::DestinationId;

use super::Findings;
use crate::file::TenantFile;

pub(crate) fn check(tenant: &TenantFile, findings: &mut Findings<'_>) {
    let mut taken = BTreeSet::new();
    for route in &tenant.routes {
        kinds(route, &mut taken, findings);
        destinations(route, tenant, findings);
        fallback(route, tenant, findings);
        words(route, tenant, findings);
    }
}

fn kinds(
    route: &Spanned<Route>,
    taken: &mut BTreeSet<(EventKind, Option<(Purpose, Recipient)>)>,
    findings: &mut Findings<'_>,
) {
    if route.value.kinds.is_empty() {
        findings.add(route, "route_without_kind", "a route must name at least one event kind");
    }
    for kind in &route.value.kinds {
        if kind.handling() != Handling::Dispatch {
            findings.add(route, "kind_not_sent", format!("events of kind `{kind}` are recorded, never sent"));
        }
        // A form goes where its consent text says, so forms may have a route for each purpose and recipient.
        let named = (*kind == EventKind::FormSubmit)
            .then(|| (route.value.purpose.clone(), route.value.recipient.clone()));
        if !taken.insert((*kind, named)) {
            findings.add(
                route,
                "kind_routed_twice",
                format!("kind `{kind}` has a route already, which wins"),
            );
        }
    }
}

fn destinations(route: &Spanned<Route>, tenant: &TenantFile, findings: &mut Findings<'_>) {
    let here = &route.value;
    if here.destinations.is_empty() {
        findings.add(route, "route_without_destination", "a route must name at least one destination");
        return;
    }
    let mut weight = 0_u64;
    for id in &here.destinations {
        let Some(found) = tenant.destinations.iter().find(|other| other.value.id == *id) else {
            findings.add(route, "unknown_destination", format!("destination `{id}` is not configured"));
            continue;
        };
        weight += u64::from(found.value.weight);
        if found.value.recipient != here.recipient {
            findings.add(
                route,
                "recipient_mismatch",
                format!(
                    "route is for recipient `{}`, destination `{id}` is recipient `{}`",
                    here.recipient, found.value.recipient
                ),
            );
        }
    }
    if weight == 0 {
        findings.add(route, "no_destination_in_rotation", "every destination of the route has weight 0");
    }
}

/// A fall-back stands in for every destination of its route: the same recipient's, of the same kind, and none of them. It has no fall-back
/// itself, so there is no circle.
fn fallback(route: &Spanned<Route>, tenant: &TenantFile, findings: &mut Findings<'_>) {
    let here = &route.value;
    let Some(id) = &here.fallback else { return };
    let find = |id: &DestinationId| {
        tenant.destinations.iter().map(|other| &other.value).find(|other| other.id == *id)
    };
    let Some(found) = find(id) else {
        findings.add(route, "unknown_destination", format!("fall-back `{id}` is not configured"));
        return;
    };
    if here.destinations.contains(id) {
        let message = format!("fall-back `{id}` is a destination of the route itself: name another one");
        findings.add(route, "fallback_is_destination", message);
    }
    if found.recipient != here.recipient {
        let (ours, theirs) = (&here.recipient, &found.recipient);
        let message = format!("route is for recipient `{ours}`, fall-back `{id}` is recipient `{theirs}`");
        findings.add(route, "recipient_mismatch", message);
    }
    let to_person = found.channel.is_to_person();
    let other = here.destinations.iter().filter_map(find).find(|it| it.channel.is_to_person() != to_person);
    if let Some(other) = other {
        let (staff, person) = if to_person { (&other.id, id) } else { (id, &other.id) };
        let message = format!(
            "destination `{staff}` writes to staff, `{person}` to the person: neither can stand in for the other"
        );
        findings.add(route, "fallback_other_kind", message);
    }
}

fn words(route: &Spanned<Route>, tenant: &TenantFile, findings: &mut Findings<'_>) {
    let script = &route.value.script;
    if !tenant.scripts.iter().any(|other| other.value.id == *script) {
        findings.add(route, "unknown_script", format!("script `{script}` is not configured"));
    }
    if let Some(experiment) = &route.value.experiment
        && !tenant.experiments.iter().any(|other| other.value.id == *experiment)
    {
        findings.add(route, "unknown_experiment", format!("experiment `{experiment}` is not configured"));
    }
}
