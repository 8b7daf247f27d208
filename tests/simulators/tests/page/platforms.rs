//! The simulators' program, as a user starts it, and a client that sends to its platforms.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use sluice_channels::HyperClient;
use sluice_ports::{HttpClient as _, HttpRequest};

/// The program; it is ended when this is dropped.
pub(crate) struct Platforms {
    child: Child,
    http: HyperClient,
    /// Where its page is, with a slash at the end.
    pub(crate) page: String,
}

impl Platforms {
    /// Starts the program at a free port.
    pub(crate) fn start() -> Self {
        Self::start_at("127.0.0.1:0")
    }

    /// Ends this program and starts another one at its address.
    pub(crate) fn started_again(self) -> Self {
        let address = self.page.trim_start_matches("http://").trim_end_matches('/').to_owned();
        drop(self);
        Self::start_at(&address)
    }

    fn start_at(address: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluice-simulators"));
        command.args(["--listen", address]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses: Value = serde_json::from_str(&line).unwrap();
        let page = addresses["page"].as_str().unwrap().to_owned();
        Self { child, http: HyperClient::new().unwrap(), page }
    }

    /// A call as a sender makes it: the answer's status and JSON.
    pub(crate) async fn call(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = HttpRequest {
            method,
            url: format!("{}{path}", self.page),
            headers: Vec::new(),
            body: Bytes::from(if body.is_null() { String::new() } else { body.to_string() }),
            reach: sluice_ports::Reach::default(),
        };
        let answer = self.http.send(request).await.unwrap();
        (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    /// A message to the WeCom group: the status, and WeCom's code.
    pub(crate) async fn to_group(&self, text: &str) -> (u16, i64) {
        let message = json!({ "msgtype": "text", "text": { "content": text } });
        let (status, answer) = self.call(Method::POST, "cgi-bin/webhook/send?key=demo", &message).await;
        (status, code(&answer))
    }

    /// A WeChat message to the person `demo`, under a fresh token: WeChat's code.
    pub(crate) async fn to_person(&self, text: &str) -> i64 {
        let account = json!({ "grant_type": "client_credential", "appid": "wx_demo", "secret": "demo" });
        let (_, token) = self.call(Method::POST, "cgi-bin/stable_token", &account).await;
        let path =
            format!("cgi-bin/message/custom/send?access_token={}", token["access_token"].as_str().unwrap());
        let message = json!({ "touser": "demo", "msgtype": "text", "text": { "content": text } });
        code(&self.call(Method::POST, &path, &message).await.1)
    }

    /// What the door says of the simulators.
    pub(crate) async fn state(&self) -> Value {
        self.call(Method::GET, "_simulator/state", &Value::Null).await.1
    }
}

impl Drop for Platforms {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// -1 where there is none.
fn code(answer: &Value) -> i64 {
    answer["errcode"].as_i64().unwrap_or(-1)
}
