use serde::{Deserialize, Serialize};

use super::{Facts, FormStanding, Stage};
use crate::audit::{AuditRecord, Disposition};
use crate::decision::ConsentCheck;
use crate::event::EventKind;
use crate::id::{DestinationId, ScriptId};
use crate::lexicon::{Lexicon, Severity};
use crate::link::find_links;
use crate::source::SchemeName;
use crate::time::UnixMillis;

/// The category of links that the tenant's policy refuses; a detector's, not a list's.
pub const FOREIGN_LINK: &str = "foreign_link";

/// The most places that are kept of one category in one field. A text may hold thousands; a record has a limit, and a rule is not
/// more right for the hundredth.
const MOST_PLACES: usize = 16;

/// The most fields that are looked into for places; a form has a dozen.
const MOST_FIELDS: usize = 64;

/// The longest field name that is kept, in characters: labels of forms are the platform's.
const LONGEST_FIELD: usize = 64;

/// Something that was found in a text: where and what, never the characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Place", from = "Place")]
pub struct Found {
    /// Which text.
    pub field: String,
    /// The category of the word list or detector.
    pub category: String,
    /// How grave.
    pub severity: Severity,
    /// First character of the original text.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
}

/// As it is stored: `["text","contact_diversion","high",3,9]`.
type Place = (String, String, Severity, usize, usize);

impl From<Found> for Place {
    fn from(found: Found) -> Self {
        (found.field, found.category, found.severity, found.start, found.end)
    }
}

impl From<Place> for Found {
    fn from((field, category, severity, start, end): Place) -> Self {
        Self { field, category, severity, start, end }
    }
}

/// What an audit record keeps beside what it says anyway (kind, person, consent, time), so that its decision can be made again, by the
/// same pack or by another. No personal text is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact that rules ask for by its own name")]
pub struct Inputs {
    /// How the source signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<SchemeName>,
    /// The form.
    #[serde(default, skip_serializing_if = "is_no_form")]
    pub form: FormStanding,
    /// Sent by the account itself.
    #[serde(default, skip_serializing_if = "is_false")]
    pub outgoing: bool,
    /// Sent by an application.
    #[serde(default, skip_serializing_if = "is_false")]
    pub by_application: bool,
    /// The tenant has a remote check of texts.
    #[serde(default, skip_serializing_if = "is_false")]
    pub censor: bool,
    /// The texts were long for it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub long_text: bool,
    /// What was found in the texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Found>,
    /// By which word lists: the first 16 hex digits of their SHA-256. Other lists may find other words in the same text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_no_form(form: &FormStanding) -> bool {
    *form == FormStanding::NoForm
}

/// The facts of one decision with what was found in the texts in place of the texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Where in the flow.
    pub stage: Stage,
    /// When.
    pub at: UnixMillis,
    /// The event's kind.
    pub kind: Option<EventKind>,
    /// The platform named a person.
    pub has_person: bool,
    /// The consent that was looked up.
    pub consent: Option<ConsentCheck>,
    /// The script.
    pub script: Option<ScriptId>,
    /// Where it would go.
    pub destination: Option<DestinationId>,
    /// On which channel.
    pub channel: Option<&'static str>,
    /// A text that is about to leave names its sender.
    pub names_sender: bool,
    /// What is stored.
    pub inputs: Inputs,
}

impl Observed {
    /// Scans the texts.
    pub(super) fn of(facts: &Facts<'_>, lexicon: &Lexicon, words: &str) -> Self {
        Self {
            stage: facts.stage,
            at: facts.at,
            kind: facts.kind,
            has_person: facts.has_person,
            consent: facts.consent.cloned(),
            script: facts.script.cloned(),
            destination: facts.destination.cloned(),
            channel: facts.channel,
            names_sender: facts.names_sender(),
            inputs: Inputs {
                scheme: facts.scheme,
                form: facts.form,
                outgoing: facts.outgoing,
                by_application: facts.by_application,
                censor: facts.censor.is_some(),
                long_text: facts.long_text(),
                found: found(facts, lexicon),
                words: words.to_owned(),
            },
        }
    }

    /// What a record was decided on; `None` when nothing decided on it, or it keeps no inputs.
    pub fn of_record(record: &AuditRecord) -> Option<Self> {
        let Disposition::Decided { decision } = &record.disposition else { return None };
        Some(Self {
            stage: Stage::Inbound,
            at: record.decided_at,
            kind: Some(record.kind),
            has_person: record.person.is_some(),
            consent: decision.consent.clone(),
            script: None,
            destination: None,
            channel: None,
            names_sender: false,
            inputs: decision.inputs.clone()?,
        })
    }
}

/// Everything listed, detected or refused in the texts, in order of fields and places.
fn found(facts: &Facts<'_>, lexicon: &Lexicon) -> Vec<Found> {
    let mut all = Vec::new();
    for (field, text) in facts.texts.iter().take(MOST_FIELDS) {
        let first = all.len();
        let field = || field.chars().take(LONGEST_FIELD).collect::<String>();
        let mut hits = lexicon.scan(text).hits;
        for link in find_links(text) {
            if facts.links.check(link.text).is_err() {
                let (category, severity) = (FOREIGN_LINK.to_owned(), Severity::High);
                all.push(Found { field: field(), category, severity, start: link.start, end: link.end });
            } else {
                // `work.weixin.qq.com` and a signature's letters are no words of a text.
                hits.retain(|hit| !(link.start..link.end).contains(&hit.start));
            }
        }
        all.extend(hits.into_iter().map(|hit| Found {
            field: field(),
            category: hit.category,
            severity: hit.severity,
            start: hit.start,
            end: hit.end,
        }));
        keep_most_grave(&mut all, first);
    }
    all
}

/// Of each category, the gravest places of a field stay, the earlier before the later.
fn keep_most_grave(all: &mut Vec<Found>, first: usize) {
    if all.len().saturating_sub(first) <= MOST_PLACES {
        return;
    }
    let mut here = all.split_off(first);
    here.sort_by(|a, b| {
        (&a.category, std::cmp::Reverse(a.severity), a.start).cmp(&(
            &b.category,
            std::cmp::Reverse(b.severity),
            b.start,
        ))
    });
    let (mut category, mut kept) = (String::new(), 0);
    here.retain(|found| {
        if found.category != category {
            (category, kept) = (found.category.clone(), 0);
        }
        kept += 1;
        kept <= MOST_PLACES
    });
    here.sort_by(|a, b| (a.start, a.end, &a.category).cmp(&(b.start, b.end, &b.category)));
    all.append(&mut here);
}
