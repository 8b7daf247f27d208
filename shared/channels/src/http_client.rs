//! The HTTP port over hyper and rustls.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use sluice_ports::{HttpClient, HttpRequest, HttpResponse, TransportError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
const ANSWER_LIMIT: usize = 64 * 1024;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// HTTP/1.1 with kept connections; https, or http to a loopback address.
///
/// No redirects, no proxy. 2 s to connect (name, TCP and TLS together), 5 s in all, answers up to 64 KiB. The one retry below
/// this port is hyper's own: a kept connection that turned out dead *before anything was written* is replaced, which is safe
/// for messages too (a frozen sandbox makes such connections normal).
#[derive(Debug, Clone)]
pub struct HyperClient {
    client: Client<TimedConnector<HttpsConnector<HttpConnector>>, Full<Bytes>>,
}

/// The TLS library refused its own defaults.
#[derive(Debug, thiserror::Error)]
#[error("TLS could not be set up: {0}")]
pub struct TlsSetupError(#[from] rustls::Error);

impl TlsSetupError {
    /// Nothing can be sent until the build is mended.
    pub fn kind(&self) -> sluice_domain::failure::FailureKind {
        sluice_domain::failure::FailureKind::Configuration
    }
}

impl HyperClient {
    /// One per process: it keeps the connections.
    ///
    /// # Errors
    /// [`TlsSetupError`] when the TLS library refuses its provider; no configuration of Sluice's leads there.
    pub fn new() -> Result<Self, TlsSetupError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // The provider is named, so that a second one in the program can not make the choice ambiguous (which panics).
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())?
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(TimedConnector(tls));
        Ok(Self { client })
    }
}

impl HttpClient for HyperClient {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let request = prepared(request)?;
        tokio::time::timeout(TOTAL_TIMEOUT, self.exchange(request))
            .await
            .unwrap_or_else(|_| Err(TransportError::NoAnswer("timed out".to_owned())))
    }
}

impl HyperClient {
    async fn exchange(&self, request: http::Request<Full<Bytes>>) -> Result<HttpResponse, TransportError> {
        let answer = self.client.request(request).await.map_err(|error| {
            // hyper's words name the phase and the system's error, never the address.
            if error.is_connect() {
                TransportError::NotSent(causes(&error))
            } else {
                TransportError::NoAnswer(causes(&error))
            }
        })?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_LIMIT)
            .collect()
            .await
            .map_err(|error| TransportError::BadAnswer(causes(error.as_ref())))?
            .to_bytes();
        Ok(HttpResponse { status: head.status, headers: head.headers, body })
    }
}

fn prepared(request: HttpRequest) -> Result<http::Request<Full<Bytes>>, TransportError> {
    let uri: http::Uri =
        request.url.parse().map_err(|_| TransportError::BadRequest("not an address".to_owned()))?;
    if !crate::endpoints::may_be_called(&uri) {
        return Err(TransportError::BadRequest("neither https nor a loopback address".to_owned()));
    }
    let mut prepared = http::Request::new(Full::new(request.body));
    *prepared.method_mut() = request.method;
    *prepared.uri_mut() = uri;
    prepared.headers_mut().extend(request.headers);
    Ok(prepared)
}

/// An error and what caused it, joined by colons.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        next = cause.source();
    }
    words
}

/// Bounds the whole way to a usable connection. The connector's own time-out covers TCP alone, and a time-out that falls into
/// the TLS handshake must count as *not sent*, not as *no answer*.
#[derive(Debug, Clone)]
struct TimedConnector<C>(C);

impl<C> tower_service::Service<http::Uri> for TimedConnector<C>
where
    C: tower_service::Service<http::Uri>,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: http::Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move {
            match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => Err(BoxError::from("connecting timed out")),
            }
        })
    }
}
