//! Carries calls over HTTP/1.1, and does to them what the rules say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use super::answer::{self, Answer};
use super::partial::Split;
use super::{Call, Fault, Recorded, Service, State};

/// What all connections share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    services: Arc<BTreeMap<Service, String>>,
    state: Arc<Mutex<State>>,
    http: Client<HttpConnector, Full<Bytes>>,
}

/// A connection that is dropped on purpose.
#[derive(Debug, thiserror::Error)]
#[error("connection dropped")]
struct Dropped;

impl Shared {
    pub(super) fn new(services: BTreeMap<Service, String>, state: Arc<Mutex<State>>) -> Self {
        let http = Client::builder(TokioExecutor::new()).build_http();
        Self { services: Arc::new(services), state, http }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Dropped> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
        // A task of its own: a caller that gives up waiting must not undo what the service does.
        tokio::spawn(self.answer_whole(head, body)).await.map_err(|_| Dropped)?
    }

    async fn answer_whole(self, head: Parts, body: Bytes) -> Result<Response<Full<Bytes>>, Dropped> {
        let call = Call::read(&head.method, &head.uri, &head.headers, &body);
        let (fault, short_polls) = self.with(|state| {
            let fault = state.rules.strike(&call);
            state.struck += usize::from(fault.is_some());
            (fault, state.short_polls)
        });
        let bytes_in = body.len();
        let body = if short_polls && call.operation == "ReceiveMessage" { without_wait(body) } else { body };
        let answered = self.carry_out(&call, fault, head, body).await;
        let recorded = Recorded {
            call,
            bytes_in,
            bytes_out: answered.as_ref().map_or(0, |answer| answer.body().len()),
            status: answered.as_ref().ok().map(|answer| answer.status().as_u16()),
            fault: fault.map(Fault::as_str),
        };
        self.with(|state| state.recording.note(recorded));
        answered.map(|answer| answer.map(Full::new))
    }

    async fn carry_out(
        &self,
        call: &Call,
        fault: Option<Fault>,
        head: Parts,
        body: Bytes,
    ) -> Result<Answer, Dropped> {
        match fault {
            None => Ok(self.forward(call.service, head, body).await),
            Some(Fault::Throttle) => Ok(answer::throttled(call.service)),
            Some(Fault::Status(status)) => Ok(answer::failed(call.service, status)),
            Some(Fault::TransactionConflict) => Ok(answer::transaction_conflict(call)),
            Some(Fault::Reset) => Err(Dropped),
            Some(Fault::LostAnswer) => {
                self.forward(call.service, head, body).await;
                Err(Dropped)
            }
            Some(Fault::Delay(time)) => {
                tokio::time::sleep(time).await;
                Ok(self.forward(call.service, head, body).await)
            }
            Some(Fault::Unprocessed) => Ok(self.half(call, head, body).await),
        }
    }

    /// Carries out the first half of a batch.
    async fn half(&self, call: &Call, head: Parts, body: Bytes) -> Answer {
        let request = serde_json::from_slice(&body).unwrap_or_default();
        let Some(mut split) = Split::of(&call.operation, &request) else {
            return self.forward(call.service, head, body).await;
        };
        let Some(forward) = split.forward.take() else {
            return answer::json_answer(200, &split.complete(serde_json::Value::Null));
        };
        let answered = self.forward(call.service, head, forward.to_string().into()).await;
        if !answered.status().is_success() {
            return answered;
        }
        answer::json_answer(200, &split.complete(serde_json::from_slice(answered.body()).unwrap_or_default()))
    }

    async fn forward(&self, service: Service, head: Parts, body: Bytes) -> Answer {
        let upstream = match self.services.get(&service) {
            Some(own) => own.clone(),
            None => self.with(|state| state.upstream.clone()),
        };
        let upstream = upstream.trim_end_matches('/');
        let path = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let mut request = Request::builder().method(&head.method).uri(format!("{upstream}{path}"));
        if let Some(headers) = request.headers_mut() {
            *headers = passed_on(head.headers, &Method::POST);
        }
        let request = match request.body(Full::new(body)) {
            Ok(request) => request,
            Err(error) => return answer::bad_gateway(&error.to_string()),
        };
        let response = match self.http.request(request).await {
            Ok(response) => response,
            Err(error) => return answer::bad_gateway(&error.to_string()),
        };
        let (mut parts, body) = response.into_parts();
        parts.headers = passed_on(parts.headers, &head.method);
        match body.collect().await {
            Ok(body) => Response::from_parts(parts, body.to_bytes()),
            Err(error) => answer::bad_gateway(&error.to_string()),
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A receive that does not wait for messages.
fn without_wait(body: Bytes) -> Bytes {
    let Ok(serde_json::Value::Object(mut request)) = serde_json::from_slice(&body) else { return body };
    request.insert("WaitTimeSeconds".to_owned(), 0.into());
    serde_json::Value::Object(request).to_string().into()
}

/// Without what belongs to one connection. The length is set anew, but for the answer to a `HEAD`, which has no body to measure.
fn passed_on(mut headers: HeaderMap, method: &Method) -> HeaderMap {
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::EXPECT] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    if method != Method::HEAD {
        headers.remove(header::CONTENT_LENGTH);
    }
    headers
}

/// Serves until the task is stopped; its connections stop with it.
pub(super) async fn serve(listener: TcpListener, shared: Shared) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                // Answers are small: without this each would wait for the peer's delayed acknowledgement.
                let _ignored = stream.set_nodelay(true);
                let shared = shared.clone();
                connections.spawn(async move {
                    let service = service_fn(move |request| shared.clone().answer(request));
                    let server = hyper::server::conn::http1::Builder::new();
                    // A dropped connection is what a fault asks for.
                    let _ended = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
