//! What the pipeline does about a failure. Every error enum of this project answers `kind()`.

use serde::{Deserialize, Serialize};

use crate::time::UnixMillis;

/// The behaviour an error asks of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// It will never succeed: record it, do not repeat it.
    Permanent,
    /// Something passing: repeat it after the queue's own back-off.
    Retry,
    /// The other side said when: not before this moment.
    ThrottledUntil(UnixMillis),
    /// It may have happened: settle it by looking, never by repeating it blindly.
    InDoubt,
    /// A person must mend the set-up first; repeating keeps the work until then.
    Configuration,
}

impl FailureKind {
    /// Should the message go back to its queue?
    pub fn goes_back(self) -> bool {
        match self {
            Self::Retry | Self::ThrottledUntil(_) | Self::Configuration => true,
            Self::Permanent | Self::InDoubt => false,
        }
    }
}
