//! The decision on one event, with enough to explain it and to recompute it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::consent::{ConsentKey, ConsentText, Standing};
use crate::id::{RuleId, RulePackId};
use crate::rules::Inputs;
use crate::safety::Finding;

/// What the gate decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Verdict {
    /// Send.
    Allow,
    /// Send, with personal fields masked.
    AllowMasked,
    /// A person must look first; nothing is sent meanwhile.
    Review,
    /// Do not send.
    Block,
}

impl Verdict {
    /// May a message leave?
    pub fn allows(self) -> bool {
        match self {
            Self::Allow | Self::AllowMasked => true,
            Self::Review | Self::Block => false,
        }
    }

    /// As written in records and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::AllowMasked => "allow_masked",
            Self::Review => "review",
            Self::Block => "block",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// The law or platform rule a reason rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalBasis {
    /// The document: `个人信息保护法`, `抖音社区自律公约`, …
    pub document: String,
    /// The article, as the document numbers it: `第十三条`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub article: String,
}

/// Where in a text the evidence is. Offsets count characters (Unicode scalar values) of the original text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceSpan {
    /// Which text: `text`, `script`, `form.备注`, …
    pub field: String,
    /// The category that matched: `contact_diversion`, `phone_number`, `absolute_word`, `link`, …
    pub category: String,
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
}

/// One reason of a decision. It names no personal value: the span says where to look in the sealed original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable English code: `consent_missing`, `contact_diversion`, …
    pub code: String,
    /// Chinese title for compliance staff.
    pub title: String,
    /// The rule that gave it.
    pub rule: RuleId,
    /// The rule's exception, when one decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<RuleId>,
    /// What it rests on.
    pub basis: Vec<LegalBasis>,
    /// Where the evidence is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceSpan>,
}

/// One rule that was tried, in order: of records that keep no inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleStep {
    /// The rule.
    pub rule: RuleId,
    /// Did its condition hold?
    pub matched: bool,
}

/// Which pack decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackStamp {
    /// The pack.
    pub id: RulePackId,
    /// Its version.
    pub version: String,
    /// Lower-case hex SHA-256 of its source.
    pub sha256: String,
}

/// The consent that was asked for and how it stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentCheck {
    /// What was looked up.
    pub key: ConsentKey,
    /// How it stood when the decision was made.
    pub standing: Standing,
    /// The text it was given under.
    pub text: Option<ConsentText>,
}

/// The decision, with its explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided.
    pub verdict: Verdict,
    /// Why, strictest first. Never empty: an allowing decision names what allowed it.
    pub reasons: Vec<Reason>,
    /// Every rule tried, in order: of older records, which keep no inputs to find it out again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<RuleStep>,
    /// The rules that held, in order, those included that the verdict overruled. The others follow from the pack and the inputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<RuleId>,
    /// By which pack.
    pub pack: PackStamp,
    /// On which consent.
    pub consent: Option<ConsentCheck>,
    /// On what else: with the record's kind, person and time enough to decide again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
    /// What the tenant's candidate pack would have decided, when that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Shadow>,
    /// What the platform's text censor said, when it was asked: the local rules' word is in the reasons, this is the remote one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
}

/// What a candidate pack would have decided; nothing acts on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shadow {
    /// The candidate.
    pub pack: PackStamp,
    /// Its verdict.
    pub verdict: Verdict,
    /// Its main reason.
    pub code: String,
    /// The rule that gave it.
    pub rule: RuleId,
}

impl Decision {
    /// A decision of which no more is known than this.
    pub fn of(verdict: Verdict, reasons: Vec<Reason>, pack: PackStamp) -> Self {
        let (path, matched) = (Vec::new(), Vec::new());
        Self {
            verdict,
            reasons,
            path,
            matched,
            pack,
            consent: None,
            inputs: None,
            shadow: None,
            finding: None,
        }
    }

    /// The code of the first reason: what metrics and tables show.
    pub fn main_code(&self) -> &str {
        self.reasons.first().map_or("unexplained", |reason| reason.code.as_str())
    }
}
