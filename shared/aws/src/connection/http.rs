//! The one HTTP client: HTTP/1.1 over hyper, TLS by rustls with the roots of [`super::trust`].
//!
//! The SDK's own client speaks HTTP/2, too, which no service that Sluice calls offers, and builds its TLS anew for each client made of it:
//! half a megabyte and a millisecond of every cold start (`docs/adr/0041-own-s3-and-http.md`).

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{CaptureConnection, HttpInfo, capture_connection};
use hyper_util::client::legacy::{Client, Error as ClientError, connect};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use super::{ConnectionError, Patience};

type BoxError = Box<dyn Error + Send + Sync>;
type Pool = Client<Within<HttpsConnector<connect::HttpConnector>>, SdkBody>;

/// Connections that every client of the process shares. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Http {
    pool: Pool,
}

impl fmt::Debug for Http {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Http")
    }
}

impl Http {
    /// Connects to nothing yet.
    pub(super) fn new(roots: RootCertStore, patience: Patience) -> Result<Self, ConnectionError> {
        let mut tcp = connect::HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // The provider is named, so that a second one in the program can not make the choice ambiguous (which panics).
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| ConnectionError::Tls(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let pool = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(patience.idle)
            .build(Within { time: patience.connect, connector });
        Ok(Self { pool })
    }

    /// One exchange. What it means that there was none is in [`classified`].
    pub(crate) async fn send(
        &self,
        request: http::Request<SdkBody>,
    ) -> Result<http::Response<hyper::body::Incoming>, ClientError> {
        self.pool.request(request).await
    }
}

impl HttpClient for Http {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        // Attempts have their own time-out, and connecting has `Patience`'s: there is nothing to set.
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let connection = capture_connection(&mut request);
        // So that the SDK can say of a connection that failed: not again.
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || described(&connection));
        }
        let exchange = self.pool.request(request);
        HttpConnectorFuture::new(async move {
            let answer = exchange.await.map_err(classified)?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

fn described(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    let metadata = connection.connection_metadata();
    let connected = metadata.as_ref()?;
    let mut extras = http::Extensions::new();
    connected.get_extras(&mut extras);
    let mut description = ConnectionMetadata::builder().proxied(connected.is_proxied());
    if let Some(info) = extras.get::<HttpInfo>() {
        description = description.remote_addr(info.remote_addr()).local_addr(info.local_addr());
    }
    let connection = connection.clone();
    let poison = move || {
        if let Some(connected) = connection.connection_metadata().as_ref() {
            connected.poison();
        }
    };
    Some(description.poison_fn(poison).build())
}

/// What the SDK repeats: time-outs, and connections that did not come about or broke.
fn classified(error: ClientError) -> ConnectorError {
    if within::<Late>(&error).is_some() {
        return ConnectorError::timeout(error.into());
    }
    let hyper = within::<hyper::Error>(&error);
    if hyper.is_some_and(hyper::Error::is_user) {
        return ConnectorError::user(error.into());
    }
    let broke = hyper.is_some_and(|hyper| hyper.is_closed() || hyper.is_canceled());
    if error.is_connect() || broke || within::<std::io::Error>(&error).is_some() {
        return ConnectorError::io(error.into());
    }
    // A kept connection that the service closed just then.
    let cut = hyper.is_some_and(hyper::Error::is_incomplete_message);
    ConnectorError::other(error.into(), cut.then_some(ErrorKind::TransientError))
}

/// The first error of a kind in a chain of causes.
fn within<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Bounds the whole way to a usable connection: name, TCP and TLS together.
#[derive(Debug, Clone)]
struct Within<C> {
    time: Duration,
    connector: C,
}

/// There was no connection in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {} ms", .0.as_millis())]
struct Late(Duration);

impl<C> tower_service::Service<http::Uri> for Within<C>
where
    C: tower_service::Service<http::Uri>,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: http::Uri) -> Self::Future {
        let (time, connecting) = (self.time, self.connector.call(uri));
        Box::pin(async move {
            match tokio::time::timeout(time, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => Err(Late(time).into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn error_of(address: std::net::SocketAddr, connect: Duration, scheme: &str) -> ConnectorError {
        let http = Http::new(RootCertStore::empty(), Patience { connect, ..Patience::DOOR }).unwrap();
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_uri(format!("{scheme}://{address}/")).unwrap();
        http.call(request).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_refused_connection_may_be_tried_again() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = error_of(address, Duration::from_secs(5), "http").await;
        assert!(error.is_io(), "{error:?}");
    }

    #[tokio::test]
    async fn a_handshake_that_never_ends_is_a_time_out() {
        // It accepts, and says nothing.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let error = error_of(listener.local_addr().unwrap(), Duration::from_millis(50), "https").await;
        assert!(error.is_timeout(), "{error:?}");
    }

    #[tokio::test]
    async fn a_connection_that_closes_without_an_answer_may_be_tried_again() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            // The whole request is read, then the connection ends in order.
            let mut request = [0; 1_024];
            loop {
                stream.readable().await.unwrap();
                // Readiness may be told in vain.
                if stream.try_read(&mut request).is_ok() {
                    break;
                }
            }
        });
        let error = error_of(address, Duration::from_secs(5), "http").await;
        server.await.unwrap();
        let transient = error.as_other() == Some(ErrorKind::TransientError);
        assert!(error.is_io() || transient, "{error:?}");
    }
}
