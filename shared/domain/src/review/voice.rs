use std::fmt;

use serde::{Deserialize, Serialize};

use super::state::StateName;
use crate::safety::Finding;
use crate::time::UnixMillis;

/// What is wrong with a reviewer's name or words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be 1 to {limit} characters on one line, got {got}")]
pub struct InvalidReviewer {
    /// Which.
    pub what: &'static str,
    /// The most characters.
    pub limit: usize,
    /// How many came, or what kind; never the text.
    pub got: String,
}

fn checked(what: &'static str, limit: usize, text: &str) -> Result<String, InvalidReviewer> {
    let text = text.trim();
    let count = text.chars().count();
    if text.chars().any(char::is_control) {
        return Err(InvalidReviewer { what, limit, got: "control characters".into() });
    }
    if !(1..=limit).contains(&count) {
        return Err(InvalidReviewer { what, limit, got: format!("{count} characters") });
    }
    Ok(text.to_owned())
}

macro_rules! line {
    ($(#[$doc:meta])* $name:ident, $what:literal, $limit:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses it; spaces around it are cut.
            ///
            /// # Errors
            /// [`InvalidReviewer`] when it is empty, too long or holds control characters.
            pub fn new(text: &str) -> Result<Self, InvalidReviewer> {
                checked($what, $limit, text).map(Self)
            }

            /// As it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidReviewer;
            fn try_from(text: String) -> Result<Self, InvalidReviewer> {
                Self::new(&text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidReviewer;
            fn from_str(text: &str) -> Result<Self, InvalidReviewer> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(line: $name) -> String {
                line.0
            }
        }
    };
}

line!(
    /// Who reviews: a name that the company knows its person by.
    ReviewerName, "a reviewer's name", 64
);
line!(
    /// Why: the reviewer's words, for whoever asks later. They are kept as they are, so no personal data of customers belongs into them.
    Why, "the reason", 500
);

impl ReviewerName {
    /// The same person, however the name was typed: compatibility forms, case and inner spaces don't make another one.
    pub fn is_same(&self, other: &Self) -> bool {
        folded(&self.0) == folded(&other.0)
    }
}

fn folded(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    let visible =
        |c: &char| !c.is_whitespace() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    name.nfkc().filter(visible).flat_map(char::to_lowercase).nfkc().collect()
}

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "voter", rename_all = "snake_case")]
pub enum Voter {
    /// A person.
    Person {
        /// Their name.
        name: ReviewerName,
    },
    /// A machine check that the review names.
    Machine {
        /// Its name.
        check: String,
    },
}

impl fmt::Display for Voter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Person { name } => name.as_str(),
            Self::Machine { check } => check,
        })
    }
}

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// Send it.
    Approve,
    /// Don't.
    Reject,
    /// Nothing yet: the open text was looked at.
    Looked,
    /// A machine that was asked has no answer: people decide.
    Abstain,
}

impl Says {
    /// As written in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Looked => "looked",
            Self::Abstain => "abstain",
        }
    }
}

/// What somebody says, before it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ballot {
    /// Who.
    pub by: Voter,
    /// What.
    pub says: Says,
    /// Why.
    pub why: Why,
}

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// Who.
    pub by: Voter,
    /// What.
    pub says: Says,
    /// Why.
    pub why: Why,
    /// When.
    pub at: UnixMillis,
    /// Of a machine: what it found, with the evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
    /// Continues the tag of the voice before, or of the opening.
    pub(super) tag: String,
}

/// Why a voice does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VoteError {
    /// The review is no longer open.
    #[error("the review is {0} already")]
    NotOpen(StateName),
    /// The deadline has passed.
    #[error("the review expired at {0}: that is a block")]
    Overdue(UnixMillis),
    /// The same person approved before; somebody else must.
    #[error("the same person approved before: another person must")]
    SamePerson,
    /// A machine speaks that this review did not ask, or that has spoken.
    #[error("this review does not wait for that machine check")]
    NotAsked,
    /// The stored review or one of its voices is not what the tenant's key wrote.
    #[error("the stored review does not fit its tag: it was altered, or belongs to another tenant")]
    Forged,
    /// Too many looks; approve or reject it.
    #[error("the review holds {0} voices, the most that it may")]
    Full(usize),
}
