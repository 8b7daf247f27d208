//! Lambda's Runtime API as one function sees it: it asks for the next event, and posts its answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

/// Longer than any function's own limit: after it, the function hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a function said.
#[derive(Debug, Clone, PartialEq)]
pub enum Word {
    /// It asks for the next event.
    Ready,
    /// Its answer to the last one.
    Answer(Value),
    /// That it does not start, or could not answer.
    Failed {
        /// Where it said so: `…/runtime/init/error`, `…/runtime/invocation/ID/error`.
        path: String,
        /// What it said.
        error: Value,
    },
}

/// The Runtime API of one function.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    events: mpsc::Sender<Bytes>,
    words: mpsc::Receiver<(Instant, Word)>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    events: Mutex<mpsc::Receiver<Bytes>>,
    words: mpsc::Sender<(Instant, Word)>,
}

impl RuntimeApi {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (events, next) = mpsc::channel(1);
        let (say, words) = mpsc::channel(4);
        let shared = Arc::new(Shared { events: Mutex::new(next), words: say });
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // As Lambda's own: an answer of two small writes must not wait for an acknowledgement.
                let _best_effort = stream.set_nodelay(true);
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let answer = service_fn(|request| answer(request, Arc::clone(&shared)));
                    let _closed = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer)
                        .await;
                });
            }
        });
        Ok(Self { address, events, words, task })
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Waits until the function asks for an event.
    pub(crate) async fn ready(&mut self) -> Result<Instant> {
        match self.word().await? {
            (at, Word::Ready) => Ok(at),
            (_, Word::Failed { error, .. }) => bail!("the function does not start: {error}"),
            (_, Word::Answer(_)) => bail!("the function answered before it was asked"),
        }
    }

    /// Gives it one and waits for the answer, and for its next request, so that its work is over.
    pub(crate) async fn invoke(&mut self, event: &Value) -> Result<(Duration, Value)> {
        let start = Instant::now();
        self.hand_over(event).await?;
        let (at, answer) = match self.word().await? {
            (at, Word::Answer(answer)) => (at, answer),
            (_, Word::Failed { error, .. }) => bail!("the function failed: {error}"),
            (_, Word::Ready) => bail!("the function asked for an event before it answered the last one"),
        };
        self.ready().await?;
        Ok((at.saturating_duration_since(start), answer))
    }

    /// Gives it an event.
    ///
    /// # Errors
    /// When the event is no JSON.
    pub async fn hand_over(&self, event: &Value) -> Result<()> {
        Ok(self.events.send(Bytes::from(serde_json::to_vec(event)?)).await?)
    }

    /// Waits for what it says next.
    ///
    /// # Errors
    /// When it says nothing for 30 s.
    pub async fn next(&mut self) -> Result<Word> {
        Ok(self.word().await?.1)
    }

    async fn word(&mut self) -> Result<(Instant, Word)> {
        let word = tokio::time::timeout(PATIENCE, self.words.recv()).await;
        word.context("the function says nothing for 30 s")?.context("the Runtime API has ended")
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let now = Instant::now();
    let path = request.uri().path().to_owned();
    if request.method() == Method::GET && path.ends_with("/runtime/invocation/next") {
        let _nobody_waits = shared.words.send((now, Word::Ready)).await;
        let Some(event) = shared.events.lock().await.recv().await else { return Ok(Response::default()) };
        return Ok(invocation(event));
    }
    let body = request.into_body().collect().await?.to_bytes();
    let said = serde_json::from_slice(&body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
    let word =
        if path.ends_with("/response") { Word::Answer(said) } else { Word::Failed { path, error: said } };
    let _nobody_waits = shared.words.send((Instant::now(), word)).await;
    let mut accepted = Response::new(Full::default());
    *accepted.status_mut() = StatusCode::ACCEPTED;
    Ok(accepted)
}

fn invocation(event: Bytes) -> Response<Full<Bytes>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let mut response = Response::new(Full::new(event));
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", now.saturating_add(60_000).to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned(),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0".to_owned(),
        ),
        ("content-type", "application/json".to_owned()),
    ];
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
