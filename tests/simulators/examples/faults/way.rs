//! The way to the platforms and back, on which anything goes wrong: before the platform took the message, after it, and long after
//! nobody waits any more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use sluice_ports::{Clock as _, HttpClient, HttpRequest, HttpResponse, TransportError};
use sluice_simulators::InProcess;

use crate::chance::{Chance, Skewed};

/// The product's client waits no longer (`HyperClient`).
const TIMEOUT_MS: u64 = 5_000;
/// Of so many calls …
const ROLL: u64 = 1_000;
/// … so many meet each fault.
const FAULTS: [(Fault, u64); 10] = [
    (Fault::NotConnected, 10),
    (Fault::LostBefore, 10),
    (Fault::LostAfter, 10),
    (Fault::TimedOutBefore, 5),
    (Fault::TimedOutAfter, 5),
    (Fault::Straggler, 5),
    (Fault::CutAnswer, 5),
    (Fault::TenMegabytes, 5),
    (Fault::Page, 5),
    (Fault::Gateway, 5),
];

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// No connection; the platform never hears of it.
    NotConnected,
    /// The connection drops before the platform took it.
    LostBefore,
    /// The connection drops after the platform took it.
    LostAfter,
    /// No answer in time, and the platform never took it.
    TimedOutBefore,
    /// The platform took it at once; no answer in time.
    TimedOutAfter,
    /// No answer in time; the platform takes it when nobody waits any more.
    Straggler,
    /// Half of the platform's answer comes.
    CutAnswer,
    /// Ten megabytes come in place of the platform's answer; the client reads 64 KiB.
    TenMegabytes,
    /// Something on the way puts a page under status 200 in place of the platform's answer, a refusal's too.
    Page,
    /// A gateway puts 502 or 504 in place of the platform's answer.
    Gateway,
}

impl Fault {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NotConnected => "no connection",
            Self::LostBefore => "connection lost before it was taken",
            Self::LostAfter => "connection lost after it was taken",
            Self::TimedOutBefore => "timed out, never taken",
            Self::TimedOutAfter => "timed out, taken at once",
            Self::Straggler => "timed out, taken later",
            Self::CutAnswer => "half an answer",
            Self::TenMegabytes => "ten megabytes in place of the answer",
            Self::Page => "a page under 200 in place of the answer",
            Self::Gateway => "502 or 504 in place of the answer",
        }
    }
}

/// The way.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) platform: Arc<InProcess>,
    pub(crate) time: Skewed,
    pub(crate) chance: Chance,
    pub(crate) struck: Arc<Mutex<BTreeMap<Fault, u64>>>,
    pub(crate) calls: Arc<Mutex<u64>>,
}

impl Way {
    fn fault(&self) -> Option<Fault> {
        *self.calls.lock().unwrap() += 1;
        let mut roll = self.chance.below(ROLL);
        let fault = FAULTS.iter().find_map(|(fault, share)| {
            let struck = roll < *share;
            roll = roll.saturating_sub(*share);
            struck.then_some(*fault)
        })?;
        *self.struck.lock().unwrap().entry(fault).or_default() += 1;
        Some(fault)
    }

    /// The platform takes the call; `None` when it dropped the connection itself.
    fn taken(&self, request: HttpRequest) -> Result<Option<HttpResponse>, TransportError> {
        let address = request.url.parse().map_err(|_| TransportError::BadRequest("address".to_owned()))?;
        let headers = request.headers.into_iter().collect();
        let answer = self.platform.call(&request.method, &address, headers, request.body, self.time.now().0);
        Ok(answer.map(|it| HttpResponse { status: it.status, headers: it.headers, body: it.body }))
    }
}

impl HttpClient for Way {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let fault = self.fault();
        self.chance.takes(5, 40).await;
        let lost = || TransportError::NoAnswer("connection lost".to_owned());
        match fault {
            Some(Fault::NotConnected) => return Err(TransportError::NotSent("refused".to_owned())),
            Some(Fault::LostBefore) => return Err(lost()),
            Some(Fault::TimedOutBefore) => return timed_out().await,
            Some(Fault::Straggler) => {
                let (way, later) = (self.clone(), 1_000 + self.chance.below(20_000));
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(TIMEOUT_MS + later)).await;
                    let _unheard = way.taken(request);
                });
                return timed_out().await;
            }
            _ => {}
        }
        let answer = self.taken(request)?;
        self.chance.takes(5, 40).await;
        match fault {
            Some(Fault::LostAfter) => Err(lost()),
            Some(Fault::TimedOutAfter) => timed_out().await,
            Some(Fault::CutAnswer) => {
                Err(TransportError::BadAnswer("end of file before message length".to_owned()))
            }
            Some(Fault::TenMegabytes) => Err(TransportError::BadAnswer("length limit exceeded".to_owned())),
            Some(Fault::Page) => Ok(page(StatusCode::OK)),
            Some(Fault::Gateway) if self.chance.below(2) == 0 => Ok(page(StatusCode::BAD_GATEWAY)),
            Some(Fault::Gateway) => Ok(page(StatusCode::GATEWAY_TIMEOUT)),
            _ => answer.ok_or_else(lost),
        }
    }
}

async fn timed_out() -> Result<HttpResponse, TransportError> {
    tokio::time::sleep(Duration::from_millis(TIMEOUT_MS)).await;
    Err(TransportError::NoAnswer("timed out".to_owned()))
}

fn page(status: StatusCode) -> HttpResponse {
    HttpResponse {
        status,
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"<html>please log in</html>"),
    }
}
