//! `sluice.yaml` as it is written. Every list entry keeps its place, so that a check can point at it.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_saphyr::Spanned;
use sluice_domain::consent::{OptOutWords, RecipientEntry};
use sluice_domain::contact::ContactPolicy;
use sluice_domain::destination::{Destination, Route};
use sluice_domain::event::EventKind;
use sluice_domain::experiment::Experiment;
use sluice_domain::id::TenantId;
use sluice_domain::link::LinkPolicy;
use sluice_domain::review::ReviewPolicy;
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
}
