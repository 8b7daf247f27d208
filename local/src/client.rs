//! A small HTTP client for the gate's own address, which is loopback or behind the user's own front.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sluice_domain::scheme::Signed;

use crate::output::CommandError;

/// Sends signed callbacks to one gate.
#[derive(Debug, Clone)]
pub struct GateClient {
    base: String,
    http: Client<HttpConnector, Full<Bytes>>,
}

/// What the gate answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Bytes,
}

impl GateClient {
    /// For the gate at `base`, `http://host:port`.
    pub fn new(base: impl Into<String>) -> Self {
        Self { base: base.into(), http: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Sends one callback to `/callbacks/{source}`.
    ///
    /// # Errors
    /// When the gate does not answer.
    pub async fn send(&self, source: &str, method: &str, signed: Signed) -> Result<Answer, CommandError> {
        let query: Vec<_> = signed
            .query
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let uri = format!("{}/callbacks/{source}{mark}{}", self.base.trim_end_matches('/'), query.join("&"));
        let mut request = Request::builder().method(method).uri(&uri);
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        let request = request
            .body(Full::new(Bytes::from(signed.body)))
            .map_err(|error| CommandError::usage(format!("the callback can not be sent: {error}")))?;
        let gone = |cause: &dyn std::fmt::Display| {
            CommandError::unavailable(format!("the gate at `{}` does not answer: {cause}", self.base))
        };
        let response = self.http.request(request).await.map_err(|error| gone(&error))?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| gone(&error))?.to_bytes();
        Ok(Answer { status, body })
    }
}

/// Percent-encoding of everything but the unreserved characters (RFC 3986 §2.3).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_values_survive_encoding() {
        assert_eq!(encoded("a b&c=你"), "a%20b%26c%3D%E4%BD%A0");
    }
}
