//! The HTTP port over hyper and rustls.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use sluice_ports::{HttpClient, HttpRequest, HttpResponse, Reach, TransportError};

use crate::reach::is_public;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer for each MiB that is sent: an image has up to ten.
const EACH_MIB: Duration = Duration::from_millis(500);
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
const ANSWER_LIMIT: usize = 64 * 1024;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// HTTP/1.1 with kept connections; https, or http to a loopback address.
///
/// No redirects, no proxy. 2 s to connect (name, TCP and TLS together), 5 s in all and half a second for each MiB that is sent, answers up to 64 KiB. The one retry below
/// this port is hyper's own: a kept connection that turned out dead *before anything was written* is replaced, which is safe
/// for messages too (a frozen sandbox makes such connections normal).
#[derive(Debug, Clone)]
pub struct HyperClient {
    client: Client<TimedConnector<HttpsConnector<HttpConnector>>, Full<Bytes>>,
    /// For addresses of somebody's configuration: it connects to the public Internet alone. A pool of its own, so that no connection of
    /// the other is taken.
    guarded: Client<TimedConnector<HttpsConnector<HttpConnector<PublicResolver>>>, Full<Bytes>>,
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
        // The provider is named, so that a second one in the program can not make the choice ambiguous (which panics).
        let tls =
            rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()?
                .with_webpki_roots()
                .with_no_client_auth();
        let (mut anywhere, mut public) =
            (HttpConnector::new(), HttpConnector::new_with_resolver(PublicResolver(GaiResolver::new())));
        anywhere.enforce_http(false);
        anywhere.set_nodelay(true);
        public.enforce_http(false);
        public.set_nodelay(true);
        Ok(Self { client: pooled(anywhere, tls.clone()), guarded: pooled(public, tls) })
    }
}

impl HttpClient for HyperClient {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let reach = request.reach;
        let mebibytes = u32::try_from(request.body.len() / (1_024 * 1_024)).unwrap_or(u32::MAX);
        let request = prepared(request)?;
        tokio::time::timeout(
            TOTAL_TIMEOUT + EACH_MIB.saturating_mul(mebibytes),
            self.exchange(request, reach),
        )
        .await
        .unwrap_or_else(|_| Err(TransportError::NoAnswer("timed out".to_owned())))
    }
}

impl HyperClient {
    async fn exchange(
        &self,
        request: http::Request<Full<Bytes>>,
        reach: Reach,
    ) -> Result<HttpResponse, TransportError> {
        let answering = match reach {
            Reach::Platform | Reach::Private => self.client.request(request),
            Reach::Public => self.guarded.request(request),
        };
        let answer = answering.await.map_err(|error| {
            // hyper's words name the phase and the system's error, never the address.
            if is_not_public(&error) {
                TransportError::BadRequest(NotPublic.to_string())
            } else if error.is_connect() {
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
    if request.reach == Reach::Public {
        if uri.scheme_str() != Some("https") {
            return Err(TransportError::BadRequest("not https".to_owned()));
        }
        // Addresses that are written out are never resolved.
        let literal = uri.host().map(|host| host.trim_start_matches('[').trim_end_matches(']'));
        if literal.and_then(|host| host.parse().ok()).is_some_and(|address| !is_public(address)) {
            return Err(TransportError::BadRequest(NotPublic.to_string()));
        }
    }
    if !crate::endpoints::may_be_called(&uri) {
        return Err(TransportError::BadRequest("neither https nor a loopback address".to_owned()));
    }
    let mut prepared = http::Request::new(Full::new(request.body));
    *prepared.method_mut() = request.method;
    *prepared.uri_mut() = uri;
    prepared.headers_mut().extend(request.headers);
    Ok(prepared)
}

fn pooled<T>(tcp: T, tls: rustls::ClientConfig) -> Client<TimedConnector<HttpsConnector<T>>, Full<Bytes>>
where
    TimedConnector<HttpsConnector<T>>: Connect + Clone,
{
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .build(TimedConnector(connector))
}

/// A name that leads into a private network.
#[derive(Debug, thiserror::Error)]
#[error("no address of the public Internet")]
struct NotPublic;

fn is_not_public(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<NotPublic>() || error.source().is_some_and(is_not_public)
}

/// Resolves names to addresses of the public Internet alone. The check is where the connection is made: a name that is looked up twice
/// can not answer differently in between.
#[derive(Debug, Clone)]
struct PublicResolver(GaiResolver);

impl tower_service::Service<Name> for PublicResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        tower_service::Service::poll_ready(&mut self.0, context).map_err(Into::into)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolving = tower_service::Service::call(&mut self.0, name);
        Box::pin(async move {
            let public: Vec<_> = resolving.await?.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() { Err(NotPublic.into()) } else { Ok(public.into_iter()) }
        })
    }
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
