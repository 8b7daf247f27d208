use sluice_domain::failure::FailureKind;
use sluice_domain::time::UnixMillis;

/// Why a store, queue or key ring did not do what was asked. Messages name tables and causes, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PortError {
    /// It is not reachable or failed for a passing reason.
    #[error("{what} is unavailable: {cause}")]
    Unavailable {
        /// Which store.
        what: &'static str,
        /// Its own words.
        cause: String,
    },
    /// It asked to come back later.
    #[error("{what} is throttled until {until}")]
    Throttled {
        /// Which store.
        what: &'static str,
        /// When to come back.
        until: UnixMillis,
    },
    /// What is stored can not be read.
    #[error("{what} holds a record that can not be read: {cause}")]
    Corrupt {
        /// Which store.
        what: &'static str,
        /// What is wrong with it.
        cause: String,
    },
    /// A value is larger than the store takes.
    #[error("{what} takes at most {limit} bytes, got {got}")]
    TooLarge {
        /// Which store.
        what: &'static str,
        /// Its limit.
        limit: usize,
        /// The size that came.
        got: usize,
    },
    /// Something that the set-up must provide is missing.
    #[error("{what}: {cause}")]
    Missing {
        /// What is missing.
        what: &'static str,
        /// Which, and what to do.
        cause: String,
    },
    /// The key is known, but for something else: two payloads came under one id.
    #[error(
        "{what} has this key with another payload: the platform used an id twice, or somebody made the message; \
         compare the two in the audit log before sending either"
    )]
    OtherPayload {
        /// Which store.
        what: &'static str,
    },
    /// The claim belongs to somebody else by now.
    #[error("the claim was taken over by another owner")]
    Fenced,
}

impl PortError {
    /// What the pipeline does.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Unavailable { .. } => FailureKind::Retry,
            Self::Throttled { until, .. } => FailureKind::ThrottledUntil(*until),
            Self::Corrupt { .. } | Self::TooLarge { .. } | Self::OtherPayload { .. } => {
                FailureKind::Permanent
            }
            Self::Missing { .. } => FailureKind::Configuration,
            Self::Fenced => FailureKind::InDoubt,
        }
    }
}
