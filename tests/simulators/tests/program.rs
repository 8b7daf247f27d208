//! The program, as another process uses it.

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use http::Method;
use serde_json::Value;
use sluice_channels::HyperClient;
use sluice_ports::{HttpClient, HttpRequest};

/// Stops the program when the test ends, however it ends.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program(arguments: &[&str]) -> Stopped {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice-simulators"));
    let command = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
    Stopped(command.spawn().unwrap())
}

/// What the page orders must be what the door takes: every effect that it offers, as its script puts it together.
#[tokio::test]
async fn the_page_offers_what_the_door_takes() {
    let mut running = program(&[]);
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let addresses: Value = serde_json::from_str(&line).unwrap();
    let page = addresses["page"].as_str().unwrap();
    let http = HyperClient::new().unwrap();
    let call = |method, url: String, body: Value| {
        let body = Bytes::from(if body.is_null() { String::new() } else { body.to_string() });
        http.send(HttpRequest {
            method,
            url,
            headers: Vec::new(),
            body,
            reach: sluice_ports::Reach::default(),
        })
    };
    let html = call(Method::GET, page.to_owned(), Value::Null).await.unwrap();
    assert_eq!(html.headers["content-type"], "text/html; charset=utf-8");
    let html = String::from_utf8(html.body.to_vec()).unwrap();
    let effects: Vec<_> =
        html.split("<option value=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(effects.len(), 9);
    let values = [("status", "status"), ("code", "code"), ("delay", "ms")];
    for effect in &effects {
        let mut fault = serde_json::json!({
            "platform": "wecom", "place": "send", "effect": { "kind": effect }, "times": { "next": 1 },
        });
        if let Some((_, name)) = values.iter().find(|(kind, _)| kind == effect) {
            fault["effect"][*name] = 503.into();
        }
        let answer = call(Method::POST, format!("{page}_simulator/faults"), fault).await.unwrap();
        assert_eq!(answer.status, 200, "{effect}: {:?}", answer.body);
    }
    let moved = serde_json::json!({ "advance_ms": 172_800_000 });
    assert_eq!(call(Method::POST, format!("{page}_simulator/clock"), moved).await.unwrap().status, 200);
    let state = call(Method::GET, format!("{page}_simulator/state"), Value::Null).await.unwrap();
    let state: Value = serde_json::from_slice(&state.body).unwrap();
    assert_eq!(state["faults"].as_array().unwrap().len(), effects.len());
}

#[tokio::test]
async fn it_prints_its_addresses_and_serves() {
    let mut running = program(&[]);
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let addresses: Value = serde_json::from_str(&line).unwrap();
    let url = addresses["control"].as_str().unwrap().to_owned();
    let request = HttpRequest {
        method: Method::GET,
        url,
        headers: Vec::new(),
        body: Bytes::new(),
        reach: sluice_ports::Reach::default(),
    };
    let answer = HyperClient::new().unwrap().send(request).await.unwrap();
    let state: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(state["seen"], serde_json::json!([]));
}

#[test]
fn it_does_not_listen_to_the_network() {
    let mut running = program(&["--listen", "0.0.0.0:0"]);
    assert!(!running.0.wait().unwrap().success());
}
