//! Why a message did not become a request.

use sluice_domain::delivery::Outcome;
use sluice_domain::failure::FailureKind;
use sluice_ports::PortError;

use crate::message::SendReport;
use crate::tokens::NoToken;

/// Sluice's own no, before anything was sent to the platform's message API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) outcome: Outcome,
    pub(crate) code: String,
    pub(crate) message: Option<String>,
    pub(crate) provider_log_id: Option<String>,
}

/// A token or an upload that could not be had.
impl From<NoToken<Self>> for Refusal {
    fn from(error: NoToken<Self>) -> Self {
        match error {
            NoToken::Fetch(refusal) => refusal,
            NoToken::State(error) => Self::state(&error),
        }
    }
}

impl Refusal {
    pub(crate) fn new(outcome: Outcome, code: impl Into<String>) -> Self {
        Self { outcome, code: code.into(), message: None, provider_log_id: None }
    }

    /// The message's form is wrong.
    pub(crate) fn content(code: &str) -> Self {
        Self::new(Outcome::ContentRefused { compliance: false }, code)
    }

    /// The configuration is wrong.
    pub(crate) fn endpoint(code: &str) -> Self {
        Self::new(Outcome::EndpointRefused, code)
    }

    /// There is nobody to write to, or nothing to answer.
    pub(crate) fn unreachable(code: &str) -> Self {
        Self::new(Outcome::RecipientRefused { opt_out: false }, code)
    }

    /// A secret could not be had.
    pub(crate) fn secret(error: &PortError) -> Self {
        match error.kind() {
            FailureKind::Retry | FailureKind::InDoubt => Self::new(Outcome::Transient, "secret_unavailable"),
            FailureKind::ThrottledUntil(until) => {
                Self::new(Outcome::Throttled { until }, "secret_unavailable")
            }
            FailureKind::Configuration => Self::endpoint("secret_missing"),
            FailureKind::Permanent => Self::endpoint("secret_unreadable"),
        }
    }

    /// What the processes know together can not be had: nothing leaves, and the message comes back.
    pub(crate) fn state(error: &PortError) -> Self {
        tracing::warn!("shared state of channels: {error}");
        match error.kind() {
            FailureKind::ThrottledUntil(until) => {
                Self::new(Outcome::Throttled { until }, "state_unavailable")
            }
            _ => Self::new(Outcome::Transient, "state_unavailable"),
        }
    }

    pub(crate) fn into_report(self) -> SendReport {
        SendReport {
            outcome: self.outcome,
            code: Some(self.code),
            message: self.message,
            provider_log_id: self.provider_log_id,
            request_sha256: None,
            endpoint: None,
        }
    }
}
