//! The configuration of every tenant, compiled and checked: what the handlers share.
//!
//! The loader (`sluice-settings`) reads it from files; this module only says what it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::consent::{ConsentTerms, MAINLAND, OptOutWords, Recipient, RecipientEntry, Separate};
use crate::contact::ContactPolicy;
use crate::destination::{Destination, Route};
use crate::event::{Event, EventKind, Subject};
use crate::experiment::Experiment;
use crate::id::{DestinationId, ExperimentId, FormId, ScriptId, SourceId, TenantId};
use crate::link::LinkPolicy;
use crate::review::ReviewPolicy;
use crate::rules::RulePack;
use crate::safety::SafetyPolicy;
use crate::script::Script;
use crate::source::{Form, Source};

/// Every tenant.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// By id.
    pub tenants: BTreeMap<TenantId, Arc<Tenant>>,
}

/// One tenant.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// The company's name, as it appears in messages (广告法 art. 43: the sender must be stated).
    pub name: String,
    /// Where its callbacks come from.
    pub sources: BTreeMap<SourceId, Source>,
    /// Its forms and the consent texts they show.
    pub forms: BTreeMap<FormId, Form>,
    /// Who receives personal data, as far as it is configured.
    pub recipients: BTreeMap<Recipient, RecipientEntry>,
    /// Where the gate itself handles the data, as an ISO 3166 code.
    pub region: String,
    /// Words by which a person says in a message that they want no more.
    pub opt_out: OptOutWords,
    /// Lifecycle events after which a person is erased.
    pub erase_on: Vec<EventKind>,
    /// When and how often people are contacted.
    pub contact: ContactPolicy,
    /// Which events lead where, in order.
    pub routes: Vec<Route>,
    /// Its endpoints.
    pub destinations: BTreeMap<DestinationId, Destination>,
    /// Its experiments.
    pub experiments: BTreeMap<ExperimentId, Experiment>,
    /// Its scripts.
    pub scripts: BTreeMap<ScriptId, Script>,
    /// Which links may be sent.
    pub links: LinkPolicy,
    /// How long reviews wait, and whose voices they need.
    pub review: ReviewPolicy,
    /// How texts are checked remotely, if they are.
    pub safety: Option<SafetyPolicy>,
    /// The rules, with their lexicon, compiled.
    pub rules: Arc<RulePack>,
    /// A candidate pack, asked about every event; nothing acts on what it says.
    pub shadow: Option<Arc<RulePack>>,
}

impl Settings {
    /// The tenant and source of a `/callbacks/{source}` path.
    pub fn source(&self, id: &str) -> Option<(&Arc<Tenant>, &Source)> {
        self.tenants.values().find_map(|tenant| {
            let source = tenant.sources.values().find(|source| source.id.as_str() == id)?;
            Some((tenant, source))
        })
    }
}

impl Tenant {
    /// What the consent that a route rests on must hold.
    pub fn terms(&self, route: &Route) -> ConsentTerms {
        let entry = self.recipients.get(&route.recipient);
        let mut terms = entry.map(|entry| entry.terms(&self.region)).unwrap_or_default();
        if entry.is_none() && self.region != MAINLAND {
            terms.separate.insert(Separate::CrossBorder);
        }
        let in_rotation = route.destinations.iter().filter_map(|id| self.destinations.get(id));
        let channels: Vec<_> =
            in_rotation.filter(|it| it.weight > 0).map(|destination| &destination.channel).collect();
        if channels.iter().all(|channel| channel.is_to_person()) {
            terms.channels = channels.iter().map(|channel| channel.as_str()).collect();
        }
        terms
    }

    /// When and how often people are contacted on a route.
    pub fn contact_policy<'a>(&'a self, route: &'a Route) -> &'a ContactPolicy {
        route.contact.as_ref().unwrap_or(&self.contact)
    }

    /// The first route that takes events of this kind.
    pub fn route(&self, kind: EventKind) -> Option<&Route> {
        self.routes.iter().find(|route| route.kinds.contains(&kind))
    }

    /// The route of an event: for a configured form the first one with the purpose and recipient that its consent text names
    /// (PIPL art. 23), else the first that takes the kind.
    pub fn route_of(&self, event: &Event) -> Option<&Route> {
        let form = match &event.subject {
            Subject::Form { form_id, .. } => self.forms.get(form_id),
            _ => None,
        };
        let named = form.and_then(|form| {
            let fits = |route: &&Route| route.purpose == form.purpose && route.recipient == form.recipient;
            self.routes.iter().filter(|route| route.kinds.contains(&event.kind)).find(fits)
        });
        named.or_else(|| self.route(event.kind))
    }
}
