//! The front door: webhook-verify behind the HTTP server, and two addresses for whoever operates it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;
use sluice_embedded::{FileSecrets, LocalKeyRing, Store, SystemEntropy};
use sluice_ports::{Clock, Queue};
use sluice_settings::LastGood;
use sluice_telemetry::Counters;
use webhook_verify::{LONGEST_BODY, LinkAnswer, RawRequest, WebhookVerify, is_link_path};

use super::PlatformChannels;
use super::server::FrontDoor;

/// webhook-verify over the adapters of one machine.
pub(super) type Verifier = WebhookVerify<
    Arc<LastGood>,
    Store,
    LocalKeyRing,
    Arc<FileSecrets>,
    Arc<dyn Clock>,
    SystemEntropy,
    PlatformChannels,
>;

/// What the server's requests go to.
pub(super) struct Door {
    pub(super) verifier: Verifier,
    pub(super) counters: Counters,
    pub(super) store: Store,
}

impl FrontDoor for Door {
    const LONGEST_BODY: usize = LONGEST_BODY;

    async fn answer(&self, parts: http::request::Parts, body: Bytes, peer: SocketAddr) -> Response<Bytes> {
        match parts.uri.path() {
            "/health" => json_response(StatusCode::OK, r#"{"status":"ok"}"#.into()),
            "/metrics" => self.metrics(),
            path => self.request(&parts, path, &body, peer).await,
        }
    }
}

impl Door {
    /// A callback, or a signed link.
    async fn request(
        &self,
        parts: &http::request::Parts,
        path: &str,
        body: &[u8],
        peer: SocketAddr,
    ) -> Response<Bytes> {
        let headers: Vec<_> =
            parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let peer = peer.ip().to_string();
        let request = RawRequest {
            method: parts.method.as_str(),
            path,
            query: parts.uri.query().unwrap_or_default(),
            headers: &headers,
            body,
            source_ip: Some(&peer),
        };
        if is_link_path(path) {
            return link_response(self.verifier.open_link(request).await);
        }
        let answer = self.verifier.handle_raw(request).await;
        let mut response = Response::new(Bytes::from(answer.body));
        *response.status_mut() = status(answer.status);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
        response
    }

    /// Counters since the start and how deep the queues are: numbers only.
    fn metrics(&self) -> Response<Bytes> {
        let mut queues = serde_json::Map::new();
        for queue in Queue::ALL {
            if let Ok(depth) = self.store.depth(queue) {
                let depth = json!({ "visible": depth.visible, "in_flight": depth.in_flight, "delayed": depth.delayed, "dead": depth.dead });
                queues.insert(queue.as_str().to_owned(), depth);
            }
        }
        json_response(
            StatusCode::OK,
            json!({ "counters": self.counters.snapshot(), "queues": queues }).to_string(),
        )
    }
}

fn link_response(answer: LinkAnswer) -> Response<Bytes> {
    let headers = answer.headers();
    let mut response = Response::new(Bytes::from(answer.body));
    *response.status_mut() = status(answer.status);
    for (name, value) in headers {
        // What can not stand in a header is left out: a redirect without `location` opens nothing.
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn json_response(status: StatusCode, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
