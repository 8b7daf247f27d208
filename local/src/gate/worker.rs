//! Feeds a step from its embedded queue, as Lambda's event source mapping feeds it from SQS: batches of at most ten, a
//! partial-batch answer, deletion of what was done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage, SqsMessageAttribute};
use sluice_embedded::{ReceivedMessage, Store};
use sluice_ports::{BuriedMessage, Clock, Inbox, PortError, Queue};
use sluice_steps::Stage;
use sluice_telemetry::Metrics;
use sluice_telemetry::trace::attribute;
use tokio::sync::watch;

use super::server::stopped;

/// As many as an SQS batch holds.
const BATCH: usize = 10;
/// How long a received message is hidden: longer than any batch takes.
const VISIBILITY_MS: i64 = 60_000;
/// The longest pause after failures.
const LONGEST_BACKOFF_MS: i64 = 60_000;

/// Runs a stage on its queue until `stop` turns true.
pub(super) async fn run<S: Stage + 'static>(
    stage: Arc<S>,
    store: Store,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    mut moved: watch::Receiver<u64>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let received = tokio::select! {
            received = next_batch(&store, S::INBOX, clock.as_ref(), &mut moved) => received,
            () = stopped(&mut stop) => return,
        };
        match received {
            Ok(batch) => work(&stage, &store, &clock, &metrics, batch).await,
            Err(error) => {
                tracing::error!(step = S::NAME, "can not receive: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Waits for messages; returns at least one.
async fn next_batch(
    store: &Store,
    queue: Queue,
    clock: &dyn Clock,
    moved: &mut watch::Receiver<u64>,
) -> Result<Vec<ReceivedMessage>, PortError> {
    loop {
        // Ask to be woken before looking, so that a message that comes in between is not missed.
        let woken = store.arrival(queue);
        let batch = store.receive(queue, BATCH, VISIBILITY_MS).await?;
        if !batch.is_empty() {
            return Ok(batch);
        }
        let wait = store.next_visible_at(queue)?.map(|at| at.since(clock.now()).clamp(1, LONGEST_BACKOFF_MS));
        let wait = Duration::from_millis(wait.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(60_000));
        // Whichever it is, the queue is looked at again.
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(wait) => {}
            _ = moved.changed() => {}
        }
    }
}

async fn work<S: Stage + 'static>(
    stage: &Arc<S>,
    store: &Store,
    clock: &Arc<dyn Clock>,
    metrics: &Metrics,
    batch: Vec<ReceivedMessage>,
) {
    let mut event = SqsEvent::default();
    event.records = batch.iter().map(record).collect();
    let inbox = Arc::new(WorkerInbox { store: store.clone(), postponed: Mutex::default() });
    let answer = {
        let (stage, inbox, clock) = (Arc::clone(stage), Arc::clone(&inbox), Arc::clone(clock));
        let metrics = metrics.clone();
        // A task of its own, so that a panic fails this batch and nothing else.
        tokio::spawn(async move {
            sluice_steps::run(stage.as_ref(), inbox.as_ref(), &clock, &metrics, event).await
        })
        .await
    };
    let failed: BTreeSet<String> = match answer {
        Ok(answer) => answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect(),
        Err(panic) => {
            tracing::error!(step = S::NAME, "a batch panicked: {panic}");
            batch.iter().map(|message| message.message_id.clone()).collect()
        }
    };
    let postponed = std::mem::take(&mut *inbox.postponed.lock().unwrap_or_else(PoisonError::into_inner));
    let (back, done): (Vec<_>, Vec<_>) =
        batch.into_iter().partition(|message| failed.contains(&message.message_id));
    let done = done.into_iter().map(|message| message.receipt_handle).collect();
    if let Err(error) = store.delete(S::INBOX, done).await {
        // They come back after the visibility timeout, and their records say that they are done.
        tracing::warn!(step = S::NAME, "could not delete finished messages: {error}");
    }
    for message in back {
        let pause = postponed
            .get(&message.receipt_handle)
            .copied()
            .unwrap_or_else(|| backoff_ms(message.receive_count));
        if let Err(error) = store.fail(S::INBOX, &message.receipt_handle, pause).await {
            // It comes back after the visibility timeout instead.
            tracing::warn!(step = S::NAME, "could not give a message back: {error}");
        }
    }
}

fn backoff_ms(receives: u32) -> i64 {
    500_i64.saturating_mul(1 << receives.min(10)).min(LONGEST_BACKOFF_MS)
}

fn record(message: &ReceivedMessage) -> SqsMessage {
    let mut record = SqsMessage::default();
    record.message_id = Some(message.message_id.clone());
    record.receipt_handle = Some(message.receipt_handle.clone());
    record.body = Some(message.body.clone());
    record.attributes.insert("ApproximateReceiveCount".into(), message.receive_count.to_string());
    record.event_source = Some("aws:sqs".into());
    if let Some(trace_id) = message.trace_id {
        let mut attribute = SqsMessageAttribute::default();
        attribute.data_type = Some("String".into());
        attribute.string_value = Some(trace_id.to_string());
        record.message_attributes.insert(attribute::TRACE_ID.into(), attribute);
    }
    record
}

/// The store's inbox; what is postponed is given back with its pause when the batch ends, as delayed and not as in flight.
struct WorkerInbox {
    store: Store,
    postponed: Mutex<BTreeMap<String, i64>>,
}

impl Inbox for WorkerInbox {
    fn bury(
        &self,
        queue: Queue,
        message: BuriedMessage,
    ) -> impl Future<Output = Result<(), PortError>> + Send {
        self.store.bury(queue, message)
    }

    async fn postpone(&self, _queue: Queue, receipt_handle: &str, seconds: u32) -> Result<(), PortError> {
        let pause = i64::from(seconds).saturating_mul(1_000);
        self.postponed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(receipt_handle.to_owned(), pause);
        Ok(())
    }
}
