//! Events through all steps, as Lambda's poller would bring them: receive, invoke, delete.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::deploy::{Binaries, workspace};
use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::sandbox::{ColdStart, Sandbox, cold_start};
use super::spent::{Spent, spent};
use super::world::{SECRET, World};

/// The queue-fed steps, with their queues.
const STEPS: [(&str, &str); 3] =
    [("compliance-check", "events"), ("bucket-assignment", "cleared"), ("channel-dispatch", "assigned")];
const DOOR: &str = "webhook-verify";
const NIGHT: &str = "nightly-reconciliation";
/// The step beside the way, with its queue.
const CENSOR: (&str, &str) = ("content-safety", "checks");

/// What one function did with all events of a journey.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Its name.
    pub function: String,
    /// How often it was invoked.
    pub invocations: usize,
    /// From event to answer, of all invocations together.
    pub wall_ms: f64,
    /// The function's processor time for them.
    pub cpu_ms: f64,
    /// What it asked of AWS.
    pub calls: Vec<Spent>,
}

/// A whole journey.
#[derive(Debug, Clone, Serialize)]
pub struct Journey {
    /// Messages a batch, at most.
    pub batch: usize,
    /// Callbacks, besides those that warm up.
    pub events: usize,
    /// Deliveries that ended as delivered.
    pub delivered: usize,
    /// In the order of the way.
    pub steps: Vec<Step>,
}

/// The cold starts of one function, and of the yardstick between them.
pub type ColdStarts = BTreeMap<String, Vec<ColdStart>>;

/// A callback of a person of their own: a 留资 card, signed.
fn callback(number: usize) -> Result<Value> {
    card(&format!("{number:012}"), None)
}

/// A card with so many words that the text censor is asked about it.
fn long_callback(number: usize) -> Result<Value> {
    card(&format!("long-{number:012}"), Some("想了解一下门店的营业时间和预约方式".repeat(14)))
}

fn card(name: &str, note: Option<String>) -> Result<Value> {
    let sample = std::fs::read_to_string(workspace().join("events/webhook-verify/lead-card.json"))?;
    let mut event: Value = serde_json::from_str(&sample)?;
    let body = event.get("body").and_then(Value::as_str).context("a sample without a body")?;
    let mut body: Value = serde_json::from_str(body)?;
    body["client_key"] = "awdemobrand000001".into();
    body["from_user_id"] = format!("bench-person-{name}").into();
    if let Some(note) = note {
        let fields = body.pointer_mut("/content/card_data").and_then(Value::as_array_mut);
        fields.context("a card without fields")?.push(json!({ "label": "备注", "value": note }));
    }
    // The consent in the form is of that moment, and does not last for ever.
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    body["content"]["create_time"] = u64::try_from(now)?.into();
    body["content"]["server_message_id"] = format!("@bench{name}==").into();
    let body = body.to_string();
    let signature = hex::encode(Sha1::new().chain_update(SECRET).chain_update(&body).finalize());
    event["headers"]["msg-id"] = format!("bench-{name}").into();
    event["headers"]["x-douyin-signature"] = signature.into();
    event["body"] = body.into();
    Ok(event)
}

fn accepted(answer: &Value) -> Result<()> {
    ensure!(answer.get("statusCode") == Some(&json!(200)), "a genuine callback was answered with {answer}");
    Ok(())
}

fn done(answer: &Value) -> Result<()> {
    let failures = answer.get("batchItemFailures").and_then(Value::as_array).map_or(0, Vec::len);
    ensure!(failures == 0, "messages came back: {answer}");
    Ok(())
}

/// Measures warm functions: so many events, in batches of so many, the first of that number.
///
/// # Errors
/// When a function fails, or sends a message back.
pub async fn warm(
    world: &World,
    programs: &Binaries,
    (events, batch, first): (usize, usize, usize),
) -> Result<Journey> {
    let program = |name: &'static str| programs.program(name).with_context(|| format!("no `{name}`"));
    let mut steps = Vec::new();
    let mut door = Sandbox::start(program(DOOR)?, DOOR, world.variables()).await?;
    // What is fetched once a process belongs to the cold start.
    accepted(&door.invoke(&callback(first)?).await?.1)?;
    drop(receive(world, "events", 1).await?);
    world.proxy.forget();
    let (before, mut wall) = (door.cpu()?, Duration::ZERO);
    for number in 1..=events {
        let (took, answer) = door.invoke(&callback(first + number)?).await?;
        accepted(&answer)?;
        wall += took;
    }
    steps.push(step(world, DOOR, events, wall, door.cpu()?.saturating_sub(before)).await?);
    // One more, which warms each of the steps.
    accepted(&door.invoke(&callback(first + events + 1)?).await?.1)?;
    door.stop().await?;
    for (function, queue) in STEPS {
        let mut sandbox = Sandbox::start(program(function)?, function, world.variables()).await?;
        let warming =
            receive(world, queue, 1).await?.with_context(|| format!("nothing arrived on `{queue}`"))?;
        done(&sandbox.invoke(&warming.event).await?.1)?;
        warming.delete(world).await?;
        world.proxy.forget();
        let (before, mut wall, mut invocations) = (sandbox.cpu()?, Duration::ZERO, 0);
        while let Some(received) = receive(world, queue, batch).await? {
            let (took, answer) = sandbox.invoke(&received.event).await?;
            done(&answer).with_context(|| function.to_owned())?;
            received.delete(world).await?;
            (wall, invocations) = (wall + took, invocations + 1);
        }
        steps.push(step(world, function, invocations, wall, sandbox.cpu()?.saturating_sub(before)).await?);
        sandbox.stop().await?;
    }
    let delivered = super::spent::delivered(world).await?;
    Ok(Journey { batch, events, delivered, steps })
}

async fn step(
    world: &World,
    function: &str,
    invocations: usize,
    wall: Duration,
    cpu: Duration,
) -> Result<Step> {
    Ok(Step {
        function: function.to_owned(),
        invocations,
        wall_ms: wall.as_secs_f64() * 1e3,
        cpu_ms: cpu.as_secs_f64() * 1e3,
        calls: spent(world, function).await?,
    })
}

/// Measures cold starts: every event meets a process of its own. The yardstick runs between, so that a busy moment hits all alike.
///
/// # Errors
/// As [`warm`].
pub async fn cold(
    world: &World,
    programs: &Binaries,
    hello: &Path,
    (runs, first): (usize, usize),
) -> Result<ColdStarts> {
    let program = |name: &'static str| programs.program(name).with_context(|| format!("no `{name}`"));
    let mut all = ColdStarts::new();
    let seen = (world.variables(), &world.proxy);
    let step = async |function: &'static str, queue: &'static str| {
        let received = receive(world, queue, 1).await?;
        let received = received.with_context(|| format!("nothing arrived on `{queue}`"))?;
        let (start, answer) = cold_start(program(function)?, function, seen, &received.event).await?;
        done(&answer).with_context(|| function.to_owned())?;
        received.delete(world).await?;
        Ok::<_, anyhow::Error>(start)
    };
    let scheduled =
        std::fs::read_to_string(workspace().join("events/nightly-reconciliation/scheduled.json"))?;
    let scheduled: Value = serde_json::from_str(&scheduled)?;
    for run in 0..runs {
        let callback = callback(first + run)?;
        let (start, answer) = cold_start(program(DOOR)?, DOOR, seen, &callback).await?;
        accepted(&answer)?;
        all.entry(DOOR.to_owned()).or_default().push(start);
        for (function, queue) in STEPS {
            all.entry(function.to_owned()).or_default().push(step(function, queue).await?);
        }
        // Two functions bring an event to the censor's, uncounted; what it then sends on its way is for nobody.
        accepted(&cold_start(program(DOOR)?, DOOR, seen, &long_callback(first + run)?).await?.1)?;
        let [(compliance, events), ..] = STEPS;
        step(compliance, events).await?;
        let (censor, checks) = CENSOR;
        all.entry(censor.to_owned()).or_default().push(step(censor, checks).await?);
        let settled = receive(world, events, 1).await?.context("the checked event did not come back")?;
        settled.delete(world).await?;
        let (start, _report) = cold_start(program(NIGHT)?, NIGHT, seen, &scheduled).await?;
        all.entry(NIGHT.to_owned()).or_default().push(start);
        let (start, _nothing) = cold_start(hello, "peer-hello", seen, &json!({})).await?;
        all.entry("peer-hello".to_owned()).or_default().push(start);
    }
    Ok(all)
}

/// A batch off a queue.
struct Received {
    url: String,
    event: Value,
}

async fn receive(world: &World, queue: &str, most: usize) -> Result<Option<Received>> {
    let url = world.queue(queue)?.to_owned();
    let body = json!({
        "QueueUrl": url, "MaxNumberOfMessages": most, "WaitTimeSeconds": 0,
        "MessageAttributeNames": ["All"], "AttributeNames": ["All"],
    });
    let answer = world.queues.json("sqs", "AmazonSQS.ReceiveMessage", &body).await?;
    let messages = answer.get("Messages").and_then(Value::as_array).cloned().unwrap_or_default();
    let records: Vec<Value> = messages.iter().map(|message| record(message, queue)).collect();
    Ok((!records.is_empty()).then(|| Received { url, event: json!({ "Records": records }) }))
}

/// A message as Lambda hands it over.
fn record(message: &Value, queue: &str) -> Value {
    let mut attributes = serde_json::Map::new();
    let all = message.get("MessageAttributes").and_then(Value::as_object);
    for (name, attribute) in all.into_iter().flatten() {
        let value = json!({
            "stringValue": attribute["StringValue"], "dataType": attribute["DataType"],
            "stringListValues": [], "binaryListValues": [],
        });
        attributes.insert(name.clone(), value);
    }
    json!({
        "messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"], "body": message["Body"],
        "md5OfBody": message["MD5OfBody"], "attributes": message["Attributes"], "messageAttributes": attributes,
        "eventSource": "aws:sqs", "eventSourceARN": format!("arn:aws:sqs:us-east-1:123456789012:{queue}"),
        "awsRegion": "us-east-1",
    })
}

impl Received {
    async fn delete(&self, world: &World) -> Result<()> {
        let records = self.event.get("Records").and_then(Value::as_array).cloned().unwrap_or_default();
        let entries: Vec<Value> = (0..)
            .zip(&records)
            .map(|(number, record)| json!({ "Id": format!("{number}"), "ReceiptHandle": record["receiptHandle"] }))
            .collect();
        let body = json!({ "QueueUrl": self.url, "Entries": entries });
        world.queues.json("sqs", "AmazonSQS.DeleteMessageBatch", &body).await?;
        Ok(())
    }
}
