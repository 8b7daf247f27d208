//! The night erases a person, and nothing readable of them is left in any table, queue, object or line of the logs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex};

use http::Method;
use serde_json::{Value, json};
use sluice::demo::callbacks::{self, WANG};
use sluice_domain::id::TenantId;
use sluice_domain::settings::Settings;
use sluice_emulators::{Endpoint, texts};
use sluice_ports::{AuditLog as _, Clock as _, Queue};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry};

use crate::gate::Gate;
use crate::workload::sum;

/// What the person's callbacks say of them.
const PLAIN: [&str; 5] = [WANG, "13912345678", "王小明", "我是车主", "捷途70什么时候到店"];
/// A day and an hour: the night of a day that is over.
const NEXT_DAY_MS: i64 = 90_000_000;
/// Ours tell what they do; others' lines begin at `info`, as in the functions.
const LEVELS: &str = "info,sluice=debug,webhook_verify=debug,compliance_check=debug,bucket_assignment=debug,channel_dispatch=debug,content_safety=debug,nightly_reconciliation=debug";

/// The demo's configuration; who takes their authorisation back is forgotten.
fn settings() -> Settings {
    let files = sluice::builtin::FILES.iter().map(|(name, text)| {
        (*name, text.replacen("    # erase_on: [unauthorize]", "    erase_on: [unauthorize]", 1))
    });
    sluice_settings::load_bundle(&files.collect()).unwrap()
}

/// The lines that this thread logs.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Every item of every table, as it is written.
async fn tables(gate: &Gate) -> BTreeMap<String, Vec<String>> {
    let wire = gate.tables();
    let mut all = BTreeMap::new();
    for (table, _) in gate.stack.template.of_type("AWS::DynamoDB::Table") {
        let (mut items, mut from) = (Vec::new(), Value::Null);
        loop {
            let mut scan = json!({ "TableName": table, "ConsistentRead": true });
            if !from.is_null() {
                scan["ExclusiveStartKey"] = from;
            }
            let page = wire.json("dynamodb", "DynamoDB_20120810.Scan", &scan).await.unwrap();
            items.extend(page["Items"].as_array().unwrap().iter().map(Value::to_string));
            from = page["LastEvaluatedKey"].clone();
            if from.is_null() {
                break;
            }
        }
        all.insert(table, items);
    }
    all
}

/// Every message of every queue; they stay hidden for a while afterwards.
async fn queues(gate: &Gate) -> Vec<String> {
    let mut all = Vec::new();
    for (queue, _) in gate.stack.template.of_type("AWS::SQS::Queue") {
        let url = &gate.stack.physical[&queue];
        let asked = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 600, "AttributeNames": ["All"], "MessageAttributeNames": ["All"] });
        loop {
            let answer: Value = gate.wire.json("sqs", "AmazonSQS.ReceiveMessage", &asked).await.unwrap();
            let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                break;
            }
            all.extend(messages.iter().map(Value::to_string));
        }
    }
    all
}

/// Every object of every bucket.
async fn objects(gate: &Gate) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (bucket, _) in gate.stack.template.of_type("AWS::S3::Bucket") {
        let bucket = &gate.stack.physical[&bucket];
        let listed =
            gate.wire.rest("s3", &Method::GET, &format!("/{bucket}?list-type=2"), &[], "").await.unwrap();
        for key in texts(std::str::from_utf8(listed.body()).unwrap(), "Key") {
            let path = format!("/{bucket}/{key}");
            let object = gate.wire.rest("s3", &Method::GET, &path, &[], "").await.unwrap();
            all.push((path, String::from_utf8_lossy(object.body()).into_owned()));
        }
    }
    all
}

/// Every audit record of the person's tenant and today, as JSON.
async fn evidence(gate: &Gate, account: &Endpoint) -> String {
    let (log, _, _) = gate.auditor(account);
    let tenant = TenantId::new("demo-brand").unwrap();
    let (mut all, mut cursor) = (String::new(), None);
    loop {
        let page = log.audits(&tenant, gate.clock.now().business_day(), cursor).await.unwrap();
        all.extend(page.items.iter().map(|record| serde_json::to_string(record).unwrap()));
        cursor = page.next;
        if cursor.is_none() {
            return all;
        }
    }
}

/// The sealed values of the person that wait in reviews.
fn sealed(reviews: &[String], person: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for item in reviews.iter().filter(|item| item.contains(person)) {
        let item: Value = serde_json::from_str(item).unwrap();
        let review: Value = serde_json::from_str(item["record"]["S"].as_str().unwrap()).unwrap();
        let fields = review["work"]["event"]["personal"].as_object().cloned().unwrap_or_default();
        all.extend(fields.values().map(|value| value.as_str().unwrap().to_owned()));
    }
    all
}

fn holders<'a>(tables: &'a BTreeMap<String, Vec<String>>, text: &str) -> BTreeSet<&'a str> {
    let holding = tables.iter().filter(|(_, items)| items.iter().any(|item| item.contains(text)));
    holding.map(|(table, _)| table.as_str()).collect()
}

#[tokio::test]
async fn nothing_readable_of_an_erased_person_is_left_in_the_account() {
    let lines = Lines::default();
    let writer = lines.clone();
    let written = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
    let written = written.with_filter(LEVELS.parse::<Targets>().unwrap());
    let _logging = tracing::subscriber::set_default(Registry::default().with(written));
    let (gate, account) = Gate::set_with(settings()).await;
    gate.grant_standing_consents(&account).await;
    let plan = callbacks::all(gate.clock.now().0);
    for callback in &plan {
        gate.call(callback).await;
    }
    gate.settle().await;
    // One of their messages was given up before it was decided.
    let said = plan.iter().find(|callback| callback.title == "chat").unwrap();
    let again = callbacks::Callback { message_id: Some("chat-crashed"), ..said.clone() };
    gate.call(&again).await;
    while gate.crash(Queue::Events).await {}
    let person = gate.person("demo-brand", WANG).await;
    let before = tables(&gate).await;
    let values = sealed(&before["ReviewsTable"], &person);
    // The search finds what is there.
    assert!(values.len() >= 2, "{values:?}");
    assert!(values.iter().all(|value| holders(&before, value) == BTreeSet::from(["ReviewsTable"])));
    for table in ["ConsentTable", "ExposuresTable", "DeliveriesTable", "ReviewsTable"] {
        assert!(holders(&before, &person).contains(table), "{table} knows them not");
    }
    let audits = before["AuditTable"].clone();
    // Audit records are packed, so they are read as who may read them does.
    let evidence = evidence(&gate, &account).await;
    assert!(evidence.contains(&person));

    for callback in callbacks::endings() {
        gate.call(&callback).await;
    }
    gate.settle().await;
    let day = gate.clock.now().business_day();
    let delivered = gate.simulators.seen().len();
    gate.clock.reach(gate.clock.now().plus_ms(NEXT_DAY_MS));
    let reports = gate.reconcile_day(day).await;
    assert!(sum(&reports)["delivered"] > 0, "{reports:#?}");

    let after = tables(&gate).await;
    for value in values.iter().map(String::as_str).chain(PLAIN) {
        assert_eq!(holders(&after, value), BTreeSet::new(), "{value}");
    }
    // Their name stays with evidence and with what was ended of them, and in the one entry that they were erased.
    assert_eq!(holders(&after, &person), BTreeSet::from(["ConsentTable", "ReviewsTable"]));
    let own = after["ConsentTable"].iter().filter(|item| item.contains(&person)).count();
    assert_eq!(own, 1, "consents are kept under a reference");
    assert!(audits.iter().all(|record| after["AuditTable"].contains(record)), "evidence was changed");
    for value in values.iter().map(String::as_str).chain(PLAIN) {
        assert!(!evidence.contains(value), "{value} is in the evidence");
    }

    // What was given up is put back by the night, and refused.
    gate.settle().await;
    assert_eq!(gate.simulators.seen().len(), delivered, "nothing is sent any more");
    for (what, text) in objects(&gate)
        .await
        .into_iter()
        .chain(queues(&gate).await.into_iter().map(|text| ("a queue".to_owned(), text)))
    {
        for value in PLAIN {
            assert!(!text.contains(value), "{value} in {what}");
        }
    }
    let text = lines.text();
    assert!(text.contains("erased: a person") && text.contains("block: rule"), "{text}");
    for value in values.iter().map(String::as_str).chain(PLAIN) {
        assert!(!text.contains(value), "{value} was logged");
    }

    // Again, there is nobody.
    gate.reconcile_day(day).await;
    assert_eq!(lines.text().matches("erased: a person").count(), 1);
}
