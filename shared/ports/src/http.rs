use std::future::Future;

use bytes::Bytes;
use sluice_domain::failure::FailureKind;

/// A request to a platform's API.
#[derive(Clone)]
pub struct HttpRequest {
    /// The method.
    pub method: http::Method,
    /// The whole address. It may carry a credential (bot keys, access tokens): never log it.
    pub url: String,
    /// Headers besides `Host` and `Content-Length`.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// The body.
    pub body: Bytes,
    /// How far it may go.
    pub reach: Reach,
}

/// How far a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// A platform of the set-up: https anywhere, or in the clear to this machine.
    #[default]
    Platform,
    /// An address of somebody's configuration: https, and only to addresses of the public Internet, whatever its name resolves to.
    Public,
    /// The same where a person has allowed our own network: https anywhere, or in the clear to this machine.
    Private,
}

/// A platform's answer, whatever its status.
#[derive(Debug, Clone)]
pub struct HttpResponse {
    /// The HTTP status; business failures come under 200 too.
    pub status: http::StatusCode,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body, at most 64 KiB.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The request did not leave: name, connection or TLS failed. Safe to repeat.
    #[error("could not connect: {0}")]
    NotSent(String),
    /// It left, or may have, and no answer came back.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// An answer began, but is longer than the limit or broke off.
    #[error("unusable answer: {0}")]
    BadAnswer(String),
    /// The address or a header can not be used.
    #[error("unusable request: {0}")]
    BadRequest(String),
}

impl TransportError {
    /// What the pipeline does.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::NotSent(_) => FailureKind::Retry,
            Self::NoAnswer(_) | Self::BadAnswer(_) => FailureKind::InDoubt,
            Self::BadRequest(_) => FailureKind::Configuration,
        }
    }
}

/// Speaks HTTP to platforms: no redirects, no proxy, no retries of its own; 2 s to connect, 5 s in all and half a
/// second more for each MiB that is sent, 64 KiB answers.
pub trait HttpClient: Send + Sync {
    /// Sends one request.
    fn send(&self, request: HttpRequest)
    -> impl Future<Output = Result<HttpResponse, TransportError>> + Send;
}

impl<T: HttpClient> HttpClient for std::sync::Arc<T> {
    fn send(
        &self,
        request: HttpRequest,
    ) -> impl Future<Output = Result<HttpResponse, TransportError>> + Send {
        (**self).send(request)
    }
}
