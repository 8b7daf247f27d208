//! What an event asks for, before anything is looked up.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use sluice_domain::consent::{ConsentKey, Evidence};
use sluice_domain::destination::Route;
use sluice_domain::event::{Event, EventKind, Handling, PersonalField, Subject};
use sluice_domain::failure::FailureKind;
use sluice_domain::id::FormId;
use sluice_domain::rules::FormStanding;
use sluice_domain::sealed::SealError;
use sluice_domain::settings::Tenant;
use sluice_domain::source::Form;
use sluice_domain::tenant::{HashPurpose, TenantKeys};
use sluice_steps::StageError;

/// The effect of an event after which the person is to be erased: `sluice consent erase --due` and the night look for it.
pub(crate) const ERASURE_DUE: &str = sluice_domain::consent::ERASURE_DUE;

/// What to do with an event.
pub(crate) enum Plan<'a> {
    /// Consent and rules decide.
    Decide {
        /// Where it would go.
        route: &'a Route,
        /// The form that was filled in, if it is configured.
        form: Option<&'a Form>,
    },
    /// Take every consent of the person back, with this effect.
    Withdraw(&'static str),
    /// Take back what these authorisations gave.
    WithdrawScopes(Vec<&'a Form>),
    /// Authorising these scopes is a consent each.
    Agree(Vec<&'a Form>),
    /// Write the order book only.
    Enter,
    /// A channel tells what became of a person there.
    Channel,
    /// Nothing but the record, with this effect.
    Note(&'static str),
    /// Nothing but the record.
    Leave,
}

/// What to do with an event of this tenant.
pub(crate) fn plan<'a>(event: &Event, tenant: &'a Tenant) -> Plan<'a> {
    match event.kind.handling() {
        Handling::Record => Plan::Leave,
        Handling::Order => Plan::Enter,
        Handling::Channel => Plan::Channel,
        Handling::Consent if is_subscription(event, tenant) => Plan::Channel,
        Handling::Consent => lifecycle(event, tenant),
        Handling::Dispatch if is_own(event) => Plan::Note("own_message"),
        // What people write there is answered there; it is no lead of Douyin's.
        Handling::Dispatch if is_of_channel(event, tenant) => Plan::Note("channel_message"),
        Handling::Dispatch => match tenant.route_of(event) {
            Some(route) => Plan::Decide { route, form: form(event, tenant) },
            None => Plan::Leave,
        },
    }
}

fn is_of_channel(event: &Event, tenant: &Tenant) -> bool {
    tenant.sources.get(&event.key.source).is_some_and(|source| source.scheme.is_of_channel())
}

/// Whether a person lets a channel's account write to them by a template. They are known by another name there than the one they agreed under.
fn is_subscription(event: &Event, tenant: &Tenant) -> bool {
    matches!(event.subject, Subject::Authorization { .. }) && is_of_channel(event, tenant)
}

/// What an authorisation or its end changes.
fn lifecycle<'a>(event: &Event, tenant: &'a Tenant) -> Plan<'a> {
    let scopes = match &event.subject {
        Subject::Authorization { scopes, .. } => scopes.as_slice(),
        _ => &[],
    };
    let forms: Vec<&Form> = scopes.iter().filter_map(|scope| scope_form(scope, tenant)).collect();
    if event.kind != EventKind::Unauthorize {
        // An authorisation of which nobody wrote down what the person was told is no consent.
        return if forms.is_empty() { Plan::Note("authorized") } else { Plan::Agree(forms) };
    }
    // Fail closed: where any scope stands for nothing that is configured, everything is taken back.
    if !scopes.is_empty() && forms.len() == scopes.len() {
        return Plan::WithdrawScopes(forms);
    }
    Plan::Withdraw(if tenant.erase_on.contains(&event.kind) { ERASURE_DUE } else { "consent_withdrawn" })
}

/// What authorising a scope, or subscribing to a template, agrees to.
pub(crate) fn scope_form<'a>(scope: &str, tenant: &'a Tenant) -> Option<&'a Form> {
    tenant.forms.get(&FormId::new(format!("scope:{scope}")).ok()?)
}

/// Does the person write that they want no more? Messages of the account itself say nothing.
pub(crate) fn asks_to_stop(event: &Event, tenant: &Tenant, keys: &TenantKeys) -> Result<bool, StageError> {
    if event.kind != EventKind::DirectMessage || event.person.is_none() || is_own(event) {
        return Ok(false);
    }
    let text = event.open(keys, &PersonalField::Text).map_err(|error| unsealable(event, &error))?;
    Ok(text.is_some_and(|text| tenant.opt_out.are_in(text.expose_secret())))
}

/// A field that does not open. Of the field only its kind is told: a form's label may be anything.
fn unsealable(event: &Event, error: &SealError) -> StageError {
    let (kind, trace_id) = (error.kind(), Some(event.trace_id));
    StageError { kind, code: "unsealable", detail: error.to_string(), trace_id }
}

/// What a person answered to a form's extra questions.
pub(crate) struct Answers<'a> {
    event: &'a Event,
    keys: &'a TenantKeys,
}

impl<'a> Answers<'a> {
    pub(crate) fn of(event: &'a Event, keys: &'a TenantKeys) -> Self {
        Self { event, keys }
    }

    /// The answer in a field; `None` when the form did not come with it.
    pub(crate) fn get(&self, label: &str) -> Result<Option<SecretString>, StageError> {
        let field = PersonalField::Form(label.to_owned());
        self.event.open(self.keys, &field).map_err(|error| unsealable(self.event, &error))
    }

    /// The event as evidence, with the pseudonym of the address that the form names.
    pub(crate) fn evidence(&self, form: &Form) -> Result<Evidence, StageError> {
        let mut evidence = Evidence::of(self.event);
        if let (Some(label), Evidence::Event { address, .. }) = (&form.address_field, &mut evidence) {
            let hash = |value: SecretString| {
                let hash =
                    self.keys.keyed_hash(HashPurpose::LogPseudonym, &["address", value.expose_secret()]);
                hex::encode(hash.split_at(16).0)
            };
            *address = self.get(label)?.map(hash);
        }
        Ok(evidence)
    }
}

/// Sent by the account itself or by an application: passing it on would answer ourselves for ever.
fn is_own(event: &Event) -> bool {
    matches!(
        &event.subject,
        Subject::Conversation { outgoing: true, .. } | Subject::Conversation { by_application: true, .. }
    )
}

fn form<'a>(event: &Event, tenant: &'a Tenant) -> Option<&'a Form> {
    match &event.subject {
        Subject::Form { form_id, .. } => tenant.forms.get(form_id),
        _ => None,
    }
}

/// The form's standing, as the rules ask for it.
pub(crate) fn form_standing(event: &Event, form: Option<&Form>) -> FormStanding {
    match (&event.subject, form) {
        (Subject::Form { .. }, Some(_)) => FormStanding::Known,
        (Subject::Form { .. }, None) => FormStanding::Unknown,
        _ => FormStanding::NoForm,
    }
}

/// The consent that the route needs; `None` when the platform names nobody.
pub(crate) fn consent_key(event: &Event, route: &Route) -> Option<ConsentKey> {
    Some(ConsentKey {
        tenant: event.key.tenant.clone(),
        person: event.person.clone()?,
        purpose: route.purpose.clone(),
        recipient: route.recipient.clone(),
    })
}

/// The texts a person wrote, opened for the scan: free text and form values. Names and numbers of their own are not scanned.
pub(crate) struct Texts(Vec<(String, SecretString)>);

impl Texts {
    /// Opens them.
    pub(crate) fn open(event: &Event, keys: &Arc<TenantKeys>) -> Result<Self, StageError> {
        let mut texts = Vec::new();
        for field in event.personal.keys() {
            if !matches!(field, PersonalField::Text | PersonalField::Form(_)) {
                continue;
            }
            let opened = event.open(keys, field).map_err(|error| unsealable(event, &error))?;
            texts.extend(opened.map(|text| (field.to_string(), text)));
        }
        Ok(Self(texts))
    }

    /// As the rules take them.
    pub(crate) fn exposed(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(field, text)| (field.as_str(), text.expose_secret())).collect()
    }
}

/// The tenant is in no configuration: nothing passes until a person mends that.
pub(crate) fn unknown_tenant(event: &Event) -> StageError {
    StageError {
        kind: FailureKind::Configuration,
        code: "unknown_tenant",
        detail: format!("tenant `{}` is not configured", event.key.tenant),
        trace_id: Some(event.trace_id),
    }
}
