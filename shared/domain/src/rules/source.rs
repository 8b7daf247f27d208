use serde::{Deserialize, Serialize};

use super::Condition;
use crate::decision::{LegalBasis, Verdict};
use crate::id::{RuleId, RulePackId};
use crate::lexicon::Severity;

/// Where in the flow a rule applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// An event, before anything is made of it.
    Inbound,
    /// A rendered text, before it leaves.
    Outbound,
}

/// A rule pack as it is written: `rules/*.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackSource {
    /// Its name.
    pub id: RulePackId,
    /// Changes with every change of it; records name it.
    pub version: String,
    /// The word lists it uses, by file name in `lexicons/`.
    #[serde(default)]
    pub lexicons: Vec<String>,
    /// What decides when no rule's condition holds.
    pub default: DefaultSource,
    /// The rules, in order.
    pub rules: Vec<RuleSource>,
}

/// The decision when no rule's condition holds; recorded as rule `default`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultSource {
    /// `review` or `block`.
    pub then: Verdict,
    /// Stable English code.
    pub code: String,
    /// Chinese title.
    pub title: String,
    /// What it rests on.
    pub basis: Vec<LegalBasis>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSource {
    /// Its name, unique in the pack.
    pub id: RuleId,
    /// Chinese title for compliance staff.
    pub title: String,
    /// Stable English code, `[a-z0-9_]`: `consent_missing`.
    pub code: String,
    /// Where it applies.
    #[serde(default = "inbound")]
    pub stages: Vec<Stage>,
    /// When it applies.
    pub when: Condition,
    /// What it decides.
    pub then: Verdict,
    /// How grave a breach is, for reports; the verdict does not depend on it.
    #[serde(default)]
    pub severity: Severity,
    /// What it rests on; at least one.
    pub basis: Vec<LegalBasis>,
}

fn inbound() -> Vec<Stage> {
    vec![Stage::Inbound]
}
