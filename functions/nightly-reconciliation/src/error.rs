use sluice_domain::failure::FailureKind;
use sluice_domain::id::TenantId;
use sluice_evidence::EvidenceError;
use sluice_ports::PortError;

/// Why a day could not be reconciled. Nothing is half-reported: a report is stored whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReconcileError {
    /// Nobody of that name is configured.
    #[error("tenant `{0}` is not configured")]
    UnknownTenant(TenantId),
    /// A store failed.
    #[error("{doing}: {error}")]
    Port {
        /// What was being done.
        doing: &'static str,
        /// The store's failure.
        error: PortError,
    },
    /// The day's audit records could not be sealed or compared.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The report could not be written as JSON.
    #[error("report can not be written as JSON: {0}")]
    Report(String),
}

impl ReconcileError {
    pub(crate) fn port(doing: &'static str) -> impl Fn(PortError) -> Self {
        move |error| Self::Port { doing, error }
    }

    /// What the schedule does about it.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::UnknownTenant(_) => FailureKind::Configuration,
            Self::Port { error, .. } => error.kind(),
            Self::Evidence(error) => error.kind(),
            Self::Report(_) => FailureKind::Permanent,
        }
    }
}
