//! The event source mapping of SQS, in the test's own process: batches of ten in, what failed stays.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use serde_json::{Value, json};
use sluice_domain::time::UnixMillis;
use sluice_emulators::{Wire, WireError};
use sluice_ports::{BuriedMessage, Clock, Inbox, PortError, Queue};

use crate::clock::TestClock;

/// The shortest visibility timeout in the template: bucket-assignment's, six times its own time-out.
const VISIBLE_AGAIN_MS: i64 = 90_000;

/// What a step asked to see later: receipt handle → when, by the test's clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct Postponed(Arc<Mutex<BTreeMap<String, UnixMillis>>>);

/// An inbox that also remembers what was postponed, so that the test's clock can go there.
pub(crate) struct Remembering<'a, I> {
    pub(crate) inbox: &'a I,
    pub(crate) postponed: &'a Postponed,
    pub(crate) clock: &'a TestClock,
}

impl<I: Inbox> Inbox for Remembering<'_, I> {
    async fn bury(&self, queue: Queue, message: BuriedMessage) -> Result<(), PortError> {
        self.inbox.bury(queue, message).await
    }

    async fn postpone(&self, queue: Queue, receipt_handle: &str, seconds: u32) -> Result<(), PortError> {
        let due = self.clock.now().plus_ms(i64::from(seconds) * 1_000);
        self.postponed.0.lock().unwrap().insert(receipt_handle.to_owned(), due);
        self.inbox.postpone(queue, receipt_handle, seconds).await
    }
}

/// Reads one queue as Lambda does.
pub(crate) struct Poller {
    wire: Wire,
    url: String,
    /// Messages that failed, and when they come back.
    held: Mutex<Vec<(String, UnixMillis)>>,
    pub(crate) postponed: Postponed,
}

impl Poller {
    pub(crate) fn new(wire: Wire, url: String) -> Self {
        Self { wire, url, held: Mutex::default(), postponed: Postponed::default() }
    }

    async fn sqs(&self, operation: &str, mut body: Value) -> Value {
        body["QueueUrl"] = self.url.clone().into();
        self.wire.json("sqs", &format!("AmazonSQS.{operation}"), &body).await.unwrap()
    }

    /// The next batch, if the queue has one.
    pub(crate) async fn receive(&self) -> Option<SqsEvent> {
        let asked = json!({ "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"] });
        let answer = self.sqs("ReceiveMessage", asked).await;
        let records: Vec<_> = answer["Messages"].as_array()?.iter().map(record).collect();
        if records.is_empty() {
            return None;
        }
        Some(serde_json::from_value(json!({ "Records": records })).unwrap())
    }

    /// Deletes what succeeded. What failed comes back: when its step said, or after the visibility timeout.
    pub(crate) async fn settle(&self, event: &SqsEvent, response: &SqsBatchResponse, now: UnixMillis) {
        for record in &event.records {
            let (id, handle) = (record.message_id.clone().unwrap(), record.receipt_handle.clone().unwrap());
            let failed = response.batch_item_failures.iter().any(|failure| failure.item_identifier == id);
            let postponed = self.postponed.0.lock().unwrap().remove(&handle);
            match (failed, postponed) {
                (false, _) => drop(self.sqs("DeleteMessage", json!({ "ReceiptHandle": handle })).await),
                (true, Some(due)) => self.held.lock().unwrap().push((handle, due)),
                (true, None) => self.held.lock().unwrap().push((handle, now.plus_ms(VISIBLE_AGAIN_MS))),
            }
        }
    }

    /// Fails a whole batch, as a function that crashes does.
    pub(crate) async fn crash(&self, event: &SqsEvent) {
        for record in &event.records {
            self.show(record.receipt_handle.as_deref().unwrap()).await;
        }
    }

    /// When the earliest of what failed is due.
    pub(crate) fn next_due(&self) -> Option<UnixMillis> {
        self.held.lock().unwrap().iter().map(|(_, due)| *due).min()
    }

    /// Makes visible what is due by now.
    pub(crate) async fn release(&self, now: UnixMillis) {
        let due: Vec<_> = {
            let mut held = self.held.lock().unwrap();
            let due = held.iter().filter(|(_, due)| *due <= now).cloned().collect();
            held.retain(|(_, due)| *due > now);
            due
        };
        for (handle, _) in due {
            self.show(&handle).await;
        }
    }

    async fn show(&self, handle: &str) {
        let body = json!({ "QueueUrl": self.url, "ReceiptHandle": handle, "VisibilityTimeout": 0 });
        match self.wire.json("sqs", "AmazonSQS.ChangeMessageVisibility", &body).await {
            // What was postponed by a second or two may have come back by itself meanwhile: the emulator's clock is the real one.
            Err(WireError::Refused { answer, .. }) if answer.contains("ReceiptHandleIsInvalid") => {}
            shown => drop(shown.unwrap()),
        }
    }
}

/// A message as Lambda writes it into the event.
fn record(message: &Value) -> Value {
    let attributes = message["MessageAttributes"].as_object().cloned().unwrap_or_default();
    let attributes: serde_json::Map<_, _> = attributes
        .into_iter()
        .map(|(name, value)| {
            (name, json!({ "stringValue": value["StringValue"], "dataType": value["DataType"], "stringListValues": [], "binaryListValues": [] }))
        })
        .collect();
    json!({
        "messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"], "body": message["Body"],
        "attributes": message["Attributes"], "messageAttributes": attributes, "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:queue", "awsRegion": "us-east-1",
    })
}
