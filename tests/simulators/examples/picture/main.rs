//! Draws the picture of the page for the documents: `cargo run -p sluice-simulators --example picture -- docs/img/simulators.png`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a picture that can not be drawn is none")]
#![expect(clippy::indexing_slicing, reason = "JSON that lacks a field is null")]
#![allow(dead_code, clippy::allow_attributes, reason = "the tests use more of a person")]

#[path = "../../tests/page/browser.rs"]
mod browser;
#[path = "../../tests/page/person.rs"]
mod person;

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clap::Parser as _;
use http::Method;
use person::Person;
use serde_json::{Value, json};
use sluice_channels::HyperClient;
use sluice_ports::{HttpClient as _, HttpRequest, Reach};
use sluice_simulators::{SimulatorOptions, Simulators};

/// Sends a few messages to simulated platforms, orders a fault, and takes a picture of the page; needs fonts with Chinese (Debian:
/// `fonts-wqy-microhei`).
#[derive(Debug, clap::Parser)]
struct Options {
    /// The PNG to write.
    file: PathBuf,
    /// The width of the window.
    #[arg(long, default_value_t = 1_280)]
    width: u32,
    /// With the colours of the night.
    #[arg(long)]
    dark: bool,
}

struct Sender {
    http: HyperClient,
    url: String,
}

impl Sender {
    /// The answer; none when the connection breaks.
    async fn call(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = HttpRequest {
            method,
            url: format!("{}{path}", self.url),
            headers: Vec::new(),
            body: Bytes::from(if body.is_null() { String::new() } else { body.to_string() }),
            reach: Reach::default(),
        };
        let answer = self.http.send(request).await;
        answer.ok().and_then(|answer| serde_json::from_slice(&answer.body).ok()).unwrap_or_default()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.call(Method::POST, path, &body).await
    }
}

/// What a demonstration would send: cards to a group, a notice to a member that is repeated, an answer to a person; one minute with
/// more than the group's bot takes.
async fn play(sender: &Sender) {
    let group = "/cgi-bin/webhook/send?key=demo";
    for _ in 0..22 {
        sender.post(group, json!({ "msgtype": "text", "text": { "content": "【示例品牌】有新的私信，请按授权用途跟进。" } })).await;
    }
    sender.post("/_simulator/clock", json!({ "advance_ms": 61_000 })).await;
    for (name, phone, event) in [("李*", "139****2741", "a1b2c2"), ("张*", "138****8000", "a1b2c3")] {
        let card = format!(
            "【示例品牌】有客户提交了留资表单，并同意由销售团队联系。\n姓名：{name}\n手机：{phone}\n编号 {event}"
        );
        sender.post(group, json!({ "msgtype": "text", "text": { "content": card } })).await;
    }
    let token =
        sender.call(Method::GET, "/cgi-bin/gettoken?corpid=ww_demo&corpsecret=demo", &Value::Null).await;
    let message = format!("/cgi-bin/message/send?access_token={}", token["access_token"].as_str().unwrap());
    for _ in 0..2 {
        let notice = json!({
            "touser": "demo", "msgtype": "text", "agentid": 1_000_002, "enable_duplicate_check": 1,
            "text": { "content": "已授权客户有新的动态：私信。请按授权用途跟进。" },
        });
        sender.post(&message, notice).await;
    }
    let account = json!({ "grant_type": "client_credential", "appid": "wx_demo", "secret": "demo" });
    let token = sender.post("/cgi-bin/stable_token", account).await;
    let custom =
        format!("/cgi-bin/message/custom/send?access_token={}", token["access_token"].as_str().unwrap());
    let confirmed = "【示例机构】您预约的到店体验已确认。回复“退订”可停止接收。";
    sender
        .post(&custom, json!({ "touser": "demo", "msgtype": "text", "text": { "content": confirmed } }))
        .await;
}

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> std::io::Result<()> {
    let Options { file, width, dark } = Options::parse();
    let simulators = Simulators::start(SimulatorOptions::demo()).await.unwrap();
    let sender = Sender { http: HyperClient::new().unwrap(), url: simulators.feishu_url.clone() };
    play(&sender).await;
    let mut person = Person::open(&format!("{}/", sender.url));
    let scheme = if dark { "dark" } else { "light" };
    let features = json!([
        { "name": "prefers-color-scheme", "value": scheme },
        // A message that has just arrived is coloured for a moment.
        { "name": "prefers-reduced-motion", "value": "reduce" },
    ]);
    person.ask("Emulation.setEmulatedMedia", &json!({ "features": features }));
    person.resizes(width, 600, 1);
    person.sees("document.querySelectorAll('.inbox').length === 3");
    person.chooses("[name=platform]", "feishu");
    person.chooses("[name=effect]", "reset_after_commit");
    person.types("[name=times]", "2");
    person.clicks("#fault button:not([type])");
    person.sees("document.querySelectorAll('#faults li:not(.none)').length === 1");
    person.chooses("[name=effect]", "status");
    person.value("document.activeElement.blur(); scrollTo(0, 0)");
    // Nor is what the mouse is over.
    person.ask("Input.dispatchMouseEvent", &json!({ "type": "mouseMoved", "x": 0, "y": 0 }));
    // The whole page, however long it is.
    let picture = person.ask("Page.captureScreenshot", &json!({ "captureBeyondViewport": true }));
    std::fs::write(file, STANDARD.decode(picture["data"].as_str().unwrap()).unwrap())
}
