use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Facts, FormStanding, Stage};
use crate::consent::{ConsentKey, Purpose, Recipient, Standing};
use crate::decision::{ConsentCheck, Verdict};
use crate::destination::Channel;
use crate::event::EventKind;
use crate::id::{DestinationId, PersonId, RuleId, ScriptId, TenantId};
use crate::link::LinkPolicy;
use crate::source::SchemeName;
use crate::time::UnixMillis;

/// Facts as people write them: a pack's own test, or what `sluice rules explain --facts` is asked about.
///
/// With `message` (or `title`) it is a rendered text that is about to leave; without, an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows.
    #[serde(default)]
    pub name: String,
    /// The event's kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<EventKind>,
    /// How its source signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<SchemeName>,
    /// Is it a form, and is that configured? `known` for a `form_submit` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<FormStanding>,
    /// Sent by the account itself.
    #[serde(default)]
    pub outgoing: bool,
    /// Sent by an application.
    #[serde(default)]
    pub by_application: bool,
    /// The platform named nobody.
    #[serde(default)]
    pub anonymous: bool,
    /// How the consent that was looked up stands; absent = none was looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Standing>,
    /// For which purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// To which recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// What the person wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What the person filled in, by label.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// A rendered text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The company's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// Where it would go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// On which channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The tenant has a remote check of texts, and more characters than this are long for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub censor: Option<u32>,
    /// The domains that links may name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// When, as RFC 3339; a Monday at 10:00 in China unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What must come out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expectation>,
}

/// What must come out of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The verdict.
    pub verdict: Verdict,
    /// The main reason's code.
    pub code: String,
    /// The main reason's rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
}

/// 2026-11-23 10:00 in China, a Monday.
const MONDAY_TEN: UnixMillis = UnixMillis(1_795_399_200_000);

/// A case made ready: it owns what [`Facts`] borrow.
#[derive(Debug, Clone)]
pub struct BuiltCase {
    case: Case,
    at: UnixMillis,
    consent: Option<ConsentCheck>,
    fields: Vec<(String, String)>,
    links: LinkPolicy,
    script: Option<ScriptId>,
    destination: Option<DestinationId>,
    channel: Option<&'static str>,
}

impl Case {
    /// Makes it ready.
    ///
    /// # Errors
    /// What is no time, name or channel.
    pub fn build(&self) -> Result<BuiltCase, String> {
        let stage = self.stage();
        if stage == Stage::Inbound && self.kind.is_none() {
            return Err("neither `kind` (an event) nor `message` (a text that leaves) is given".into());
        }
        if stage == Stage::Outbound && (self.text.is_some() || !self.fields.is_empty()) {
            return Err("`message` and `title` are of texts that leave, `text` and `fields` of events".into());
        }
        let at = match &self.at {
            None => MONDAY_TEN,
            Some(text) => {
                let moment = text.parse::<jiff::Timestamp>();
                UnixMillis(moment.map_err(|_| "`at` must be as 2026-11-23T10:00:00+08:00")?.as_millisecond())
            }
        };
        let channel = match &self.channel {
            None => None,
            Some(name) => Some(
                Channel::NAMES
                    .into_iter()
                    .find(|known| known == name)
                    .ok_or_else(|| format!("`channel` must be one of {}", Channel::NAMES.join(", ")))?,
            ),
        };
        let links = LinkPolicy {
            allowed_domains: self.domains.iter().map(|domain| domain.as_str().into()).collect(),
            ..LinkPolicy::default()
        };
        let mut fields = Vec::new();
        let mut add = |name: String, text: Option<&String>| {
            fields.extend(text.map(|text| (name, text.clone())));
        };
        add("text".into(), self.text.as_ref());
        add("title".into(), self.title.as_ref());
        add("message".into(), self.message.as_ref());
        for (label, text) in &self.fields {
            fields.push((format!("form.{label}"), text.clone()));
        }
        Ok(BuiltCase {
            at,
            consent: self.check()?,
            fields,
            links,
            script: named(self.script.as_deref(), "script", ScriptId::new)?,
            destination: named(self.destination.as_deref(), "destination", DestinationId::new)?,
            channel,
            case: self.clone(),
        })
    }

    fn stage(&self) -> Stage {
        if self.message.is_some() || self.title.is_some() { Stage::Outbound } else { Stage::Inbound }
    }

    fn check(&self) -> Result<Option<ConsentCheck>, String> {
        let Some(standing) = self.consent else { return Ok(None) };
        let bad = |what: &str| format!("`{what}` must be the name of one");
        let (purpose, recipient) =
            (self.purpose.as_deref().unwrap_or("any"), self.recipient.as_deref().unwrap_or("any"));
        Ok(Some(ConsentCheck {
            key: ConsentKey {
                tenant: TenantId::new("case").map_err(|error| error.to_string())?,
                person: PersonId::new("p-case").map_err(|error| error.to_string())?,
                purpose: Purpose::new(purpose).map_err(|_| bad("purpose"))?,
                recipient: Recipient::new(recipient).map_err(|_| bad("recipient"))?,
            },
            standing,
            text: None,
        }))
    }
}

fn named<T, E>(
    text: Option<&str>,
    what: &str,
    new: impl Fn(String) -> Result<T, E>,
) -> Result<Option<T>, String> {
    text.map(|text| new(text.to_owned()).map_err(|_| format!("`{what}` must be the id of one"))).transpose()
}

impl BuiltCase {
    /// Asks something about its facts.
    pub fn with<T>(&self, ask: impl FnOnce(&Facts<'_>) -> T) -> T {
        let texts: Vec<(&str, &str)> =
            self.fields.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let case = &self.case;
        let form = match (case.form, case.kind) {
            (Some(form), _) => form,
            (None, Some(EventKind::FormSubmit)) => FormStanding::Known,
            (None, _) => FormStanding::NoForm,
        };
        ask(&Facts {
            stage: case.stage(),
            at: self.at,
            kind: case.kind,
            scheme: case.scheme,
            consent: self.consent.as_ref(),
            texts: &texts,
            links: &self.links,
            form,
            outgoing: case.outgoing,
            by_application: case.by_application,
            has_person: !case.anonymous,
            sender: case.sender.as_deref(),
            script: self.script.as_ref(),
            destination: self.destination.as_ref(),
            channel: self.channel,
            censor: case.censor,
        })
    }
}
