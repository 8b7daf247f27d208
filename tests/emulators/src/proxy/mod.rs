//! A proxy between the functions and an emulator: it records every call, and breaks those that a [`Rule`] names.
//!
//! A function is told of it by `AWS_ENDPOINT_URL`; the proxy knows the function by the `app/…` of the SDK's user agent.
//! It is controlled from the same process, so that a test may look at what happened without another protocol.
//!
//! ```
//! # async fn example() -> Result<(), std::io::Error> {
//! use sluice_emulators::proxy::{Fault, Proxy, Rule, Service};
//!
//! let proxy = Proxy::start("http://127.0.0.1:4566").await?;
//! proxy.inject(Rule::new(Fault::LostAnswer).service(Service::DynamoDb).operation("PutItem").once(1));
//! // … functions work against `proxy.url()` …
//! assert_eq!(proxy.struck(), 0);
//! # Ok(())
//! # }
//! ```

mod action;
mod answer;
mod call;
mod partial;
mod recording;
mod resource;
mod rule;
mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;

pub use call::{Call, Service};
pub use recording::{Recorded, Recording, Sum, Total};
pub use rule::{Fault, Rule};

use rule::Rules;
use server::Shared;

/// A proxy that listens on a free port of 127.0.0.1; it stops, and drops its connections, when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: tokio::task::JoinHandle<()>,
}

/// What calls and tests share.
#[derive(Debug, Default)]
struct State {
    upstream: String,
    short_polls: bool,
    recording: Recording,
    struck: usize,
    rules: Rules,
}

impl Proxy {
    /// Starts a proxy before the emulator at this address (`http://host:port`).
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(upstream: impl Into<String>) -> Result<Self, std::io::Error> {
        Self::start_with(upstream, []).await
    }

    /// Starts a proxy that sends the calls of some services to emulators of their own.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start_with(
        upstream: impl Into<String>,
        services: impl IntoIterator<Item = (Service, String)>,
    ) -> Result<Self, std::io::Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State { upstream: upstream.into(), ..State::default() }));
        let shared = Shared::new(services.into_iter().collect(), Arc::clone(&state));
        Ok(Self { address, state, task: tokio::spawn(server::serve(listener, shared)) })
    }

    /// Its address, `http://127.0.0.1:port`: the value for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends what comes from now on there: for an emulator that must know this proxy's address when it starts.
    pub fn forward_to(&self, upstream: impl Into<String>) {
        self.with(|state| state.upstream = upstream.into());
    }

    /// Makes every long poll of SQS a short one. An emulator holds all messages in one place, so an empty answer is the truth at once.
    pub fn shorten_polls(&self) {
        self.with(|state| state.short_polls = true);
    }

    /// What was called since the start, or since [`Proxy::forget`].
    pub fn recording(&self) -> Recording {
        self.with(|state| state.recording.clone())
    }

    /// Empties the recording.
    pub fn forget(&self) {
        self.with(|state| (state.recording, state.struck) = (Recording::default(), 0));
    }

    /// How many calls a fault struck since then, those still under way included.
    pub fn struck(&self) -> usize {
        self.with(|state| state.struck)
    }

    /// Adds a rule. The first rule that strikes a call decides it.
    pub fn inject(&self, rule: Rule) {
        self.with(|state| state.rules.add(rule));
    }

    /// Takes all rules back; calls pass untouched from now on.
    pub fn heal(&self) {
        self.with(|state| state.rules = Rules::default());
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}
