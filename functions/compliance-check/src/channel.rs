//! What the channels' own callbacks change: who a contact is, and what they take back there.

use sluice_domain::audit::Disposition;
use sluice_domain::consent::ConsentKey;
use sluice_domain::contact::{Acquaintance, message_contact};
use sluice_domain::event::{Event, EventKind, SUBSCRIPTION_FAILED, Subject};
use sluice_domain::id::{PersonId, TraceId};
use sluice_domain::link::event_of_customer_channel;
use sluice_domain::settings::Tenant;
use sluice_domain::source::{SchemeName, Source};
use sluice_domain::tenant::TenantKeys;
use sluice_ports::{
    Acquaintances, AuditLog, Clock, ConsentStore, Intake, KeyRing, OrderBook, Outbox, PortError, Reviews,
};
use sluice_settings::CurrentSettings;
use sluice_telemetry::Signal;

use crate::effect;
use crate::handler::ComplianceCheck;
use crate::plan::scope_form;

impl<S, K, C, P> ComplianceCheck<S, K, C, P>
where
    S: Intake + ConsentStore + OrderBook + AuditLog + Outbox + Reviews + Acquaintances,
    K: KeyRing,
    C: Clock,
    P: CurrentSettings,
{
    /// Takes up what a channel tells.
    pub(crate) async fn channel(
        &self,
        event: &Event,
        tenant: &Tenant,
        keys: &TenantKeys,
    ) -> Result<Disposition, PortError> {
        let recorded = |effect: &str, about| Disposition::Recorded { effect: effect.to_owned(), about };
        let told = match &event.subject {
            Subject::Contact { state, .. } if event.kind == EventKind::ContactAdded => {
                recorded("contact_added", self.came_by(event, state.as_deref(), keys).await?)
            }
            Subject::Contact { by_person, .. } => {
                let withdrawn = *by_person && self.withdraw_acquainted(event, tenant).await?;
                recorded(if withdrawn { "consent_withdrawn" } else { "contact_lost" }, None)
            }
            Subject::Activity { what, state, messages } => {
                let about = match self.came_by(event, state.as_deref(), keys).await? {
                    Some(about) => Some(about),
                    None => self.message_of(event, tenant, messages, keys).await?,
                };
                if what == SUBSCRIPTION_FAILED {
                    let (trace_id, name) = (event.trace_id, &event.name);
                    tracing::warn!(step = "compliance-check", %trace_id, code = what, "a message that was taken did not arrive: {name}");
                }
                recorded(what, about)
            }
            Subject::Authorization { scopes, .. } => {
                recorded(self.subscribed(event, tenant, scopes).await?, None)
            }
            Subject::Notice { what } => {
                let (source, trace_id) = (&event.key.source, event.trace_id);
                tracing::warn!(step = "compliance-check", %trace_id, %source, code = what, "the channel warns: {what}");
                self.metrics.count(Signal::ChannelNotice);
                recorded(what, None)
            }
            // A kind by the source's overrides, without the facts of one.
            _ => recorded(event.kind.as_str(), None),
        };
        self.metrics.count(Signal::ChannelEvent { event: event.kind.as_str() });
        if matches!(&told, Disposition::Recorded { about: Some(_), .. }) {
            self.metrics.count(Signal::ContactAttributed);
        }
        Ok(told)
    }

    /// The event whose message a contact came by. From then on the two are known to be one.
    async fn came_by(
        &self,
        event: &Event,
        state: Option<&str>,
        keys: &TenantKeys,
    ) -> Result<Option<TraceId>, PortError> {
        let Some(trace) = state.and_then(|state| event_of_customer_channel(keys, state)) else {
            return Ok(None);
        };
        let Some(record) = self.store.audit_of_trace(&event.key.tenant, trace).await? else {
            return Ok(None);
        };
        if let (Some(contact), Some(person)) = (&event.person, record.person) {
            let acquaintance = Acquaintance {
                tenant: event.key.tenant.clone(),
                contact: contact.clone(),
                person,
                event: record.key,
                trace_id: trace,
                since: effect::happened_at(event),
            };
            self.store.acquaint(acquaintance).await?;
        }
        Ok(Some(trace))
    }

    /// The event whose message was read or given up: the last one of which that is known.
    async fn message_of(
        &self,
        event: &Event,
        tenant: &Tenant,
        messages: &[String],
        keys: &TenantKeys,
    ) -> Result<Option<TraceId>, PortError> {
        let scheme = tenant.sources.get(&event.key.source).map(|source| source.scheme);
        let channel = if scheme == Some(SchemeName::WechatPush) { "wechat" } else { "feishu" };
        for id in messages.iter().rev() {
            let contact = message_contact(keys, channel, id);
            let known = self.store.known_as(&event.key.tenant, &contact).await?;
            if let Some(known) = known.first() {
                return Ok(Some(known.trace_id));
            }
        }
        Ok(None)
    }

    /// Gives or takes back what a template stands for, as a form of the id `scope:` and the template's: for everybody whom the contact is
    /// known as. A template without such a form, or a stranger, changes nothing here; WeChat itself keeps to what they said.
    async fn subscribed(
        &self,
        event: &Event,
        tenant: &Tenant,
        templates: &[String],
    ) -> Result<&'static str, PortError> {
        let agrees = event.kind == EventKind::Authorize;
        let mut changed = false;
        if let Some(contact) = &event.person {
            for acquaintance in self.store.known_as(&tenant.id, contact).await? {
                let theirs = Event { person: Some(acquaintance.person), ..event.clone() };
                for form in templates.iter().filter_map(|template| scope_form(template, tenant)) {
                    changed |= match effect::authorisation(&theirs, form).filter(|_| agrees) {
                        Some(grant) => self.grant(&theirs, grant).await?,
                        None if agrees => false,
                        None => self.withdraw(&theirs, Some(form)).await?,
                    };
                }
            }
        }
        Ok(match (agrees, changed) {
            (true, true) => "consent_granted",
            (true, false) => "authorized",
            (false, true) => "consent_withdrawn",
            (false, false) => "unauthorized",
        })
    }

    /// Takes back what those gave whom a contact is known as, towards the recipient whose channel it is; says whether there was anybody.
    ///
    /// Leaving an account is as clear a word as writing that one wants no more (PIPL art. 15: as easy as agreeing).
    pub(crate) async fn withdraw_acquainted(
        &self,
        event: &Event,
        tenant: &Tenant,
    ) -> Result<bool, PortError> {
        let source = tenant.sources.get(&event.key.source).filter(|source| source.scheme.is_of_channel());
        let (Some(contact), Some(source)) = (&event.person, source) else { return Ok(false) };
        let known = self.store.known_as(&tenant.id, contact).await?;
        for acquaintance in &known {
            self.withdraw_at(event, source, &acquaintance.person).await?;
        }
        Ok(!known.is_empty())
    }

    async fn withdraw_at(&self, event: &Event, source: &Source, person: &PersonId) -> Result<(), PortError> {
        let tenant = &event.key.tenant;
        let withdrawal = effect::withdrawal(event);
        let Some(recipient) = &source.recipient else {
            let withdrawn = self.store.withdraw(tenant, person, None, withdrawal).await;
            return withdrawn.inspect_err(|_| self.consents_failed()).map(|_| ());
        };
        let consents =
            self.store.consents_of(tenant, person).await.inspect_err(|_| self.consents_failed())?;
        let theirs = |key: &ConsentKey| key.recipient == *recipient;
        for key in consents.into_iter().map(|consent| consent.key).filter(theirs) {
            let withdrawn = self.store.withdraw(tenant, person, Some(&key), withdrawal.clone()).await;
            withdrawn.inspect_err(|_| self.consents_failed())?;
        }
        Ok(())
    }
}
