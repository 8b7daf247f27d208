//! AWS's protocols by hand: what a test asks an emulator beside what the functions ask it.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::Endpoint;

/// Calls an emulator without an SDK. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Wire {
    endpoint: Endpoint,
    http: Client<HttpConnector, Full<Bytes>>,
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Nothing answered.
    #[error("`{what}` is not answered: {cause}")]
    Silent {
        /// Which call.
        what: String,
        /// The transport's words.
        cause: String,
    },
    /// The emulator refused.
    #[error("`{what}` is answered with {status}: {answer}")]
    Refused {
        /// Which call.
        what: String,
        /// The HTTP status.
        status: u16,
        /// The body.
        answer: String,
    },
    /// The answer has another shape.
    #[error("the answer to `{what}` can not be read: {cause}")]
    Unreadable {
        /// Which call.
        what: String,
        /// What is wrong with it.
        cause: String,
    },
}

impl Wire {
    /// To this endpoint.
    pub fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, http: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Whom it calls, and as whom.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// A call of the JSON protocols; `target` is the whole `X-Amz-Target`.
    ///
    /// # Errors
    /// [`WireError`], by cause.
    pub async fn json(&self, service: &str, target: &str, body: &Value) -> Result<Value, WireError> {
        let headers = [("x-amz-target", target), ("content-type", "application/x-amz-json-1.0")];
        let answer = self.rest(service, &Method::POST, "/", &headers, body.to_string()).await?;
        read_json(target, answer.body())
    }

    /// A call of the query protocol; the answer is XML, for [`texts`].
    ///
    /// # Errors
    /// [`WireError`], by cause.
    pub async fn form(
        &self,
        service: &str,
        action: &str,
        parameters: &[(String, String)],
    ) -> Result<String, WireError> {
        let mut body = format!("Action={action}");
        for (name, value) in parameters {
            // Writing to a string does not fail.
            let _written = write!(body, "&{}={}", encoded(name), encoded(value));
        }
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.rest(service, &Method::POST, "/", &headers, body).await?;
        Ok(String::from_utf8_lossy(answer.body()).into_owned())
    }

    /// Any other call; any status but 2xx is an error.
    ///
    /// # Errors
    /// [`WireError`], by cause.
    pub async fn rest(
        &self,
        service: &str,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Response<Bytes>, WireError> {
        let what = || match headers.iter().find(|(name, _)| *name == "x-amz-target") {
            Some((_, target)) => format!("{service} {target}"),
            None => format!("{service} {method} {path}"),
        };
        let silent =
            |cause: &dyn std::fmt::Display| WireError::Silent { what: what(), cause: cause.to_string() };
        let Endpoint { url, region, access_key, .. } = &self.endpoint;
        // No emulator looks at the signature; the scope says which service and account are meant.
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={access_key}/20261121/{region}/{service}/aws4_request, SignedHeaders=host;x-amz-date, Signature=0"
        );
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{url}{path}"))
            .header("authorization", authorization)
            .header("x-amz-date", "20261121T000000Z");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).map_err(|error| silent(&error))?;
        let response = self.http.request(request).await.map_err(|error| silent(&error))?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| silent(&error))?.to_bytes();
        if parts.status.is_success() {
            return Ok(Response::from_parts(parts, body));
        }
        let answer = String::from_utf8_lossy(&body).into_owned();
        Err(WireError::Refused { what: what(), status: parts.status.as_u16(), answer })
    }
}

/// An answer as JSON; an empty one is `null`.
fn read_json(what: &str, body: &[u8]) -> Result<Value, WireError> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    let unreadable =
        |error: serde_json::Error| WireError::Unreadable { what: what.to_owned(), cause: error.to_string() };
    serde_json::from_slice(body).map_err(unreadable)
}

/// The contents of every `<tag>…</tag>` without children of the same name, in order.
pub fn texts(xml: &str, tag: &str) -> Vec<String> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    xml.split(open.as_str())
        .skip(1)
        .filter_map(|rest| rest.split_once(close.as_str()))
        .map(|(text, _)| {
            text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
        })
        .collect()
}

/// Percent-encoding of everything but the unreserved characters (RFC 3986 §2.3).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _written = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_values_survive_encoding() {
        assert_eq!(encoded("a b&c=你/"), "a%20b%26c%3D%E4%BD%A0%2F");
    }

    #[test]
    fn xml_is_read_by_tag() {
        let xml = "<a><Status>ONE</Status><b><Status>T&amp;WO</Status></b></a>";
        assert_eq!(texts(xml, "Status"), ["ONE", "T&WO"]);
        assert_eq!(texts(xml, "Other"), Vec::<String>::new());
    }
}
