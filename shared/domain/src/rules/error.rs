use std::fmt;

use super::ExpressionError;
use crate::failure::FailureKind;
use crate::id::RuleId;

/// Which part of a pack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The whole.
    Pack,
    /// Its default.
    Default,
    /// A rule.
    Rule(RuleId),
    /// An exception of a rule.
    Exception(RuleId, RuleId),
    /// A change of a rule below.
    Override(RuleId),
    /// A rule below that does not count.
    Disable(RuleId),
    /// A test, by its place in the list, from 0.
    Test(usize, String),
}

impl Place {
    /// What is wrong there.
    pub(super) fn with(self, fault: Fault) -> RulePackError {
        RulePackError { place: self, fault }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pack => out.write_str("pack"),
            Self::Default => out.write_str("default"),
            Self::Rule(rule) => write!(out, "rule `{rule}`"),
            Self::Exception(rule, exception) => write!(out, "exception `{exception}` of rule `{rule}`"),
            Self::Override(rule) => write!(out, "override of `{rule}`"),
            Self::Disable(rule) => write!(out, "disabling of `{rule}`"),
            Self::Test(number, name) => write!(out, "test {} `{name}`", number + 1),
        }
    }
}

/// One thing that is wrong with a rule pack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct RulePackError {
    /// Where.
    pub place: Place,
    /// What.
    pub fault: Fault,
}

impl RulePackError {
    /// A person must mend the pack.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Configuration
    }
}

/// What is wrong, with advice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Every record names the version.
    #[error("no version; write `version:` and count it up with every change")]
    NoVersion,
    /// A pack without rules sends nothing; that is hardly meant.
    #[error("no rules; write `rules:` or `extends:`")]
    NoRules,
    /// Nobody should have to guess.
    #[error("no mode; write `mode: strictest_wins` or `mode: first_match`")]
    NoMode,
    /// What nobody thought of must be decided, too.
    #[error("no default; write `default:` with then, code, title and basis")]
    NoDefault,
    /// What nobody thought of must not be sent.
    #[error("the default allows; it must be `review` or `block`")]
    AllowingDefault,
    /// Two rules of one name.
    #[error("this name is given twice; to change a rule below use `overrides:`")]
    Duplicate,
    /// `default` names the pack's default in records.
    #[error("this name belongs to the pack's default; choose another")]
    Reserved,
    /// Staff read it.
    #[error("no title; write what staff should read, in Chinese")]
    NoTitle,
    /// Metrics and tables use it.
    #[error("the code must be 1 to 64 of [a-z0-9_]")]
    BadCode,
    /// A decision that rests on nothing can not be defended.
    #[error("cites no document; write `basis:` with document and article")]
    NoBasis,
    /// Laws have articles.
    #[error("cites `{0}` without an article; write `article:`")]
    NoArticle(String),
    /// It would never be asked.
    #[error("no stages; write `inbound`, `outbound` or both")]
    NoStages,
    /// It would never be asked.
    #[error("kind `{0}` is recorded and never decided on; take it out of `kinds`")]
    KindNotDecided(&'static str),
    /// Only what waits can be checked meanwhile.
    #[error(
        "asks for a remote check, but does not wait for one; write `then: review`, or take `remote_check` out"
    )]
    CheckWithoutReview,
    /// In first-match the order is the meaning.
    #[error("no priority; with `mode: first_match` every rule states one")]
    NoPriority,
    /// Its condition is none.
    #[error(transparent)]
    Condition(#[from] ExpressionError),
    /// A change without a why.
    #[error("no reason; write `reason:`, it is what an auditor will ask for")]
    NoReason,
    /// There is no such rule below.
    #[error("no pack below has this rule; there: {0}")]
    UnknownRule(String),
    /// It holds for no event.
    #[error(
        "the condition never holds, whatever the facts; compare its quoted values with what the facts can be"
    )]
    NeverHolds,
    /// It holds for every event but does not say so.
    #[error("the condition always holds, whatever the facts; write `when: true` if that is meant")]
    AlwaysHolds,
    /// It has no value for any event.
    #[error("the condition always fails ({0}); compare its values with what the facts can be")]
    AlwaysFails(String),
    /// Another rule decides everything that it would.
    #[error(
        "is never reached: rule `{by}` holds whenever it does and decides; narrow `{by}`, or give this rule a higher priority"
    )]
    Unreachable {
        /// The other rule.
        by: RuleId,
    },
    /// It allows what another rule refuses whenever it holds.
    #[error(
        "never decides: rule `{by}` holds whenever it does and is stricter; narrow `{by}` or take this rule out"
    )]
    Overruled {
        /// The other rule.
        by: RuleId,
    },
    /// A test tests something.
    #[error("expects nothing; write `expect: {{ verdict: …, code: … }}`")]
    NoExpectation,
    /// A test is no event.
    #[error("can not be built: {0}")]
    BadCase(String),
    /// A test does not come out.
    #[error("expected {expected}, got {got}; mend the rule, or the test if the new outcome is meant")]
    Failed {
        /// Verdict and code.
        expected: String,
        /// Verdict, code and rule.
        got: String,
    },
}

impl Fault {
    /// Stable code, for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoVersion | Self::NoRules | Self::NoMode | Self::NoDefault | Self::AllowingDefault => {
                "pack_incomplete"
            }
            Self::Duplicate | Self::Reserved => "rule_name",
            Self::NoTitle | Self::BadCode | Self::NoStages | Self::KindNotDecided(_) | Self::NoPriority => {
                "rule_incomplete"
            }
            Self::CheckWithoutReview => "rule_remote_check",
            Self::NoBasis | Self::NoArticle(_) => "rule_without_basis",
            Self::Condition(_) => "rule_condition",
            Self::NoReason => "rule_change_without_reason",
            Self::UnknownRule(_) => "unknown_rule",
            Self::NeverHolds | Self::AlwaysHolds | Self::AlwaysFails(_) => "rule_constant",
            Self::Unreachable { .. } | Self::Overruled { .. } => "rule_unreachable",
            Self::NoExpectation | Self::BadCase(_) | Self::Failed { .. } => "rule_test",
        }
    }
}
