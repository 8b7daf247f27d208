use sluice_domain::event::NormaliseError;
use sluice_domain::failure::FailureKind;
use sluice_domain::scheme::VerifyError;
use sluice_domain::sealed::SealError;
use sluice_ports::PortError;

/// Why a callback is not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No source of that name is configured.
    #[error("no such source: the path must be `/callbacks/` and a configured source")]
    UnknownSource,
    /// The scheme does not use the method.
    #[error("method is not allowed for this source")]
    Method,
    /// The body is longer than the limit.
    #[error("body is longer than {limit} bytes")]
    BodyTooLarge {
        /// The limit, of the decoded body.
        limit: usize,
    },
    /// The gateway says base64, but it isn't.
    #[error("body is no base64, although the gateway says so")]
    NotBase64,
    /// It is not proven genuine.
    #[error(transparent)]
    Unproven(#[from] VerifyError),
    /// It is genuine, but can't be read.
    #[error(transparent)]
    Unreadable(#[from] NormaliseError),
    /// One event would not fit into the queue.
    #[error("an event of this callback is longer than {limit} bytes when it is sealed")]
    EventTooLarge {
        /// The queue's limit.
        limit: usize,
    },
    /// More events in one callback than are taken at once.
    #[error("callback carries more than {limit} events")]
    TooManyEvents {
        /// How many are taken.
        limit: usize,
    },
    /// The tenant's keys don't seal.
    #[error("personal fields can not be sealed: {0}")]
    Unsealed(#[from] SealError),
    /// A store, the secrets or the key ring failed.
    #[error("{0}")]
    Port(#[from] PortError),
    /// The platform's patience would have ended before the event was durable.
    #[error("not durable within {0} ms")]
    Deadline(u64),
}

impl Refused {
    /// Stable, for the answer, the log and the metric.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownSource => "unknown_source",
            Self::Method => "method_not_allowed",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::NotBase64 => "body_not_base64",
            Self::Unproven(error) => error.code(),
            Self::Unreadable(error) => error.code(),
            Self::EventTooLarge { .. } => "event_too_large",
            Self::TooManyEvents { .. } => "too_many_events",
            Self::Unsealed(_) => "sealing_failed",
            Self::Port(PortError::Missing { .. }) => "not_configured",
            Self::Port(_) => "store_unavailable",
            Self::Deadline(_) => "deadline_exceeded",
        }
    }

    /// The HTTP status: 5xx is what platforms push again.
    pub fn status(&self) -> u16 {
        match self {
            Self::UnknownSource => 404,
            Self::Method => 405,
            Self::BodyTooLarge { .. } | Self::EventTooLarge { .. } | Self::TooManyEvents { .. } => 413,
            Self::NotBase64 | Self::Unreadable(_) => 400,
            Self::Unproven(error) => error.http_status(),
            Self::Unsealed(_) | Self::Port(_) | Self::Deadline(_) => 503,
        }
    }

    /// What the pipeline would do; the platform does the repeating here.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::UnknownSource
            | Self::Method
            | Self::BodyTooLarge { .. }
            | Self::NotBase64
            | Self::EventTooLarge { .. }
            | Self::TooManyEvents { .. } => FailureKind::Permanent,
            Self::Unproven(error) => error.kind(),
            Self::Unreadable(error) => error.kind(),
            Self::Unsealed(error) => error.kind(),
            Self::Port(error) => error.kind(),
            Self::Deadline(_) => FailureKind::Retry,
        }
    }

    /// In words for the sender: our own faults are told in the log only.
    pub(crate) fn public_message(&self) -> String {
        match self {
            Self::Unsealed(_) | Self::Port(_) => "temporarily not available".to_owned(),
            Self::Unproven(VerifyError::CredentialUnusable(_)) => {
                "source is not configured completely".to_owned()
            }
            other => other.to_string(),
        }
    }
}
