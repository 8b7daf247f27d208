//! The platforms without a network, at any moment that the caller names: for simulated time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::wire::{Call, Reply, parameters};
use crate::world::{Conduct, World};
use crate::{Counters, Fault, Platform, Seen, SimulatorOptions};

/// An answer of the platforms.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// The three platforms, called directly.
pub struct InProcess {
    world: Mutex<World>,
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("InProcess")
    }
}

impl InProcess {
    /// Platforms whose time begins at `now_ms`.
    pub fn new(options: SimulatorOptions, now_ms: i64) -> Self {
        Self { world: Mutex::new(World::new(options, now_ms)) }
    }

    /// Carries a call out at a moment. `None` when the connection breaks; answers are never late: the caller has the time.
    pub fn call(
        &self,
        method: &Method,
        address: &Uri,
        headers: HeaderMap,
        body: Bytes,
        now_ms: i64,
    ) -> Option<Answered> {
        let (path, query) = (address.path().to_owned(), parameters(address.query()));
        let call = Call { method: method.clone(), path, query, headers, body };
        match self.world().call(&call, now_ms) {
            Conduct::Answer(reply) | Conduct::AnswerLate(reply, _) => Some(answered(reply)),
            Conduct::Truncate(_) | Conduct::Reset => None,
        }
    }

    /// Orders a fault.
    pub fn inject(&self, fault: Fault) {
        self.world().faults.order(fault);
    }

    /// A WeChat person allows one message of a template.
    pub fn wechat_person_allows(&self, app_id: &str, open_id: &str, template_id: &str) {
        self.world().wechat.allows(app_id, open_id, template_id);
    }

    /// What recipients have seen so far, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.world().seen.clone()
    }

    /// What a platform counted.
    pub fn counters(&self, platform: Platform) -> Counters {
        self.world().counters(platform)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answered(reply: Reply) -> Answered {
    let mut headers = HeaderMap::new();
    for (name, value) in reply.headers {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    Answered { status: reply.status, headers, body: Bytes::from(reply.body) }
}
