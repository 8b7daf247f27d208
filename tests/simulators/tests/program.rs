//! The program, as another process uses it: as its README says.

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use sluice_channels::HyperClient;
use sluice_ports::{HttpClient as _, HttpRequest, Reach};
use sluice_simulators::SimulatorOptions;

const README: &str = include_str!("../README.md");

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice-simulators"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn ended(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

/// The program while it serves; it is ended when this is dropped.
struct Serving {
    child: Child,
    addresses: Value,
}

impl Serving {
    fn start(arguments: &[&str]) -> Self {
        let mut child = program(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, addresses: serde_json::from_str(&line).unwrap() }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A call of the README's: the words after `curl`, up to the comment.
async fn curl(line: &str, address: &str) -> (u16, Value) {
    let line = line.split(" # ").next().unwrap().trim();
    let (url, body) = line.split_once(" -d ").unwrap_or((line, ""));
    let method = if body.is_empty() { Method::GET } else { Method::POST };
    let unquoted = |word: &str| word.trim_matches('\'').to_owned();
    let request = HttpRequest {
        method,
        url: unquoted(url).replace("http://127.0.0.1:18090", address),
        headers: Vec::new(),
        body: Bytes::from(unquoted(body)),
        reach: Reach::default(),
    };
    let answer = HyperClient::new().unwrap().send(request).await.unwrap();
    (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap())
}

#[tokio::test]
async fn it_does_what_its_readme_says() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("simulators.json");
    std::fs::write(&file, ended(&["--print-options"]).stdout).unwrap();
    let serving = Serving::start(&["--options", file.to_str().unwrap()]);
    let address = serving.addresses["feishu"].as_str().unwrap();
    assert_eq!(serving.addresses["page"], format!("{address}/"));
    assert_eq!(serving.addresses["control"], format!("{address}/_simulator/state"));

    let mut answers = Vec::new();
    for call in README.lines().filter_map(|line| line.strip_prefix("curl ")) {
        let (status, answer) = curl(call, address).await;
        assert_eq!(status, 200, "{call}: {answer}");
        answers.push(answer);
    }
    let [sent, state, fault, clock, people] = answers.try_into().unwrap();
    assert_eq!(sent["errcode"], 0);
    assert_eq!(state["seen"][0]["text"], "你好");
    assert_eq!([fault, clock, people], [json!({}), json!({}), json!({})]);
    let (_, state) = curl(&format!("{address}/_simulator/state"), address).await;
    assert_eq!(state["faults"][0]["times"], json!({ "next": 3 }));
}

#[test]
fn the_options_it_prints_are_those_it_has() {
    let printed = ended(&["--print-options"]).stdout;
    assert_eq!(
        serde_json::from_slice::<Value>(&printed).unwrap(),
        serde_json::to_value(SimulatorOptions::demo()).unwrap()
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("simulators.json");
    std::fs::write(&file, r#"{"wecom_bots":[{"key":"sales"}]}"#).unwrap();
    let printed = ended(&["--options", file.to_str().unwrap(), "--print-options"]).stdout;
    let printed: SimulatorOptions = serde_json::from_slice(&printed).unwrap();
    assert_eq!(printed.wecom_bots.first().unwrap().key, "sales");
}

#[test]
fn it_says_why_it_does_not_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (missing, odd) = (path("missing.json"), path("odd.json"));
    std::fs::write(Path::new(&odd), r#"{"wecom_bot":[]}"#).unwrap();
    let serving = Serving::start(&[]);
    let taken = serving.addresses["feishu"].as_str().unwrap().trim_start_matches("http://");
    let cases = [
        (["--options", &missing], format!("error: can not read the options `{missing}`: No such file")),
        (
            ["--options", &odd],
            format!("error: the options `{odd}` are not what simulators take: unknown field `wecom_bot`"),
        ),
        (
            ["--listen", "0.0.0.0:0"],
            "error: the simulators listen on loopback addresses only, got `0.0.0.0`".to_owned(),
        ),
        (
            ["--listen", taken],
            format!("error: the simulators can not listen at `{taken}`: Address already in use"),
        ),
    ];
    for (arguments, told) in cases {
        let ended = ended(&arguments);
        let words = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.code() == Some(1) && words.starts_with(&told), "{arguments:?}: {words}");
    }
}
