//! Cross-checks: what no single value shows. Every one adds to the report and goes on, so that one run tells everything.

mod channels;
mod consents;
mod destinations;
mod experiments;
mod images;
mod limits;
mod links;
mod review;
mod routes;
mod safety;
mod scripts;
mod secrets;
mod sources;
mod welcome;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_saphyr::Spanned;
use sluice_domain::destination::Destination;
use sluice_domain::rules::RulePack;
use sluice_domain::settings::{Settings, Tenant};

use crate::file::{SettingsFile, TenantFile, TenantParts};
use crate::packs::Packs;
use crate::{MAIN_FILE, Problem, Report};

/// Collects problems of `sluice.yaml`.
pub(crate) struct Findings<'a> {
    problems: &'a mut Vec<Problem>,
}

impl Findings<'_> {
    /// Adds a problem at the place of a value.
    pub(crate) fn add<T>(&mut self, at: &Spanned<T>, code: &'static str, message: impl Into<String>) {
        self.problems.push(Problem::at(MAIN_FILE, at, code, message));
    }
}

/// Checks the whole file and builds the settings from it. They are only good when no problem was added.
pub(crate) fn settings(file: SettingsFile, packs: &Packs, report: &mut Report) -> Settings {
    let mut problems = std::mem::take(&mut report.problems);
    let mut findings = Findings { problems: &mut problems };
    let mut settings = Settings::default();
    let mut source_ids = BTreeSet::new();
    report.tenants = file.tenants.len();
    if file.tenants.is_empty() {
        findings.problems.push(Problem::unplaced(MAIN_FILE, "no_tenants", "`tenants` is empty"));
    }
    for tenant in file.tenants {
        count(&tenant.value, report);
        sources::unique_over_tenants(&tenant.value, &mut source_ids, &mut findings);
        check_tenant(&tenant, &mut findings);
        let rules = pack(&tenant.value.rules, packs, &mut findings);
        let shadow = tenant.value.shadow.as_ref().map(|shadow| pack(shadow, packs, &mut findings));
        let (Some(rules), Some(shadow)) = (rules, shadow.map_or(Some(None), |found| found.map(Some))) else {
            continue;
        };
        // Words are weighed once everything that they go through is known to be whole.
        if findings.problems.is_empty() {
            scripts::judge(&tenant.value, &rules, &mut findings);
            welcome::judge(&tenant.value, &rules, &mut findings);
        }
        let id = tenant.value.id.clone();
        if settings.tenants.contains_key(&id) {
            findings.add(&tenant, "duplicate_tenant", format!("tenant `{id}` is configured twice"));
            continue;
        }
        settings.tenants.insert(id, Arc::new(build(tenant.value.into(), rules, shadow)));
    }
    report.problems = problems;
    settings
}

fn count(tenant: &TenantFile, report: &mut Report) {
    report.sources += tenant.sources.len();
    report.forms += tenant.forms.len();
    report.routes += tenant.routes.len();
    report.destinations += tenant.destinations.len();
    report.experiments += tenant.experiments.len();
    report.scripts += tenant.scripts.len();
}

fn check_tenant(tenant: &Spanned<TenantFile>, findings: &mut Findings<'_>) {
    let here = &tenant.value;
    if here.name.trim().is_empty() {
        // 广告法 art. 43: a message names its sender, and this is the name.
        findings.add(tenant, "no_name", format!("tenant `{}` has no name to sign messages with", here.id));
    }
    unique(&here.forms, "form", |form| form.id.as_str(), findings);
    unique(&here.destinations, "destination", |destination| destination.id.as_str(), findings);
    unique(&here.experiments, "experiment", |experiment| experiment.id.as_str(), findings);
    unique(&here.scripts, "script", |script| script.id.as_str(), findings);
    unique(&here.recipients, "recipient", |recipient| recipient.id.as_str(), findings);
    sources::check(here, findings);
    consents::check(here, findings);
    routes::check(here, findings);
    destinations::check(here, findings);
    channels::check(here, findings);
    experiments::check(here, findings);
    scripts::check(here, findings);
    images::check(here, findings);
    secrets::check(here, findings);
    links::check(here, findings);
    limits::check(here, findings);
    review::check(here, findings);
    safety::check(here, findings);
    welcome::check(here, findings);
}

fn unique<T>(items: &[Spanned<T>], what: &str, id: impl Fn(&T) -> &str, findings: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for item in items {
        if !seen.insert(id(&item.value)) {
            findings.add(item, "duplicate_id", format!("{what} `{}` is configured twice", id(&item.value)));
        }
    }
}

fn pack(wanted: &Spanned<String>, packs: &Packs, findings: &mut Findings<'_>) -> Option<Arc<RulePack>> {
    let name = wanted.value.as_str();
    let Some(pack) = packs.get(name) else {
        let known: Vec<&str> = packs.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        findings.add(wanted, "unknown_rule_pack", format!("no rule pack `{name}` in rules/; there: {known}"));
        return None;
    };
    // A pack that did not compile is told with its own file.
    pack.clone()
}

/// The tenant of these parts.
pub(crate) fn build(parts: TenantParts, rules: Arc<RulePack>, shadow: Option<Arc<RulePack>>) -> Tenant {
    let limits = Arc::new(parts.limits);
    let limited = |destination: Destination| Destination { limits: Arc::clone(&limits), ..destination };
    Tenant {
        id: parts.id,
        name: parts.name,
        sources: by(parts.sources, |source| source.id.clone()),
        forms: by(parts.forms, |form| form.id.clone()),
        recipients: by(parts.recipients, |recipient| recipient.id.clone()),
        region: parts.region,
        opt_out: parts.opt_out,
        erase_on: parts.erase_on,
        contact: parts.contact,
        routes: parts.routes,
        destinations: by(parts.destinations.into_iter().map(limited), |destination| destination.id.clone()),
        experiments: by(parts.experiments, |experiment| experiment.id.clone()),
        scripts: by(parts.scripts, |script| script.id.clone()),
        links: parts.links,
        review: parts.review,
        safety: parts.safety,
        rules,
        shadow,
    }
}

fn by<K: Ord, T>(items: impl IntoIterator<Item = T>, id: impl Fn(&T) -> K) -> BTreeMap<K, T> {
    items.into_iter().map(|item| (id(&item), item)).collect()
}
