//! `sluice-aws`, as reviewers, auditors and operators run it: a process of its own, with their variables, against a stack.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use sluice::demo::callbacks;
use sluice_domain::audit::ProofFile;
use sluice_emulators::deploy::{Binaries, OPERATOR};
use sluice_emulators::{Endpoint, until_async};
use sluice_ports::{Clock as _, HeadSigner as _};

use crate::deployed::Bundle;
use crate::gate::Gate;
use crate::messages::{CULTURE, member};
use crate::workload::play;

const TENANT: &str = "demo-brand";
/// A day and an hour: a day is sealed only when nothing of it can still be under way.
const NEXT_DAY_MS: i64 = 90_000_000;

/// Somebody with a shell and the stack's names.
pub(crate) struct Operator {
    program: PathBuf,
    variables: BTreeMap<String, String>,
}

impl Operator {
    pub(crate) fn new(account: &Endpoint, url: &str, names: BTreeMap<String, String>) -> Self {
        let mut variables = names;
        for (name, value) in [
            ("AWS_ENDPOINT_URL", url),
            ("AWS_REGION", &account.region),
            ("AWS_ACCESS_KEY_ID", &account.access_key),
            ("AWS_SECRET_ACCESS_KEY", &account.secret_key),
        ] {
            variables.insert(name.to_owned(), value.to_owned());
        }
        let program = Binaries::build().unwrap().program(OPERATOR).unwrap().to_owned();
        Self { program, variables }
    }

    async fn ran(&self, args: &[&str]) -> Output {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(args).env_clear().envs(&self.variables).stdin(Stdio::null()).kill_on_drop(true);
        command.output().await.unwrap()
    }

    /// The exit code and the lines of the answer.
    pub(crate) async fn run(&self, args: &[&str]) -> (i32, Vec<Value>) {
        let output = self.ran(args).await;
        let lines = String::from_utf8(output.stdout).unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let parsed = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{told}")));
        (output.status.code().unwrap_or_else(|| panic!("{args:?} was ended: {told}")), parsed.collect())
    }

    /// What it says on standard error.
    async fn complains(&self, args: &[&str]) -> String {
        let output = self.ran(args).await;
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

fn of_deployed(bundle: &Bundle) -> Operator {
    let of = |id: &str| bundle.deployed.resource(id).to_owned();
    let Endpoint { region, access_key, .. } = &bundle.account;
    let arn = |id: &str| format!("arn:aws:kms:{region}:{access_key}:key/{}", of(id));
    let names = [
        ("SLUICE_TABLE_REVIEWS", of("ReviewsTable")),
        ("SLUICE_TABLE_KEYS", of("KeysTable")),
        ("SLUICE_KMS_KEY", arn("Key")),
        ("SLUICE_QUEUE_EVENTS", of("EventsQueue")),
        ("SLUICE_QUEUE_ASSIGNED", of("AssignedQueue")),
        ("SLUICE_TABLE_AUDIT", of("AuditTable")),
        ("SLUICE_DIGESTS", of("DigestsBucket")),
        ("SLUICE_AUDIT_KEY", arn("AuditKey")),
    ];
    let names = names.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Operator::new(&bundle.account, &bundle.account.url, names)
}

/// The reviews of a tenant once there are so many in a state.
async fn listed(operator: &Operator, state: &str, count: usize) -> Vec<Value> {
    let listed = until_async(Duration::from_mins(1), async || {
        let (code, lines) = operator.run(&["review", "list", "--tenant", TENANT, "--state", state]).await;
        assert_eq!(code, 0, "{lines:?}");
        (lines.len() == count).then_some(lines)
    });
    listed.await.unwrap_or_else(|| panic!("there are never {count} reviews that are {state}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reviewer_answers_what_waits_in_a_deployed_stack() {
    let bundle = Bundle::deploy().await;
    let now = sluice_embedded::SystemClock.now();
    let wanted = ["chat with a phone number", "chat with a foreign link"];
    let chats: Vec<_> =
        callbacks::all(now.0).into_iter().filter(|callback| wanted.contains(&callback.title)).collect();
    bundle.play(&chats).await;
    bundle.call(&member(now.0)).await;
    bundle.settled(0).await;
    let operator = of_deployed(&bundle);
    let open = listed(&operator, "open", 3).await;
    let find = |point: &str, code: &str| {
        let found = open.iter().find(|it| it["point"] == point && it["reasons"][0]["code"] == code);
        found.unwrap_or_else(|| panic!("no {point} waits for {code}: {open:#?}"))
    };
    let (number, link) = (find("event", "phone_number"), find("event", "foreign_link"));
    let message = find("message", "absolute_word_exempt");
    assert!(open.iter().all(|review| review["genuine"] == true), "{open:#?}");
    let shown = message["texts"].as_array().unwrap().iter().find(|text| text["field"] == "message").unwrap();
    assert!(shown["text"].as_str().unwrap().contains("追求⟦最佳⟧服务"), "{shown}");
    assert!(bundle.simulators.seen().is_empty());

    let say = async |what: &str, review: &Value, by: &str| {
        let trace = review["trace_id"].as_str().unwrap();
        let args = ["review", what, "--tenant", TENANT, trace, "--by", by, "--why", "看过"];
        let (code, lines) = operator.run(&args).await;
        (code, lines.into_iter().next().unwrap_or_default())
    };
    for review in [number, message] {
        let (code, answer) = say("approve", review, "王芳").await;
        assert_eq!((code, &answer["state"]), (0, &json!("approved")), "{answer}");
    }
    let (code, answer) = say("reject", link, "李雷").await;
    assert_eq!((code, &answer["state"]), (0, &json!("rejected")), "{answer}");
    let (code, answer) = say("approve", link, "王芳").await;
    assert_eq!(code, 1, "it has ended: {answer}");
    assert!(answer["error"].as_str().unwrap().contains("rejected already"), "{answer}");
    let elsewhere = ["review", "show", "--tenant", "demo-mcn", number["trace_id"].as_str().unwrap()];
    assert_eq!(operator.run(&elsewhere).await.0, 1, "another tenant has no such review");

    bundle.settled(0).await;
    listed(&operator, "cleared", 2).await;
    assert_eq!(listed(&operator, "rejected", 1).await[0]["voices"][0]["by"], "李雷");
    let seen = bundle.simulators.seen();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen.iter().any(|message| message.text.contains(CULTURE)), "{seen:?}");

    // Days that are over are sealed, today is not.
    let over = now.business_day().previous().previous();
    for day in [over, over.end().business_day()] {
        bundle.night(&json!({ "day": day })).await;
    }
    let day = over.to_string();
    let (code, lines) = operator.run(&["audit", "verify", "--tenant", TENANT, "--day", &day]).await;
    assert_eq!((code, &lines[0]["seal"]), (0, &json!("intact")), "{lines:?}");
    let today = now.business_day().to_string();
    let complaint = operator.complains(&["audit", "verify", "--tenant", TENANT, "--day", &today]).await;
    assert!(complaint.contains("1 days are not what was sealed"), "{complaint}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_auditor_verifies_days_and_proves_records_of_a_stack() {
    let (gate, account) = Gate::set_without_consents().await;
    play(&gate).await;
    let day = gate.clock.now().business_day();
    let next = day.end().business_day();
    for day in [day, next] {
        gate.clock.reach(gate.clock.now().plus_ms(NEXT_DAY_MS));
        gate.reconcile_day(day).await;
    }
    let operator = Operator::new(&account, &gate.proxy.url(), gate.stack.variables("auditor"));
    let (first, last) = (day.to_string(), next.to_string());
    let verify = ["audit", "verify", "--tenant", TENANT, "--day", &first, "--to", &last];
    let (code, lines) = operator.run(&verify).await;
    assert_eq!((code, lines.len()), (0, 2), "{lines:?}");
    assert!(lines.iter().all(|line| line["seal"] == "intact"), "{lines:?}");

    let (log, _, signer) = gate.auditor(&account);
    let tenant = sluice_domain::id::TenantId::new(TENANT).unwrap();
    let record = sluice_ports::AuditLog::audits(&log, &tenant, day, None).await.unwrap().items.swap_remove(0);
    let trace = record.trace_id.to_string();
    let keys = signer.trusted().await.unwrap();
    for args in [
        vec!["audit", "prove", "--tenant", TENANT, "--trace", &trace],
        vec!["audit", "prove", "--tenant", TENANT, "--trace", &trace, "--redacted"],
        vec!["audit", "prove", "--tenant", TENANT, "--from", &first, "--to", &last],
    ] {
        let (code, lines) = operator.run(&args).await;
        assert_eq!((code, lines.len()), (0, 1), "{args:?}");
        let proof: ProofFile = serde_json::from_value(lines[0].clone()).unwrap();
        assert_eq!(proof.verify(&keys), Ok(()), "{args:?}");
    }
    let (code, lines) = operator.run(&["audit", "public-key"]).await;
    assert_eq!((code, lines.len()), (0, 1), "{lines:?}");
    let complaint = operator.complains(&["audit", "prove", "--tenant", "demo-mcn", "--trace", &trace]).await;
    assert!(complaint.contains("no record of this trace"), "{complaint}");

    let mut lost = Operator::new(&account, "http://127.0.0.1:9", gate.stack.variables("auditor"));
    assert_eq!(lost.run(&verify).await.0, 4, "nobody answers there");
    lost.variables.remove("AWS_REGION");
    assert_eq!(lost.run(&verify).await.0, 3, "its own set-up is not whole");
    lost.variables.remove("SLUICE_DIGESTS");
    assert_eq!(lost.run(&verify).await.0, 2, "nor does it know where to look");

    // An administrator takes a record away: the day is named, and with it the record.
    let key = json!({ "id": { "S": format!("{}#{}#{}", tenant, record.key.source, record.key.message) } });
    let delete = json!({ "TableName": gate.stack.physical["AuditTable"], "Key": key });
    gate.tables().json("dynamodb", "DynamoDB_20120810.DeleteItem", &delete).await.unwrap();
    let (code, lines) = operator.run(&verify).await;
    assert_eq!(code, 1, "{lines:?}");
    assert_eq!(lines[0]["findings"][0]["code"], "record_removed", "{lines:?}");
    assert_eq!(lines[1]["seal"], "intact", "{lines:?}");
}
