//! What an event asks for, before anything is looked up.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use sluice_domain::consent::ConsentKey;
use sluice_domain::destination::Route;
use sluice_domain::event::{Event, Handling, PersonalField, Subject};
use sluice_domain::failure::FailureKind;
use sluice_domain::rules::FormStanding;
use sluice_domain::settings::Tenant;
use sluice_domain::source::Form;
use sluice_domain::tenant::TenantKeys;
use sluice_steps::StageError;

/// What to do with an event.
pub(crate) enum Plan<'a> {
    /// Consent and rules decide.
    Decide {
        /// Where it would go.
        route: &'a Route,
        /// The form that was filled in, if it is configured.
        form: Option<&'a Form>,
    },
    /// Take every consent of the person back.
    Withdraw,
    /// Write the order book only.
    Enter,
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
        Handling::Consent => match event.kind {
            sluice_domain::event::EventKind::Unauthorize => Plan::Withdraw,
            _ => Plan::Note("authorized"),
        },
        Handling::Dispatch if is_own(event) => Plan::Note("own_message"),
        Handling::Dispatch => match tenant.route_of(event) {
            Some(route) => Plan::Decide { route, form: form(event, tenant) },
            None => Plan::Leave,
        },
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
            let opened = event.open(keys, field).map_err(|error| StageError {
                kind: error.kind(),
                code: "unsealable",
                // Of the field only its kind: a form's label may be anything.
                detail: error.to_string(),
                trace_id: Some(event.trace_id),
            })?;
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
