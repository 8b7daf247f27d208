//! Every function under `cargo lambda watch --only-lambda-apis`, called with `cargo lambda invoke … --data-file events/…`: one
//! function at a time, on AWS APIs without AWS.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sluice_emulators::deploy::{Binaries, compile_settings, workspace};
use sluice_emulators::{Endpoint, Ministack, Wire, until};

use crate::stack::Stack;

/// The tenant of the samples, and its keys (`functions/*/tests/handler`): they seal and sign the samples and nothing else.
const TENANT: &str = "demo-brand";
const KEYS: [(&str, [u8; 32]); 2] = [("index", [7; 32]), ("data-0000000001", [9; 32])];

/// Each function starts at its first call.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// A process of this test, which ends with it.
struct Running(Child);

impl Running {
    /// Of a process that has ended.
    fn output(&mut self, status: ExitStatus) -> Output {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        self.0.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
        self.0.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
        Output { status, stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn cargo_lambda() -> PathBuf {
    let tool = workspace().join(".tools/cargo-lambda/bin/cargo-lambda");
    assert!(tool.exists(), "`{}` is missing: `cargo xtask test` installs it", tool.display());
    tool
}

/// The Lambda APIs, and a function that asks them for work.
struct Watch {
    port: u16,
    functions: Vec<Running>,
    logs: tempfile::TempDir,
    settings: tempfile::TempDir,
    _apis: Running,
}

impl Watch {
    fn start() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let apis = Command::new(cargo_lambda())
            .args(["lambda", "watch", "--only-lambda-apis", "--invoke-address", "127.0.0.1"])
            .args(["--invoke-port", &port.to_string()])
            .current_dir(workspace())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let apis = Running(apis.unwrap());
        let listening =
            until(Duration::from_secs(30), || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        assert!(listening.is_some(), "`cargo lambda watch` does not listen");
        let settings = tempfile::tempdir().unwrap();
        compile_settings(settings.path()).unwrap();
        Self { port, functions: Vec::new(), logs: tempfile::tempdir().unwrap(), settings, _apis: apis }
    }

    fn run(&mut self, binaries: &Binaries, function: &str, endpoint: &Endpoint, stack: &Stack) {
        let mut command = Command::new(binaries.program(function).unwrap());
        command
            .env_clear()
            .envs(endpoint.variables())
            .envs(stack.variables(function))
            .env("SLUICE_CONFIG", self.settings.path())
            .env("AWS_LAMBDA_RUNTIME_API", format!("http://127.0.0.1:{}/.rt/{function}", self.port))
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "g")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "s")
            .stdout(self.log(function))
            .stderr(self.log(function));
        self.functions.push(Running(command.spawn().unwrap()));
    }

    /// Where a function writes.
    fn log(&self, function: &str) -> std::fs::File {
        std::fs::File::options().create(true).append(true).open(self.logs.path().join(function)).unwrap()
    }

    /// What a function wrote.
    fn words(&self, function: &str) -> String {
        std::fs::read_to_string(self.logs.path().join(function)).unwrap_or_default()
    }

    /// As a person types it.
    fn invoke(&self, function: &str, event: &str) -> Value {
        let child = Command::new(cargo_lambda())
            .args(["lambda", "invoke", function, "--invoke-address", "127.0.0.1"])
            .args([
                "--invoke-port",
                &self.port.to_string(),
                "--data-file",
                &format!("events/{function}/{event}.json"),
            ])
            .current_dir(workspace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = Running(child.unwrap());
        // A function that does not start never asks for work, and the call would wait for ever.
        let ended = until(ANSWERED_WITHIN, || child.0.try_wait().unwrap());
        let status =
            ended.unwrap_or_else(|| panic!("{function} {event}: no answer\n{}", self.words(function)));
        let output = child.output(status);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{function} {event}: {words}");
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{function} {event}: {error}: {words}"))
    }
}

/// The keys of the samples, wrapped as webhook-verify would have wrapped its own.
async fn keep_sample_keys(wire: &Wire, stack: &Stack) {
    for (version, key) in KEYS {
        let context = json!({ "tenant": TENANT, "version": version });
        let asked = json!({ "KeyId": stack.physical["Key"], "Plaintext": STANDARD.encode(key), "EncryptionContext": context });
        let wrapped = wire.json("kms", "TrentService.Encrypt", &asked).await.unwrap();
        let item = json!({
            "tenant": { "S": TENANT }, "version": { "S": version }, "wrapped": { "B": wrapped["CiphertextBlob"] },
            "kms_key": { "S": stack.physical["Key"] }, "made_at": { "N": "0" }, "seals_from": { "N": "0" },
        });
        let put = json!({ "TableName": stack.physical["KeysTable"], "Item": item });
        wire.json("dynamodb", "DynamoDB_20120810.PutItem", &put).await.unwrap();
    }
}

async fn keep_secret(wire: &Wire, name: &str, secret: &str) {
    let body = json!({ "Name": format!("sluice/{TENANT}/{name}"), "SecretString": secret, "ClientRequestToken": "0".repeat(32) });
    wire.json("secretsmanager", "secretsmanager.CreateSecret", &body).await.unwrap();
}

/// How many messages a queue holds, seen or not.
async fn depth(wire: &Wire, url: &str) -> u64 {
    let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    let asked = json!({ "QueueUrl": url, "AttributeNames": names });
    let answer = wire.json("sqs", "AmazonSQS.GetQueueAttributes", &asked).await.unwrap();
    names.iter().map(|name| answer["Attributes"][name].as_str().unwrap().parse::<u64>().unwrap()).sum()
}

#[tokio::test]
async fn every_function_answers_its_sample_events() {
    let endpoint = Ministack::shared().unwrap().fresh();
    let wire = Wire::new(endpoint.clone());
    let stack = Stack::make(&wire, &wire).await;
    keep_sample_keys(&wire, &stack).await;
    let samples =
        webhook_verify::samples::Manifest::load(&workspace().join("events/webhook-verify")).unwrap();
    let source = samples.sources.iter().find(|source| source.id.as_str() == "open-platform").unwrap();
    keep_secret(&wire, "demo-brand/open-platform", samples.secret(source).unwrap().expose_secret()).await;

    let binaries = Binaries::build().unwrap();
    let mut watch = Watch::start();
    for function in sluice_emulators::deploy::FUNCTIONS {
        watch.run(&binaries, function, &endpoint, &stack);
    }
    let held = async |queue: &str| depth(&wire, &stack.physical[queue]).await;
    let none_failed = json!({ "batchItemFailures": [] });

    let answer = watch.invoke("webhook-verify", "new-follow-action");
    assert_eq!(answer["statusCode"], 200, "{answer}");
    assert_eq!(held("EventsQueue").await, 1, "the event is queued before the answer");
    let answer = watch.invoke("webhook-verify", "forged");
    assert_eq!(answer["statusCode"], 401, "{answer}");
    assert_eq!(held("EventsQueue").await, 1);

    assert_eq!(watch.invoke("compliance-check", "lead"), none_failed);
    assert_eq!(held("ClearedQueue").await, 1, "the lead may be contacted");
    assert_eq!(watch.invoke("compliance-check", "no-consent"), none_failed);
    assert_eq!(held("ClearedQueue").await, 1, "nobody without consent is");
    assert_eq!(watch.invoke("compliance-check", "malformed"), none_failed);
    assert!(held("EventsDeadLetters").await > 0, "what can not be read is buried");

    assert_eq!(watch.invoke("bucket-assignment", "cleared"), none_failed);
    assert!(held("AssignedQueue").await > 0);
    assert_eq!(watch.invoke("bucket-assignment", "forged-and-malformed"), none_failed);
    assert!(held("ClearedDeadLetters").await > 0, "a clearance that the engine did not make goes nowhere");

    assert_eq!(watch.invoke("channel-dispatch", "forged-and-malformed"), none_failed);
    assert!(held("AssignedDeadLetters").await > 0);

    assert_eq!(watch.invoke("content-safety", "malformed"), none_failed);
    assert!(held("ChecksDeadLetters").await > 0);

    let outcome = watch.invoke("nightly-reconciliation", "one-day");
    assert_eq!(outcome["day"], "2026-11-20", "{outcome}");
    let outcome = watch.invoke("nightly-reconciliation", "scheduled");
    assert_eq!(outcome["day"], "2026-11-20", "{outcome}");
}
