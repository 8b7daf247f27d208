use sluice_domain::audit::{InvalidHead, InvalidProof};
use sluice_domain::failure::FailureKind;
use sluice_domain::time::BusinessDay;
use sluice_ports::PortError;

/// Why nothing could be sealed, compared or proved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// A port failed.
    #[error("{doing}: {error}")]
    Port {
        /// What was being done.
        doing: &'static str,
        /// The port's failure.
        error: PortError,
    },
    /// The day has no head.
    #[error("{0} is not sealed: the nightly run does it once the day is over")]
    NotSealed(BusinessDay),
    /// The day's head can not be used.
    #[error("the head of {0} can not be used: {1}")]
    Head(BusinessDay, InvalidHead),
    /// The day's leaf list is gone or another.
    #[error("the leaf list of {0} is not the one that was sealed: see `sluice audit verify`")]
    Leaves(BusinessDay),
    /// The record is not what was sealed.
    #[error("the record is not among those that were sealed on {0}: see `sluice audit verify`")]
    NotAsSealed(BusinessDay),
    /// A day in the chain is not what the one after it names.
    #[error("the chain of days is broken at {0}: see `sluice audit verify`")]
    Chain(BusinessDay),
    /// There is no way between the two.
    #[error("{from} is not among the days that the log of {to} holds")]
    NotInLog {
        /// The day that should be the earlier one.
        from: BusinessDay,
        /// The later one.
        to: BusinessDay,
    },
    /// What was made does not hold.
    #[error("no proof can be given: {0}")]
    Proof(#[from] InvalidProof),
}

impl EvidenceError {
    pub(crate) fn port(doing: &'static str) -> impl Fn(PortError) -> Self {
        move |error| Self::Port { doing, error }
    }

    /// What the caller does about it.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Port { error, .. } => error.kind(),
            Self::Proof(error) => error.kind(),
            Self::NotSealed(_)
            | Self::Head(..)
            | Self::Leaves(_)
            | Self::NotAsSealed(_)
            | Self::Chain(_)
            | Self::NotInLog { .. } => FailureKind::Permanent,
        }
    }
}
