//! Carries calls over HTTP/1.1 and does to connections what faults ask for.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::SimulatorClock;
use crate::control::control;
use crate::wire::{Call, Reply, parameters};
use crate::world::{Conduct, World};

/// More than any platform takes: an image has 10 MB, and its form a little more.
const BODY_LIMIT: usize = 12 * 1_024 * 1_024;

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) clock: SimulatorClock,
}

/// A connection that is to be dropped.
#[derive(Debug, thiserror::Error)]
#[error("connection dropped")]
pub(crate) struct Dropped;

impl Shared {
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.world.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn answer(self, request: http::Request<Incoming>) -> Result<http::Response<Answer>, Dropped> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, BODY_LIMIT).collect().await.map_err(|_| Dropped)?.to_bytes();
        let call = Call {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: parameters(head.uri.query()),
            headers: head.headers,
            body,
        };
        let conduct = self.with(|world| match control(world, &self.clock, &call) {
            Some(reply) => Conduct::Answer(reply),
            None => world.call(&call, self.clock.now_ms()),
        });
        match conduct {
            Conduct::Answer(reply) => response(reply, false),
            Conduct::AnswerLate(reply, ms) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                response(reply, false)
            }
            Conduct::Truncate(reply) => response(reply, true),
            Conduct::Reset => Err(Dropped),
        }
    }
}

fn response(reply: Reply, cut: bool) -> Result<http::Response<Answer>, Dropped> {
    let length = reply.body.len();
    let mut bytes = Bytes::from(reply.body);
    if cut {
        bytes.truncate(length / 2);
    }
    let mut response = http::Response::builder().status(reply.status).header("content-length", length);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Answer { bytes: Some(bytes), cut }).map_err(|_| Dropped)
}

/// A body in one piece, after which the connection may break.
struct Answer {
    bytes: Option<Bytes>,
    cut: bool,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        match self.bytes.take() {
            Some(bytes) if !bytes.is_empty() => {
                // The half must be on its way before the break.
                context.waker().wake_by_ref();
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            _ if self.cut => Poll::Ready(Some(Err(Dropped))),
            _ => Poll::Ready(None),
        }
    }
}

/// Serves until the task is stopped; its connections stop with it.
pub(crate) async fn serve(listener: TcpListener, shared: Shared) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let shared = shared.clone();
                connections.spawn(async move {
                    let service = service_fn(move |request| shared.clone().answer(request));
                    let server = hyper::server::conn::http1::Builder::new();
                    // A dropped connection is what a fault asks for.
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
