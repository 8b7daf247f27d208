//! The front door's HTTP server: one loopback or private address, HTTP/1.1, bounded in every direction.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// Connections served at once; more wait in the listen queue.
const MOST_CONNECTIONS: usize = 1_024;
/// How long a peer may take to send a request's head, and its body.
const SLOWEST_REQUEST: Duration = Duration::from_secs(10);

/// What answers the requests.
pub(super) trait FrontDoor: Send + Sync + 'static {
    /// The longest body it reads; one byte more reaches it cut, so that it can refuse in its own words.
    const LONGEST_BODY: usize;

    /// Answers one request.
    fn answer(
        &self,
        parts: http::request::Parts,
        body: Bytes,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Bytes>> + Send;
}

/// Serves until `stop` turns true, then lets the requests under way finish.
pub(super) async fn serve<D: FrontDoor>(
    listener: TcpListener,
    door: Arc<D>,
    mut stop: watch::Receiver<bool>,
) {
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(SLOWEST_REQUEST).max_buf_size(64 * 1024);
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            () = stopped(&mut stop) => break,
        };
        let Some((stream, peer, slot)) = accepted else { continue };
        let door = Arc::clone(&door);
        let service = service_fn(move |request| {
            let door = Arc::clone(&door);
            async move { Ok::<_, Infallible>(respond(door.as_ref(), request, peer).await) }
        });
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // A peer that hangs up or talks nonsense is its own affair; it is answered or not, and logged nowhere.
            let _ended = connection.await;
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(SLOWEST_REQUEST, graceful.shutdown()).await.is_err() {
        tracing::warn!("stopped with requests still under way");
    }
}

/// Waits until the gate is to stop; a dropped sender counts as a stop.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _closed_or_true = stop.wait_for(|stop| *stop).await;
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!("no TCP_NODELAY: {error}");
            }
            Some((stream, peer, slot))
        }
        Err(error) => {
            // Out of file descriptors, usually: wait for some to be closed instead of spinning.
            tracing::warn!("could not accept a connection: {error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn respond<D: FrontDoor>(
    door: &D,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(SLOWEST_REQUEST, read_body(body, D::LONGEST_BODY)).await;
    let mut response = match read {
        Ok(Ok((body, whole))) => {
            let mut response = door.answer(parts, body, peer).await;
            if !whole {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            response
        }
        Ok(Err(_)) => plain(StatusCode::BAD_REQUEST),
        Err(_) => plain(StatusCode::REQUEST_TIMEOUT),
    };
    response.headers_mut().entry(header::SERVER).or_insert(HeaderValue::from_static("sluice"));
    response.map(Full::new)
}

fn plain(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// Reads at most one byte more than `limit`; says whether that was the whole body.
async fn read_body(mut body: Incoming, limit: usize) -> Result<(Bytes, bool), hyper::Error> {
    let mut read = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if read.is_empty() && joined.is_empty() {
            read = data;
        } else {
            if joined.is_empty() {
                joined.extend_from_slice(&read);
            }
            joined.extend_from_slice(&data);
        }
        if read.len().max(joined.len()) > limit {
            let mut cut = if joined.is_empty() { read } else { joined.freeze() };
            cut.truncate(limit + 1);
            return Ok((cut, false));
        }
    }
    Ok((if joined.is_empty() { read } else { joined.freeze() }, true))
}
