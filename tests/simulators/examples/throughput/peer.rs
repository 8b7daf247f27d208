//! hyper-util's client, bare: it posts the same bytes over kept connections and looks at the status alone.

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::platform::Platforms;

/// A client that believes the status.
pub(crate) struct Peer {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
    body: Bytes,
}

impl Peer {
    /// To a group bot, which answers a refusal under 200 too: to this client, everything was sent.
    pub(crate) fn new(platforms: &Platforms, body: Bytes) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { client, url: format!("{}/cgi-bin/webhook/send?key=peer", platforms.url), body }
    }

    pub(crate) async fn send(&self) {
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.url)
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(Full::new(self.body.clone()))
            .unwrap();
        let answer = self.client.request(request).await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.into_body().collect().await.unwrap();
    }
}
