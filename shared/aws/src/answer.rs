//! What AWS answered when it did not do what was asked, by code.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use sluice_domain::time::UnixMillis;
use sluice_ports::PortError;

use crate::fault;

/// Why a call failed, as far as every service says it alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Come back later.
    Throttled,
    /// The role may not.
    Denied,
    /// Nobody knows: no answer, or the service failed.
    NoAnswer(String),
    /// The service's own code.
    Code(String),
}

impl Refusal {
    pub(crate) fn of<E: ProvideErrorMetadata>(error: &SdkError<E, Response>) -> Self {
        let SdkError::ServiceError(refused) = error else { return Self::NoAnswer(words(error).to_owned()) };
        Self::judged(refused.err().code(), refused.raw().status().as_u16())
    }

    /// By the code of a service's answer, if it has one, and its status.
    pub(crate) fn judged(code: Option<&str>, status: u16) -> Self {
        match code {
            Some(code) if fault::is_throttled(code, status) => Self::Throttled,
            Some(
                "AccessDeniedException"
                | "AccessDenied"
                | "UnrecognizedClientException"
                | "InvalidClientTokenId",
            ) => Self::Denied,
            // The sandbox is about to be replaced by one with newer credentials.
            Some(code @ ("ExpiredTokenException" | "ExpiredToken")) => Self::NoAnswer(code.to_owned()),
            code if status >= 500 => Self::NoAnswer(code.unwrap_or("server error").to_owned()),
            Some(code) => Self::Code(code.to_owned()),
            None => Self::Code(format!("status {status}")),
        }
    }

    /// The failure of a port, when the code has no meaning of its own there. `to_do` says what a person must mend.
    pub(crate) fn into_port(self, what: &'static str, now: UnixMillis, to_do: &str) -> PortError {
        match self {
            Self::Throttled => PortError::Throttled { what, until: now.plus_ms(fault::THROTTLED_FOR_MS) },
            Self::NoAnswer(cause) => PortError::Unavailable { what, cause },
            Self::Denied => PortError::Missing { what, cause: format!("access denied: {to_do}") },
            Self::Code(code) => PortError::Missing { what, cause: format!("{code}: {to_do}") },
        }
    }
}

/// The SDK's errors may quote a request: only the kind of failure is told.
fn words<E>(error: &SdkError<E, Response>) -> &'static str {
    match error {
        SdkError::TimeoutError(_) => "time-out",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "time-out",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ResponseError(_) => "answer was cut off or is malformed",
        SdkError::ConstructionFailure(_) => "request could not be built",
        _ => "failed",
    }
}
