use super::Stage;
use crate::decision::ConsentCheck;
use crate::event::EventKind;
use crate::link::LinkPolicy;
use crate::source::SchemeName;

/// Is the event a form, and is the form configured?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FormStanding {
    /// It is no form.
    #[default]
    NoForm,
    /// Its consent text is configured.
    Known,
    /// Nobody configured it.
    Unknown,
}

/// What a decision is made from. Everything is here: evaluation looks nowhere else.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// Where in the flow.
    pub stage: Stage,
    /// The event's kind; absent for a rendered text.
    pub kind: Option<EventKind>,
    /// How its source signs.
    pub scheme: Option<SchemeName>,
    /// The consent that was looked up, and how it stood.
    pub consent: Option<&'a ConsentCheck>,
    /// Texts to scan, by field name: `text`, `form.城市`, `message`. They may be personal.
    pub texts: &'a [(&'a str, &'a str)],
    /// Which links are the tenant's own.
    pub links: &'a LinkPolicy,
    /// The form.
    pub form: FormStanding,
    /// Sent by the account itself.
    pub outgoing: bool,
    /// Sent through the API by an application.
    pub by_application: bool,
    /// The platform named a person.
    pub has_person: bool,
}

impl<'a> Facts<'a> {
    /// A rendered text that is about to leave; its field is called `message`.
    pub fn outbound(texts: &'a [(&'a str, &'a str)], links: &'a LinkPolicy) -> Self {
        Self {
            stage: Stage::Outbound,
            kind: None,
            scheme: None,
            consent: None,
            texts,
            links,
            form: FormStanding::NoForm,
            outgoing: true,
            by_application: true,
            has_person: true,
        }
    }
}
