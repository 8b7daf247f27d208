//! `sluice.yaml` as it is written. Every list entry keeps its place, so that a check can point at it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;
use sluice_domain::consent::{MAINLAND, OptOutWords, RecipientEntry};
use sluice_domain::contact::ContactPolicy;
use sluice_domain::destination::{Destination, Route};
use sluice_domain::event::EventKind;
use sluice_domain::experiment::Experiment;
use sluice_domain::id::TenantId;
use sluice_domain::limit::LimitOverrides;
use sluice_domain::link::LinkPolicy;
use sluice_domain::review::ReviewPolicy;
use sluice_domain::safety::SafetyPolicy;
use sluice_domain::script::Script;
use sluice_domain::source::{Form, Source};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsFile {
    /// The companies.
    pub(crate) tenants: Vec<Spanned<TenantFile>>,
}

impl SettingsFile {
    /// The packs that the companies name.
    pub(crate) fn packs(&self) -> BTreeSet<String> {
        let named = self.tenants.iter().map(|tenant| &tenant.value);
        named
            .flat_map(|tenant| std::iter::once(&tenant.rules).chain(&tenant.shadow))
            .map(|pack| pack.value.clone())
            .collect()
    }
}

/// One company.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantFile {
    pub(crate) id: TenantId,
    pub(crate) name: String,
    /// The pack's file name in `rules/`.
    pub(crate) rules: Spanned<String>,
    /// Another pack, asked about every event without acting.
    #[serde(default)]
    pub(crate) shadow: Option<Spanned<String>>,
    pub(crate) sources: Vec<Spanned<Source>>,
    #[serde(default)]
    pub(crate) forms: Vec<Spanned<Form>>,
    #[serde(default)]
    pub(crate) recipients: Vec<Spanned<RecipientEntry>>,
    /// Where the gate runs.
    #[serde(default)]
    pub(crate) region: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) opt_out: OptOutWords,
    #[serde(default)]
    pub(crate) erase_on: Vec<Spanned<EventKind>>,
    #[serde(default)]
    pub(crate) contact: Option<Spanned<ContactPolicy>>,
    #[serde(default)]
    pub(crate) routes: Vec<Spanned<Route>>,
    #[serde(default)]
    pub(crate) destinations: Vec<Spanned<Destination>>,
    #[serde(default)]
    pub(crate) experiments: Vec<Spanned<Experiment>>,
    #[serde(default)]
    pub(crate) scripts: Vec<Spanned<Script>>,
    #[serde(default)]
    pub(crate) links: Option<Spanned<LinkPolicy>>,
    #[serde(default)]
    pub(crate) review: Option<Spanned<ReviewPolicy>>,
    #[serde(default)]
    pub(crate) safety: Option<Spanned<SafetyPolicy>>,
    #[serde(default)]
    pub(crate) limits: Option<Spanned<LimitOverrides>>,
}

/// One company without places: what is left once nothing needs to be pointed at any more. The only thing a [`Tenant`] is built from,
/// so that a configuration is the same whichever way it came.
///
/// [`Tenant`]: sluice_domain::settings::Tenant
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantParts {
    pub(crate) id: TenantId,
    pub(crate) name: String,
    /// The pack's file name in `rules/`.
    pub(crate) rules: String,
    /// Another one's, asked without acting.
    pub(crate) shadow: Option<String>,
    pub(crate) sources: Vec<Source>,
    pub(crate) forms: Vec<Form>,
    pub(crate) recipients: Vec<RecipientEntry>,
    pub(crate) region: String,
    pub(crate) opt_out: OptOutWords,
    pub(crate) erase_on: Vec<EventKind>,
    pub(crate) contact: ContactPolicy,
    pub(crate) routes: Vec<Route>,
    pub(crate) destinations: Vec<Destination>,
    pub(crate) experiments: Vec<Experiment>,
    pub(crate) scripts: Vec<Script>,
    pub(crate) links: LinkPolicy,
    pub(crate) review: ReviewPolicy,
    pub(crate) safety: Option<SafetyPolicy>,
    #[serde(default)]
    pub(crate) limits: LimitOverrides,
}

impl From<TenantFile> for TenantParts {
    fn from(file: TenantFile) -> Self {
        // Every field is named: a new one is taken along, or does not compile.
        let TenantFile {
            id,
            name,
            rules,
            shadow,
            sources,
            forms,
            recipients,
            region,
            opt_out,
            erase_on,
            contact,
            routes,
            destinations,
            experiments,
            scripts,
            links,
            review,
            safety,
            limits,
        } = file;
        Self {
            id,
            name,
            rules: rules.value,
            shadow: shadow.map(|shadow| shadow.value),
            sources: values(sources),
            forms: values(forms),
            recipients: values(recipients),
            region: region.map_or_else(|| MAINLAND.to_owned(), |region| region.value),
            opt_out,
            erase_on: erase_on.into_iter().map(|kind| kind.value).collect(),
            contact: contact.map(|contact| contact.value).unwrap_or_default(),
            routes: values(routes),
            destinations: values(destinations),
            experiments: values(experiments),
            scripts: values(scripts),
            links: links.map(|links| links.value).unwrap_or_default(),
            review: review.map(|review| review.value).unwrap_or_default(),
            safety: safety.map(|safety| safety.value),
            limits: limits.map(|limits| limits.value).unwrap_or_default(),
        }
    }
}

fn values<T>(placed: Vec<Spanned<T>>) -> Vec<T> {
    placed.into_iter().map(|item| item.value).collect()
}
