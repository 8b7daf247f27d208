use serde::{Deserialize, Serialize};

use crate::consent::{Purpose, Recipient, Standing};
use crate::event::EventKind;
use crate::lexicon::Severity;
use crate::source::SchemeName;

/// When a rule applies. In YAML a condition is a word (`always`) or a map of one entry (`kind: [follow]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Every time.
    Always,
    /// All of them hold; at least one must be given.
    All(Vec<Condition>),
    /// One of them holds; at least one must be given.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// The event is of one of these kinds.
    Kind(Vec<EventKind>),
    /// The source signs by one of these schemes.
    Scheme(Vec<SchemeName>),
    /// The consent asked for stands so. No look-up at all counts as `missing`.
    Consent(Vec<Standing>),
    /// The route's purpose is one of these.
    Purpose(Vec<Purpose>),
    /// The route's recipient is one of these.
    Recipient(Vec<Recipient>),
    /// A text has a word of a category.
    Text(TextCondition),
    /// A text has a link that the tenant's allow-list does not take.
    ForeignLink,
    /// The message was sent by the account itself.
    Outgoing,
    /// The message was sent through the API by an application.
    ByApplication,
    /// The form that was filled in is not configured, so nobody knows what its text said.
    UnknownForm,
    /// The platform names nobody.
    Anonymous,
}

/// Which hits count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextCondition {
    /// The category: of a word list, or `phone_number`.
    pub category: String,
    /// Hits below it don't count; `medium` unless given.
    #[serde(default)]
    pub min_severity: Severity,
    /// The fields to look at, `form` standing for every `form.…`; empty = all.
    #[serde(default)]
    pub fields: Vec<String>,
}
