//! The SDK's errors in the ports' words.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use sluice_domain::time::UnixMillis;
use sluice_ports::PortError;

/// After the SDK's own attempts and pauses: long enough for a burst to pass, short enough for a queue.
pub(crate) const THROTTLED_FOR_MS: i64 = 5_000;

/// What a call's failure means for whoever asked. `what` is the store in our words: `audit log`, `queue events`.
///
/// A service's own message may quote what was sent, so only its code and its id of the request are told.
pub(crate) fn port_error<E>(what: &'static str, error: &SdkError<E, Response>, now: UnixMillis) -> PortError
where
    E: ProvideErrorMetadata,
{
    let request = error.request_id().map(|id| format!(" (request {id})")).unwrap_or_default();
    let unavailable = |cause: String| PortError::Unavailable { what, cause: format!("{cause}{request}") };
    match error {
        SdkError::ServiceError(answered) => {
            let status = answered.raw().status().as_u16();
            let code = answered.err().code().unwrap_or("no code");
            match meaning(code, status) {
                Meaning::Throttled => PortError::Throttled { what, until: now.plus_ms(THROTTLED_FOR_MS) },
                Meaning::Unavailable => unavailable(format!("{code}, status {status}")),
                Meaning::Missing(to_do) => {
                    PortError::Missing { what, cause: format!("{code}{request}: {to_do}") }
                }
            }
        }
        SdkError::TimeoutError(_) => unavailable("no answer in time".to_owned()),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            unavailable("no connection or no answer in time".to_owned())
        }
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error().map(|error| root_cause(error));
            unavailable(format!("no connection: {}", cause.unwrap_or_else(|| "unknown cause".to_owned())))
        }
        SdkError::ResponseError(_) => unavailable("its answer can not be read".to_owned()),
        // The request was not even sent: what is configured can not be.
        _ => PortError::Missing {
            what,
            cause: "the request can not be built: check region, endpoints and names".to_owned(),
        },
    }
}

/// The code of a service's refusal.
pub(crate) fn code<E: ProvideErrorMetadata>(error: &SdkError<E, Response>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// What one entry of a batch was refused for: no status, no request of its own.
pub(crate) fn entry_error(what: &'static str, code: &str, sender_fault: bool, now: UnixMillis) -> PortError {
    match meaning(code, if sender_fault { 400 } else { 500 }) {
        Meaning::Throttled => PortError::Throttled { what, until: now.plus_ms(THROTTLED_FOR_MS) },
        Meaning::Unavailable => PortError::Unavailable { what, cause: code.to_owned() },
        Meaning::Missing(to_do) => PortError::Missing { what, cause: format!("{code}: {to_do}") },
    }
}

/// Is this a service's way to say "slower"?
pub(crate) fn is_throttled(code: &str, status: u16) -> bool {
    meaning(code, status) == Meaning::Throttled
}

#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Throttled,
    Unavailable,
    /// With what a person has to do.
    Missing(&'static str),
}

fn meaning(code: &str, status: u16) -> Meaning {
    // SQS over JSON and over Query name the same thing in two ways.
    let bare = code.rsplit('.').next().unwrap_or(code);
    let bare = bare.strip_suffix("Exception").unwrap_or(bare);
    match bare {
        "Throttling"
        | "Throttled"
        | "ThrottlingError"
        | "RequestThrottled"
        | "RequestLimitExceeded"
        | "ProvisionedThroughputExceeded"
        | "TooManyRequests"
        | "LimitExceeded"
        | "OverLimit"
        | "BandwidthLimitExceeded"
        | "SlowDown"
        | "EC2Throttled"
        | "KmsThrottled"
        | "PriorRequestNotComplete"
        | "TransactionInProgress" => Meaning::Throttled,
        "AccessDenied"
        | "AccessDeniedForDependency"
        | "Unauthorized"
        | "KmsAccessDenied"
        | "AuthorizationError" => {
            Meaning::Missing("the function's role does not allow it; compare the role with template.yaml")
        }
        "ResourceNotFound" | "QueueDoesNotExist" | "NonExistentQueue" | "NotFound" | "NoSuchBucket"
        | "TableNotFound" => Meaning::Missing(
            "it does not exist in this account and region; deploy template.yaml, or mend the name",
        ),
        "UnrecognizedClient"
        | "InvalidClientTokenId"
        | "InvalidSignature"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationToken"
        | "IncompleteSignature"
        | "InvalidSecurity"
        | "OptInRequired" => {
            Meaning::Missing("the credentials are not accepted; they must belong to this account and region")
        }
        "KmsDisabled" | "KmsInvalidState" | "KmsNotFound" | "KmsOptInRequired" | "KMSInvalidState"
        | "Disabled" | "KmsInvalidKeyUsage" => {
            Meaning::Missing("the KMS key can not be used; enable it or cancel its deletion")
        }
        // Rest: 5xx, an expired token (the sandbox is replaced), a code we have not met. To repeat is safe: every step is written
        // once, and what never succeeds ends among the dead letters.
        _ if status == 429 => Meaning::Throttled,
        _ => Meaning::Unavailable,
    }
}

/// The innermost error: `connection refused`, `invalid peer certificate: UnknownIssuer`. The outer ones only repeat it.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_their_services_mean_by_them() {
        for (code, status, throttled) in [
            ("AWS.SimpleQueueService.RequestThrottled", 403, true),
            ("RequestThrottled", 403, true),
            ("KMS.ThrottlingException", 400, true),
            ("KmsThrottled", 400, true),
            ("ProvisionedThroughputExceededException", 400, true),
            ("ThrottlingException", 400, true),
            ("RequestLimitExceeded", 400, true),
            ("SlowDown", 503, true),
            ("AnythingElse", 429, true),
            ("InternalServerError", 500, false),
            ("ServiceUnavailable", 503, false),
            ("ExpiredTokenException", 400, false),
            ("SomethingNew", 400, false),
        ] {
            let expected = if throttled { Meaning::Throttled } else { Meaning::Unavailable };
            assert_eq!(meaning(code, status), expected, "{code}");
        }
    }

    #[test]
    fn what_a_person_must_mend_says_what_to_do() {
        for code in [
            "AccessDeniedException",
            "AccessDenied",
            "KMS.AccessDeniedException",
            "ResourceNotFoundException",
            "AWS.SimpleQueueService.NonExistentQueue",
            "QueueDoesNotExist",
            "NoSuchBucket",
            "InvalidSignatureException",
            "KmsDisabled",
            "KMS.DisabledException",
        ] {
            assert!(matches!(meaning(code, 400), Meaning::Missing(to_do) if to_do.len() > 20), "{code}");
        }
    }

    #[test]
    fn an_entrys_failure_has_no_status_of_its_own() {
        let now = UnixMillis(1_000);
        assert_eq!(
            entry_error("queue", "InternalError", false, now),
            PortError::Unavailable { what: "queue", cause: "InternalError".into() }
        );
        let until = now.plus_ms(THROTTLED_FOR_MS);
        assert_eq!(
            entry_error("queue", "ThrottlingException", true, now),
            PortError::Throttled { what: "queue", until }
        );
    }
}
