//! A thin front door: HTTP in, API Gateway's event (payload format 2.0) to the function, its answer back.
//!
//! ministack creates SAM's `HttpApi` but doesn't route it. What API Gateway does besides — throttling, its own limits, access logs —
//! is not imitated; the template's checks speak of it.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::{Endpoint, Wire, WireError};

/// A front that listens on a free port of 127.0.0.1; it stops when this is dropped.
#[derive(Debug)]
pub struct Front {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Front {
    /// Starts a front before a function of this account.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(endpoint: &Endpoint, function: impl Into<String>) -> Result<Self, std::io::Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let door = Door { wire: Wire::new(endpoint.clone()), function: function.into() };
        Ok(Self { address, task: tokio::spawn(serve(listener, door)) })
    }

    /// Its address, `http://127.0.0.1:port`; callbacks go to `/callbacks/{source}`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Invokes a function with an event and waits for its answer; the function's own failure is an error too.
///
/// # Errors
/// [`WireError`], by cause.
pub async fn invoke(wire: &Wire, function: &str, event: &Value) -> Result<Value, WireError> {
    let path = format!("/2015-03-31/functions/{function}/invocations");
    let answer = wire.rest("lambda", &Method::POST, &path, &[], event.to_string()).await?;
    let what = || format!("invoke {function}");
    if answer.headers().contains_key("x-amz-function-error") {
        let status = answer.status().as_u16();
        let answer = String::from_utf8_lossy(answer.body()).into_owned();
        return Err(WireError::Refused { what: what(), status, answer });
    }
    serde_json::from_slice(answer.body())
        .map_err(|error| WireError::Unreadable { what: what(), cause: error.to_string() })
}

#[derive(Debug, Clone)]
struct Door {
    wire: Wire,
    function: String,
}

impl Door {
    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let answered = match body.collect().await {
            Ok(body) => invoke(&self.wire, &self.function, &event(&head, &body.to_bytes())).await.ok(),
            Err(_) => None,
        };
        // API Gateway's own words when the integration fails.
        let failed = || json!({ "statusCode": 500, "body": "{\"message\":\"Internal Server Error\"}" });
        let answered = answered.and_then(|answer| response(&answer));
        Ok(answered.or_else(|| response(&failed())).unwrap_or_default().map(Full::new))
    }
}

/// The request as an event.
fn event(head: &Parts, body: &Bytes) -> Value {
    let path = head.uri.path();
    let source = path.strip_prefix("/callbacks/").unwrap_or_default();
    let encoded = !body.is_empty() && !is_text(&head.headers);
    let body = if encoded { STANDARD.encode(body) } else { String::from_utf8_lossy(body).into_owned() };
    let method = head.method.as_str();
    let route = format!("{method} /callbacks/{{source}}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": head.uri.query().unwrap_or_default(),
        "headers": headers(&head.headers),
        "pathParameters": { "source": source },
        "requestContext": {
            "accountId": "000000000000", "apiId": "front", "domainName": "127.0.0.1", "domainPrefix": "front",
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "front" },
            "requestId": format!("front-{now}"), "routeKey": route, "stage": "$default", "timeEpoch": u64::try_from(now).unwrap_or_default(),
        },
        "body": body,
        "isBase64Encoded": encoded,
    })
}

/// Names in lower case, values of one name joined by commas.
fn headers(all: &HeaderMap) -> Map<String, Value> {
    let mut joined: Map<String, Value> = Map::new();
    for name in all.keys() {
        let values: Vec<_> =
            all.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        joined.insert(name.as_str().to_owned(), Value::String(values.join(",")));
    }
    joined
}

/// Whether API Gateway passes a body of this type on as it is; others are base64.
fn is_text(headers: &HeaderMap) -> bool {
    let kind =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("text/plain");
    let text = ["text/", "application/json", "application/javascript", "application/xml"];
    text.iter().any(|known| kind.starts_with(known))
}

/// The function's answer as a response; `None` when it has none.
fn response(answer: &Value) -> Option<Response<Bytes>> {
    let status = answer.get("statusCode")?.as_u64()?;
    let body = answer.get("body").and_then(Value::as_str).unwrap_or_default();
    let body = match answer.get("isBase64Encoded").and_then(Value::as_bool) {
        Some(true) => Bytes::from(STANDARD.decode(body).ok()?),
        _ => Bytes::from(body.to_owned()),
    };
    let mut response = Response::builder().status(StatusCode::from_u16(u16::try_from(status).ok()?).ok()?);
    for (name, value) in answer.get("headers").and_then(Value::as_object).into_iter().flatten() {
        response = response.header(name, value.as_str()?);
    }
    response.body(body).ok()
}

async fn serve(listener: TcpListener, door: Door) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let _ignored = stream.set_nodelay(true);
                let door = door.clone();
                connections.spawn(async move {
                    let service = service_fn(move |request| door.clone().answer(request));
                    let server = hyper::server::conn::http1::Builder::new();
                    let _ended = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(content_type: &str) -> Parts {
        let request = Request::post("http://127.0.0.1/callbacks/open-platform?a=1&b=%20")
            .header("content-type", content_type)
            .header("X-Douyin-Signature", "s")
            .header("x-many", "1")
            .header("x-many", "2");
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_request_becomes_the_gateways_event() {
        let event = event(&head("application/json"), &Bytes::from_static(b"{\"a\":1}"));
        assert_eq!(event["rawPath"], "/callbacks/open-platform");
        assert_eq!(event["rawQueryString"], "a=1&b=%20");
        assert_eq!(event["pathParameters"]["source"], "open-platform");
        assert_eq!(event["headers"]["x-douyin-signature"], "s");
        assert_eq!(event["headers"]["x-many"], "1,2");
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("{\"a\":1}"), &json!(false)));
    }

    #[test]
    fn bytes_that_are_no_text_travel_as_base64() {
        let event = event(&head("application/octet-stream"), &Bytes::from_static(&[0xff, 0]));
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
    }

    #[test]
    fn an_answer_becomes_a_response() {
        let answer = json!({ "statusCode": 401, "headers": { "content-type": "text/plain" }, "body": "bm8=", "isBase64Encoded": true });
        let response = response(&answer).unwrap();
        assert_eq!((response.status().as_u16(), response.body().as_ref()), (401, b"no".as_slice()));
        assert_eq!(response.headers()["content-type"], "text/plain");
        assert!(super::response(&json!({ "errorMessage": "x" })).is_none());
    }
}
