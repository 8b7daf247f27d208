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
