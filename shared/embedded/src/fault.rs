//! `redb`'s errors in the ports' words.

use sluice_ports::PortError;

/// What this store is called in errors.
pub(crate) const STORE: &str = "embedded store";

/// The store failed: the disk is full, an I/O error, a file that was cut.
pub(crate) fn storage(error: impl Into<redb::Error>) -> PortError {
    match error.into() {
        redb::Error::Corrupted(cause) => PortError::Corrupt { what: STORE, cause },
        other => unavailable(other),
    }
}

/// It can not be used now.
pub(crate) fn unavailable(cause: impl std::fmt::Display) -> PortError {
    PortError::Unavailable { what: STORE, cause: cause.to_string() }
}

/// A stored record does not parse. The parser's own words may quote a value, so only its place is told.
pub(crate) fn unreadable(what: &'static str, error: &serde_json::Error) -> PortError {
    let cause = format!("unexpected JSON at line {} column {}", error.line(), error.column());
    PortError::Corrupt { what, cause }
}

/// A stored record is shorter than its fixed part, or a key is not built as this version builds it.
pub(crate) fn malformed(what: &'static str) -> PortError {
    PortError::Corrupt { what, cause: "a stored key or header is malformed".to_owned() }
}

/// Why a call of a batch did not succeed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The store failed: nobody's writes of this transaction can be trusted.
    Store(PortError),
    /// Only this call failed, before it wrote anything.
    Call(PortError),
}

impl Fault {
    pub(crate) fn store(error: impl Into<redb::Error>) -> Self {
        Self::Store(storage(error))
    }
}

impl From<PortError> for Fault {
    fn from(error: PortError) -> Self {
        Self::Call(error)
    }
}

/// Takes a failure that concerns one part of a call out of the way of the others.
pub(crate) fn apart<T>(result: Result<T, Fault>) -> Result<Result<T, PortError>, Fault> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Fault::Call(error)) => Ok(Err(error)),
        Err(fault @ Fault::Store(_)) => Err(fault),
    }
}

impl Fault {
    pub(crate) fn into_inner(self) -> PortError {
        match self {
            Self::Store(error) | Self::Call(error) => error,
        }
    }
}
