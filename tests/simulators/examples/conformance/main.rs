//! Sluice's dispatcher for the conformance report: the number of a message as a line of JSON in, what the records say of it as a line
//! of JSON out. `--options` prints what the simulators must know.

#![expect(clippy::unwrap_used, reason = "a measurement that can not be set up has failed")]
#![allow(dead_code, clippy::allow_attributes, reason = "the measurement under faults uses more of the scene")]

#[path = "../faults/scene.rs"]
mod scene;

use std::io::{BufRead as _, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use channel_dispatch::ChannelDispatch;
use http::Method;
use scene::{FixedKeys, Named, Scene};
use serde_json::{Value, json};
use sluice_channels::{Channels, Endpoints, HyperClient};
use sluice_domain::delivery::DeliveryState;
use sluice_domain::failure::FailureKind;
use sluice_domain::time::UnixMillis;
use sluice_embedded::{Options, Store, SystemEntropy};
use sluice_ports::{Clock, Deliveries as _, HttpClient as _, HttpRequest, Reach};
use sluice_simulators::SimulatorClock;
use sluice_steps::Stage as _;
use sluice_telemetry::{Counters, Metrics};

/// Longer than any wait of the cases; more is no answer.
const MOST_TURNS: usize = 200;

/// The simulators' time, as their door told it last.
struct Simulated(SimulatorClock);

impl Clock for Simulated {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.now_ms())
    }
}

/// The simulators' door for other processes.
struct Door {
    base: String,
    client: HyperClient,
}

impl Door {
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let request = HttpRequest {
            method,
            url: format!("{}/_simulator/{path}", self.base),
            headers: Vec::new(),
            body: body.map(|body| Bytes::from(body.to_string())).unwrap_or_default(),
            reach: Reach::Platform,
        };
        let answer = self.client.send(request).await.unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let argument = std::env::args().nth(1).unwrap();
    let mut out = std::io::stdout().lock();
    let scene = Scene::new(1, 1);
    if argument == "--options" {
        writeln!(out, "{}", json!(scene.options(1))).unwrap();
        return;
    }
    let door = Door { base: argument.clone(), client: HyperClient::new().unwrap() };
    let clock = Arc::new(Simulated(SimulatorClock::default()));
    let options = Options { clock: clock.clone(), ..Options::default() };
    let store = Store::in_memory(options).unwrap();
    let endpoints = Endpoints::new(&argument, &argument, &argument).unwrap();
    let channels = Channels::new(endpoints, HyperClient::new().unwrap(), Named, Arc::clone(&clock));
    let dispatch = ChannelDispatch {
        settings: Arc::clone(&scene.settings),
        store: store.clone(),
        keys: FixedKeys,
        sender: channels.sharing(store.clone(), FixedKeys, SystemEntropy),
        clock: Arc::clone(&clock),
        entropy: SystemEntropy,
        metrics: Metrics::new(Counters::default()),
    };
    writeln!(out, "{{}}").unwrap();
    for line in std::io::stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let number = usize::try_from(asked.get("number").and_then(Value::as_u64).unwrap()).unwrap();
        let told = asked.get("now_ms").and_then(Value::as_i64).unwrap();
        clock.0.set_ms(told);
        let at = clock.now();
        for _ in 0..MOST_TURNS {
            let result = dispatch.handle(vec![scene.assigned(number, at)]).await.remove(0);
            let Err(error) = result else { break };
            let wait = match error.kind {
                FailureKind::ThrottledUntil(until) => until.since(clock.now()).max(0) + 1,
                FailureKind::Retry | FailureKind::Configuration => 60_000,
                FailureKind::Permanent | FailureKind::InDoubt => break,
            };
            // Time goes by on both sides.
            door.call(Method::POST, "clock", Some(json!({ "advance_ms": wait }))).await;
            clock.0.advance_ms(wait);
        }
        let delivery = store.delivery(&scene.key(number)).await.unwrap().unwrap();
        let said = match delivery.state {
            DeliveryState::Delivered => "sent",
            DeliveryState::InDoubt => "in doubt",
            DeliveryState::Refused => "refused",
            DeliveryState::Claimed { .. } | DeliveryState::Waiting { .. } => "waiting",
        };
        let code = delivery.attempts.last().and_then(|attempt| attempt.code.clone());
        // The others were held back here: by a limit, or while the endpoint is tried out.
        let left = delivery.attempts.iter().filter(|attempt| attempt.request_sha256.is_some()).count();
        let answer = json!({ "said": said, "tries": left, "why": code });
        writeln!(out, "{answer}").unwrap();
    }
}
