use serde::{Deserialize, Serialize};

use super::Case;
use crate::decision::{LegalBasis, Verdict};
use crate::event::EventKind;
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

/// How the rules of a pack together make a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Every rule is asked; the strictest verdict wins, among equals the earlier rule.
    StrictestWins,
    /// The first rule that holds decides alone.
    FirstMatch,
}

impl Mode {
    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StrictestWins => "strictest_wins",
            Self::FirstMatch => "first_match",
        }
    }
}

/// A rule pack as it is written: `rules/*.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackSource {
    /// Its name.
    pub id: RulePackId,
    /// Changes with every change of it; records name it.
    pub version: String,
    /// The packs below it, by file name in `rules/`, in order: it has their rules, word lists and default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extends: Vec<String>,
    /// How rules make a decision; that of the packs below it unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The word lists it uses, by file name in `lexicons/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lexicons: Vec<String>,
    /// What decides when no rule's condition holds; that of the packs below it unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<DefaultSource>,
    /// Its rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleSource>,
    /// What it changes of rules below it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<OverrideSource>,
    /// Which rules below it don't count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disable: Vec<DisableSource>,
    /// Its own tests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<Case>,
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
    /// Its name, unique in the pack and those below it.
    pub id: RuleId,
    /// Chinese title for compliance staff.
    pub title: String,
    /// Stable English code, `[a-z0-9_]`: `consent_missing`.
    pub code: String,
    /// Rules of a higher priority are asked first, those of the same in the order of writing; 0 unless given.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i32,
    /// Where it applies.
    #[serde(default = "inbound")]
    pub stages: Vec<Stage>,
    /// To which kinds of event; empty = to all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<EventKind>,
    /// When it applies: an expression over the facts of [`super::Fact`] and the categories found in `text`, `form`, `message` or `any`.
    pub when: String,
    /// What it decides.
    pub then: Verdict,
    /// How grave a breach is, for reports; the verdict does not depend on it.
    #[serde(default)]
    pub severity: Severity,
    /// Of a rule that asks for a review: two different people must approve.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub four_eyes: bool,
    /// Of a rule that asks for a review: the tenant's remote check of texts is asked, and its yes answers this rule.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remote_check: bool,
    /// What it rests on; at least one, with its article where the document has articles.
    pub basis: Vec<LegalBasis>,
    /// When something else is decided although the rule holds; the first that holds counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<ExceptionSource>,
}

/// An exception from a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionSource {
    /// Its name, unique in the rule.
    pub id: RuleId,
    /// Chinese title for compliance staff.
    pub title: String,
    /// Stable English code.
    pub code: String,
    /// When it applies.
    pub when: String,
    /// What is decided instead.
    pub then: Verdict,
    /// What it rests on, beside the rule's basis.
    pub basis: Vec<LegalBasis>,
}

/// A change of a rule below: what is given takes the place of what the rule says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideSource {
    /// The rule.
    pub id: RuleId,
    /// Why, for those who read the pack.
    pub reason: String,
    /// Another title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Another code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Another priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Other stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<Vec<Stage>>,
    /// Other kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<EventKind>>,
    /// Another condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Another verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Verdict>,
    /// Another severity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Another basis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Vec<LegalBasis>>,
    /// Other exceptions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exceptions: Option<Vec<ExceptionSource>>,
}

/// A rule below that does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisableSource {
    /// The rule.
    pub id: RuleId,
    /// Why, for those who read the pack.
    pub reason: String,
}

fn inbound() -> Vec<Stage> {
    vec![Stage::Inbound]
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &i32) -> bool {
    *number == 0
}
