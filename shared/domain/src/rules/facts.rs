use serde::{Deserialize, Serialize};

use super::Stage;
use crate::decision::ConsentCheck;
use crate::event::EventKind;
use crate::id::{DestinationId, ScriptId};
use crate::link::LinkPolicy;
use crate::source::SchemeName;
use crate::time::UnixMillis;

/// Is the event a form, and is the form configured?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormStanding {
    /// It is no form.
    #[default]
    #[serde(rename = "none")]
    NoForm,
    /// Its consent text is configured.
    Known,
    /// Nobody configured it.
    Unknown,
}

impl FormStanding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::NoForm, Self::Known, Self::Unknown];

    /// As conditions name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoForm => "none",
            Self::Known => "known",
            Self::Unknown => "unknown",
        }
    }
}

/// What a decision is made from, with the texts themselves. Everything is here: evaluation looks nowhere else.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// Where in the flow.
    pub stage: Stage,
    /// When.
    pub at: UnixMillis,
    /// The event's kind; of a rendered text, the kind of the event that led to it, if there is one.
    pub kind: Option<EventKind>,
    /// How its source signs.
    pub scheme: Option<SchemeName>,
    /// The consent that was looked up, and how it stood.
    pub consent: Option<&'a ConsentCheck>,
    /// Texts to scan, by field name: `text`, `form.城市`, `message`, `title`, `fields.thing1`. They may be personal.
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
    /// The company's name, which a message must state (广告法 art. 43); of a rendered text.
    pub sender: Option<&'a str>,
    /// The script that was rendered.
    pub script: Option<&'a ScriptId>,
    /// Where it would go.
    pub destination: Option<&'a DestinationId>,
    /// On which channel, as `Channel::as_str` says it.
    pub channel: Option<&'static str>,
    /// Where the tenant has a remote check of texts: with more characters than this, together, they are long.
    pub censor: Option<u32>,
}

impl<'a> Facts<'a> {
    /// Does one of the texts name the sender?
    pub(super) fn names_sender(&self) -> bool {
        let named = |name: &str| !name.is_empty() && self.texts.iter().any(|(_, text)| text.contains(name));
        self.sender.is_some_and(named)
    }

    /// Have the texts more characters than the tenant's remote check takes as short?
    pub(super) fn long_text(&self) -> bool {
        let characters = || self.texts.iter().map(|(_, text)| text.chars().count()).sum::<usize>();
        self.censor.is_some_and(|most| usize::try_from(most).is_ok_and(|most| characters() > most))
    }

    /// An event of which no more is known than its kind, texts and time; a person is named, no consent was looked up.
    pub fn inbound(
        kind: EventKind,
        texts: &'a [(&'a str, &'a str)],
        links: &'a LinkPolicy,
        at: UnixMillis,
    ) -> Self {
        Self {
            stage: Stage::Inbound,
            at,
            kind: Some(kind),
            scheme: None,
            consent: None,
            texts,
            links,
            form: FormStanding::NoForm,
            outgoing: false,
            by_application: false,
            has_person: true,
            sender: None,
            script: None,
            destination: None,
            channel: None,
            censor: None,
        }
    }

    /// A rendered text that is about to leave; its fields are called `message`, `title` and `fields.…`.
    pub fn outbound(texts: &'a [(&'a str, &'a str)], links: &'a LinkPolicy, at: UnixMillis) -> Self {
        Self {
            stage: Stage::Outbound,
            at,
            kind: None,
            scheme: None,
            consent: None,
            texts,
            links,
            form: FormStanding::NoForm,
            outgoing: true,
            by_application: true,
            has_person: true,
            sender: None,
            script: None,
            destination: None,
            channel: None,
            censor: None,
        }
    }
}
