use crate::failure::FailureKind;
use crate::id::RuleId;

/// Why a rule pack does not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulePackError {
    /// Every record names the version.
    #[error("pack has no version")]
    NoVersion,
    /// A pack without rules sends nothing; that is hardly meant.
    #[error("pack has no rules")]
    NoRules,
    /// What nobody thought of must not be sent.
    #[error("the default must be `review` or `block`")]
    AllowingDefault,
    /// Two rules of one name.
    #[error("rule `{0}` is given twice")]
    DuplicateRule(RuleId),
    /// `default` names the pack's default in records.
    #[error("rule `{0}`: this name belongs to the pack's default")]
    ReservedRule(RuleId),
    /// Staff read it.
    #[error("rule `{0}` has no title")]
    NoTitle(RuleId),
    /// Metrics and tables use it.
    #[error("rule `{0}`: code must be 1 to 64 of [a-z0-9_]")]
    BadCode(RuleId),
    /// A decision that rests on nothing can not be defended.
    #[error("rule `{0}` cites no document")]
    NoBasis(RuleId),
    /// It would never be tried.
    #[error("rule `{0}` has no stages")]
    NoStages(RuleId),
    /// A list that is empty makes a rule that always or never applies.
    #[error("rule `{rule}`: `{condition}` needs at least one entry")]
    EmptyCondition {
        /// The rule.
        rule: RuleId,
        /// The condition's name.
        condition: &'static str,
    },
    /// No word list has it.
    #[error("rule `{rule}`: no word list has category `{category}`; there: {known}")]
    UnknownCategory {
        /// The rule.
        rule: RuleId,
        /// What it asks for.
        category: String,
        /// What there is.
        known: String,
    },
    /// Conditions within conditions without end.
    #[error("rule `{0}`: conditions are nested more than 16 deep")]
    TooDeep(RuleId),
}

impl RulePackError {
    /// A person must mend the pack.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Configuration
    }
}
