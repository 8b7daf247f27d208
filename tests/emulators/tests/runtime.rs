//! What Lambda hears of a function that does not start, and of an invocation that panics: real programs against a Runtime API.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_emulators::deploy::{Binaries, FUNCTIONS, compile_settings, workspace};
use sluice_emulators::measure::{RuntimeApi, Word};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

/// Stands for whatever must not be told.
const SECRET: &str = "hunter2-0123456789abcdef";
/// A process that was told to end, or has failed, ends within it.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// What every function is told; nothing of it is there, for no function gets so far, or needs it.
fn variables(settings: &Path) -> Vec<(String, String)> {
    let url = |name: &str| format!("http://127.0.0.1:9/000000000000/{name}");
    let mut variables = vec![
        ("AWS_REGION".to_owned(), "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID".to_owned(), "000000000000".to_owned()),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), SECRET.to_owned()),
        ("AWS_SESSION_TOKEN".to_owned(), SECRET.to_owned()),
        ("AWS_ENDPOINT_URL".to_owned(), "http://127.0.0.1:9".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION".to_owned(), "1".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE".to_owned(), "256".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME".to_owned(), "g".to_owned()),
        ("AWS_LAMBDA_LOG_STREAM_NAME".to_owned(), "s".to_owned()),
        ("AWS_LAMBDA_LOG_FORMAT".to_owned(), "JSON".to_owned()),
        ("SLUICE_CONFIG".to_owned(), settings.display().to_string()),
        ("SLUICE_KMS_KEY".to_owned(), "arn:aws:kms:us-east-1:000000000000:key/k".to_owned()),
        ("SLUICE_AUDIT_KEY".to_owned(), "arn:aws:kms:us-east-1:000000000000:key/a".to_owned()),
        ("SLUICE_SECRETS_PREFIX".to_owned(), "sluice".to_owned()),
        ("SLUICE_REPORTS".to_owned(), "reports".to_owned()),
        ("SLUICE_DIGESTS".to_owned(), "digests".to_owned()),
        ("SLUICE_DIGEST_LOCK".to_owned(), "GOVERNANCE".to_owned()),
        ("SLUICE_DIGEST_DAYS".to_owned(), "1".to_owned()),
    ];
    for table in ["KEYS", "CONSENT", "AUDIT", "EXPOSURES", "DELIVERIES", "ORDERS", "RECEIPTS", "REVIEWS"] {
        variables.push((format!("SLUICE_TABLE_{table}"), table.to_lowercase()));
    }
    for queue in ["EVENTS", "CLEARED", "ASSIGNED", "CHECKS"] {
        variables.push((format!("SLUICE_QUEUE_{queue}"), url(queue)));
        variables.push((format!("SLUICE_DLQ_{queue}"), url(queue)));
    }
    variables
}

fn spawn(program: &Path, name: &str, api: &RuntimeApi, variables: &[(String, String)]) -> Child {
    Command::new(program)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", api.authority())
        .env("AWS_LAMBDA_FUNCTION_NAME", name)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// What a process wrote until it ended, by line.
async fn log_of(child: &mut Child) -> (String, Vec<Value>) {
    let mut text = String::new();
    let read = child.stderr.as_mut().unwrap().read_to_string(&mut text);
    tokio::time::timeout(ENDS_WITHIN, read).await.unwrap().unwrap();
    let lines =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")));
    let lines = lines.collect();
    (text, lines)
}

/// What makes a start fail, and a word of what is said about it.
fn broken(case: &str, directory: &Path, variables: &mut Vec<(String, String)>) -> &'static str {
    let mut set = |name: &str, value: &str| {
        variables.retain(|(known, _)| known != name);
        variables.push((name.to_owned(), value.to_owned()));
    };
    let file = directory.join("settings.json");
    match case {
        "a secret in place of a configuration" => {
            std::fs::write(file, format!("{{\"format\":1,\"token\":\"{SECRET}\"}}")).unwrap();
            "compile the configuration anew"
        }
        "no configuration" => "make it with `sluice config compile`",
        "a filter that is none" => {
            compile_settings(directory).unwrap();
            set("SLUICE_LOG", "sluice=loud=er");
            "`SLUICE_LOG` is not a log filter"
        }
        "no address of a configuration" => {
            set("SLUICE_CONFIG", "");
            "must be a directory or s3://bucket/prefix"
        }
        other => panic!("no case `{other}`"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_that_can_not_start_says_why_and_ends() {
    let binaries = Binaries::build().unwrap();
    for function in FUNCTIONS {
        for case in [
            "a secret in place of a configuration",
            "no configuration",
            "a filter that is none",
            "no address of a configuration",
        ] {
            let directory = tempfile::tempdir().unwrap();
            let mut variables = variables(directory.path());
            let words = broken(case, directory.path(), &mut variables);
            let mut api = RuntimeApi::start().await.unwrap();
            let mut child = spawn(binaries.program(function).unwrap(), function, &api, &variables);

            let Word::Failed { path, error } = api.next().await.unwrap() else {
                panic!("{function}, {case}: it starts")
            };
            assert!(path.ends_with("/runtime/init/error"), "{function}, {case}: {path}");
            assert_eq!(error["errorType"], "Sluice.InitError");
            let message = error["errorMessage"].as_str().unwrap();
            assert!(message.contains(words), "{function}, {case}: {message}");

            let (text, lines) = log_of(&mut child).await;
            let last = lines.last().unwrap();
            assert_eq!((&last["level"], &last["event"]), (&json!("ERROR"), &json!("init_failed")), "{text}");
            assert!(last["message"].as_str().unwrap().contains(words), "{text}");
            assert!(
                !text.contains(SECRET) && !error.to_string().contains(SECRET),
                "{function}, {case}: {text}"
            );
            let ended = tokio::time::timeout(ENDS_WITHIN, child.wait()).await.unwrap().unwrap();
            assert_eq!(ended.code(), Some(1), "{function}, {case}");
        }
    }
}

/// The example, as the workspace's tests are built.
fn panicking() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = std::process::Command::new(cargo)
        .current_dir(workspace())
        .args(["build", "--workspace", "--example", "panicking", "--message-format=json-render-diagnostics"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let messages = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs =
        messages.filter_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)));
    programs.next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_fails_its_invocation_and_the_process_serves_the_next() {
    let settings = tempfile::tempdir().unwrap();
    compile_settings(settings.path()).unwrap();
    let mut api = RuntimeApi::start().await.unwrap();
    let mut child = spawn(&panicking(), "panicking", &api, &variables(settings.path()));
    assert_eq!(api.next().await.unwrap(), Word::Ready);
    for _ in 0..2 {
        api.hand_over(&json!({"panic": SECRET})).await.unwrap();
        let Word::Failed { path, error } = api.next().await.unwrap() else { panic!("it answered") };
        assert!(path.contains("/runtime/invocation/") && path.ends_with("/error"), "{path}");
        assert!(error["errorMessage"].as_str().unwrap().starts_with("the invocation panicked"), "{error}");
        assert!(!error.to_string().contains(SECRET), "{error}");
        assert_eq!(api.next().await.unwrap(), Word::Ready);

        api.hand_over(&json!({})).await.unwrap();
        assert_eq!(api.next().await.unwrap(), Word::Answer(json!({"done": true})));
        assert_eq!(api.next().await.unwrap(), Word::Ready);
    }
    assert_eq!(child.try_wait().unwrap(), None, "it lives on");

    child.start_kill().unwrap();
    let (text, lines) = log_of(&mut child).await;
    let of = |name: &str, value: &str| lines.iter().filter(|line| line[name] == value).count();
    assert_eq!(of("code", "panic"), 2, "{text}");
    assert_eq!(of("message", "invocation panicked"), 2, "{text}");
    assert_eq!(of("message", "a line that is kept until an invocation fails"), 2, "{text}");
    let place = lines.iter().find(|line| line["code"] == "panic").unwrap()["place"].as_str().unwrap();
    assert!(place.contains("panicking.rs:"), "{place}");
    assert!(!text.contains(SECRET), "{text}");
}
