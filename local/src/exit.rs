//! Exit codes, for scripts.

use serde::{Deserialize, Serialize};

/// How a command ended. The numbers are part of the program's contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// 0: done, or the answer is yes.
    Ok,
    /// 1: the answer is no: not valid, breaks open, totals don't match, not found.
    No,
    /// 2: the command line can not be used.
    Usage,
    /// 3: configuration, secrets or keys are unusable.
    Configuration,
    /// 4: a store, port or peer is not available; trying again may help.
    Unavailable,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Configuration => 3,
            Self::Unavailable => 4,
        }
    }
}
