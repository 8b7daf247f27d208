use std::fmt;

use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Verdict};
use crate::time::UnixMillis;

/// How a review stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
#[must_use]
pub enum State {
    /// It waits for voices.
    Open,
    /// Enough people approved. The engine looks once more before anything goes on.
    Approved {
        /// Since when.
        at: UnixMillis,
    },
    /// It went on.
    Cleared {
        /// When.
        at: UnixMillis,
        /// `allow` or `allow_masked`.
        verdict: Verdict,
        /// What the rules said at that moment, with the consent as it stood then.
        decision: Box<Decision>,
    },
    /// It was not sent, for a reason that came up after it was opened.
    Blocked {
        /// When.
        at: UnixMillis,
        /// Stable code: `consent_withdrawn`, `review_outdated`, `person_erased`, …
        code: String,
        /// What the rules said, if they were asked.
        decision: Option<Box<Decision>>,
    },
    /// Somebody said no.
    Rejected {
        /// When.
        at: UnixMillis,
    },
    /// Nobody decided in time, which is a block.
    Expired {
        /// When it was noticed.
        at: UnixMillis,
    },
}

impl State {
    /// Its name.
    pub fn name(&self) -> StateName {
        match self {
            Self::Open => StateName::Open,
            Self::Approved { .. } => StateName::Approved,
            Self::Cleared { .. } => StateName::Cleared,
            Self::Blocked { .. } => StateName::Blocked,
            Self::Rejected { .. } => StateName::Rejected,
            Self::Expired { .. } => StateName::Expired,
        }
    }
}

/// The name of a state: what reviews are listed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    /// Waits for voices.
    Open,
    /// Approved, and not gone on yet.
    Approved,
    /// Went on.
    Cleared,
    /// Not sent: a later look blocked it.
    Blocked,
    /// Not sent: somebody said no.
    Rejected,
    /// Not sent: nobody decided in time.
    Expired,
}

impl StateName {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Approved, Self::Cleared, Self::Blocked, Self::Rejected, Self::Expired];

    /// As written in records, keys and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Cleared => "cleared",
            Self::Blocked => "blocked",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
        }
    }

    /// Is it over?
    pub fn is_final(self) -> bool {
        match self {
            Self::Open | Self::Approved => false,
            Self::Cleared | Self::Blocked | Self::Rejected | Self::Expired => true,
        }
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A text that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a state must be one of open, approved, cleared, blocked, rejected, expired")]
pub struct UnknownState;

impl std::str::FromStr for StateName {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or(UnknownState)
    }
}
