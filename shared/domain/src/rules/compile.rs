use std::collections::BTreeSet;

use super::{Condition, PackSource, RulePackError, RuleSource, Stage};
use crate::decision::{LegalBasis, PackStamp, Verdict};
use crate::id::RuleId;
use crate::lexicon::Lexicon;

/// Deeper conditions are nobody's intention, and recursion over them must end.
const DEEPEST: usize = 16;

/// A compiled rule pack with its lexicon.
#[derive(Debug, Clone)]
pub struct RulePack {
    pub(super) stamp: PackStamp,
    /// The default, as a rule that always holds; tried last and only alone.
    pub(super) default: RuleSource,
    pub(super) rules: Vec<RuleSource>,
    pub(super) lexicon: Lexicon,
}

impl RulePack {
    /// Compiles a pack. `sha256` is the lower-case hex SHA-256 of what identifies it: its file and the word lists it names.
    ///
    /// # Errors
    /// [`RulePackError`]: the first thing that is wrong, naming the rule.
    pub fn compile(source: PackSource, lexicon: Lexicon, sha256: String) -> Result<Self, RulePackError> {
        if source.version.trim().is_empty() {
            return Err(RulePackError::NoVersion);
        }
        if source.rules.is_empty() {
            return Err(RulePackError::NoRules);
        }
        if source.default.then.allows() {
            return Err(RulePackError::AllowingDefault);
        }
        let default = RuleSource {
            id: default_id(),
            title: source.default.title,
            code: source.default.code,
            stages: vec![Stage::Inbound, Stage::Outbound],
            when: Condition::Always,
            then: source.default.then,
            severity: crate::lexicon::Severity::default(),
            basis: source.default.basis,
        };
        check(&default, &lexicon)?;
        let mut ids = BTreeSet::new();
        for rule in &source.rules {
            if rule.id == default.id {
                return Err(RulePackError::ReservedRule(rule.id.clone()));
            }
            if !ids.insert(&rule.id) {
                return Err(RulePackError::DuplicateRule(rule.id.clone()));
            }
            check(rule, &lexicon)?;
        }
        let stamp = PackStamp { id: source.id, version: source.version, sha256 };
        Ok(Self { stamp, default, rules: source.rules, lexicon })
    }

    /// Which pack it is.
    pub fn stamp(&self) -> &PackStamp {
        &self.stamp
    }

    /// The rules in order: id, title, code, verdict and basis are what a listing shows.
    pub fn rules(&self) -> &[RuleSource] {
        &self.rules
    }

    /// The words that its conditions ask for.
    pub fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    /// The document and articles of a rule, `default` included.
    pub fn basis_of(&self, rule: &RuleId) -> Option<&[LegalBasis]> {
        let rules = self.rules.iter().chain(std::iter::once(&self.default));
        rules.into_iter().find(|candidate| candidate.id == *rule).map(|found| found.basis.as_slice())
    }

    /// The strictest verdict there is without any rule: what an event gets that no rule knows.
    pub fn default_verdict(&self) -> Verdict {
        self.default.then
    }
}

fn default_id() -> RuleId {
    #[expect(clippy::expect_used, reason = "the literal is a rule id")]
    RuleId::new("default").expect("a rule id")
}

fn check(rule: &RuleSource, lexicon: &Lexicon) -> Result<(), RulePackError> {
    let id = || rule.id.clone();
    if rule.title.trim().is_empty() {
        return Err(RulePackError::NoTitle(id()));
    }
    let plain = rule.code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !plain || !(1..=64).contains(&rule.code.len()) {
        return Err(RulePackError::BadCode(id()));
    }
    if rule.basis.is_empty() || rule.basis.iter().any(|basis| basis.document.trim().is_empty()) {
        return Err(RulePackError::NoBasis(id()));
    }
    if rule.stages.is_empty() {
        return Err(RulePackError::NoStages(id()));
    }
    check_condition(rule, &rule.when, lexicon, DEEPEST)
}

fn check_condition(
    rule: &RuleSource,
    condition: &Condition,
    lexicon: &Lexicon,
    depth: usize,
) -> Result<(), RulePackError> {
    let Some(deeper) = depth.checked_sub(1) else { return Err(RulePackError::TooDeep(rule.id.clone())) };
    let filled = |condition: &'static str, empty: bool| {
        if empty { Err(RulePackError::EmptyCondition { rule: rule.id.clone(), condition }) } else { Ok(()) }
    };
    match condition {
        Condition::All(inner) | Condition::Any(inner) => {
            filled("all` or `any", inner.is_empty())?;
            inner.iter().try_for_each(|inner| check_condition(rule, inner, lexicon, deeper))
        }
        Condition::Not(inner) => check_condition(rule, inner, lexicon, deeper),
        Condition::Kind(kinds) => filled("kind", kinds.is_empty()),
        Condition::Scheme(schemes) => filled("scheme", schemes.is_empty()),
        Condition::Consent(standings) => filled("consent", standings.is_empty()),
        Condition::Purpose(purposes) => filled("purpose", purposes.is_empty()),
        Condition::Recipient(recipients) => filled("recipient", recipients.is_empty()),
        Condition::Text(text) => {
            if lexicon.categories().any(|category| category == text.category) {
                return Ok(());
            }
            let known = lexicon.categories().collect::<Vec<_>>().join(", ");
            let category = text.category.clone();
            Err(RulePackError::UnknownCategory { rule: rule.id.clone(), category, known })
        }
        Condition::Always
        | Condition::ForeignLink
        | Condition::Outgoing
        | Condition::ByApplication
        | Condition::UnknownForm
        | Condition::Anonymous => Ok(()),
    }
}
