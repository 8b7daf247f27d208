//! What lies on the queues unfinished.
//!
//! SQS has no way to look at a message without receiving it. So letters are received, which hides them for a while, and made visible
//! again; a process that dies in between leaves them hidden for [`HIDDEN_SECONDS`], not lost. Meanwhile nobody else sees them.

use std::collections::BTreeSet;

use aws_sdk_sqs::operation::receive_message::ReceiveMessageError;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName,
};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};
use aws_smithy_runtime_api::http::Response;
use futures_util::future::join_all;
use sluice_domain::reconciliation::DeadLetter;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Backlog, Page, PortError, Queue};
use sluice_telemetry::trace::attribute;

use super::message::{Attributes, CODE, REDRIVES, text};
use super::{Queues, dead, live};
use crate::fault::port_error;

/// Letters that one look goes through at most. The alarm on the queue's depth has called somebody long before.
const MOST_LETTERS: usize = 5_000;
/// For one look at that many, and no longer than Lambda waits before it repeats an invocation that failed.
const HIDDEN_SECONDS: i32 = 60;
/// A receive that waits asks all of SQS's servers; one that does not may find a queue empty that is not.
const WAIT_SECONDS: i32 = 1;
/// Entries of a call.
const BATCH: usize = 10;

impl Backlog for Queues {
    /// Every letter on one page, oldest first by the time it was sent; of more than 5 000 the rest is left out, and the log says so.
    async fn given_up(&self, queue: Queue, _: Option<String>) -> Result<Page<DeadLetter>, PortError> {
        let _alone = self.inner.looking.lock().await;
        let (mut items, mut seen) = (Vec::new(), Vec::new());
        let looked =
            self.look(queue, &mut seen, |message| items.push(letter(queue, message, self.now()))).await;
        self.show(queue, &seen).await;
        looked?;
        items.sort_by(|one: &DeadLetter, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
        // A standard queue may hand out a letter twice.
        items.dedup_by(|one, other| one.id == other.id);
        Ok(Page { items, next: None })
    }

    async fn unfinished(&self, queue: Queue) -> Result<u64, PortError> {
        const COUNTS: [QueueAttributeName; 3] = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let asked = self.client().get_queue_attributes().queue_url(self.url(queue)?);
        let answer = asked
            .set_attribute_names(Some(COUNTS.to_vec()))
            .send()
            .await
            .map_err(|error| port_error(live(queue), &error, self.now()))?;
        let mut total = 0_u64;
        for name in &COUNTS {
            let count =
                answer.attributes().and_then(|counts| counts.get(name)).and_then(|it| it.parse::<u64>().ok());
            total = total.saturating_add(count.ok_or_else(|| PortError::Unavailable {
                what: live(queue),
                cause: format!("the answer holds no {}", name.as_str()),
            })?);
        }
        Ok(total)
    }

    /// Goes through the letters until all are found. One that another process looks at in that moment is not found.
    async fn put_back(&self, queue: Queue, ids: &[String]) -> Result<Vec<String>, PortError> {
        let _alone = self.inner.looking.lock().await;
        let (mut seen, mut moved) = (Vec::new(), Vec::with_capacity(ids.len()));
        let wanted = ids.iter().map(String::as_str).collect();
        let done = self.move_back(queue, wanted, &mut seen, &mut moved).await;
        self.show(queue, &seen).await;
        done.map(|()| moved)
    }
}

/// Forbids to repeat a receive that was not answered: it may have hidden letters, which the next one would not see. A list without
/// them would look complete.
#[derive(Debug)]
struct OnlyWhenAnswered;

impl ClassifyRetry for OnlyWhenAnswered {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.output_or_error() {
            Some(Err(error)) if !error.is_operation_error() => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "only when answered"
    }

    fn priority(&self) -> RetryClassifierPriority {
        // The last word.
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

impl Queues {
    /// Shows every letter to `note`; `handles` names all that are hidden now, even after a failure.
    async fn look(
        &self,
        queue: Queue,
        handles: &mut Vec<String>,
        mut note: impl FnMut(&Message),
    ) -> Result<(), PortError> {
        while handles.len() < MOST_LETTERS {
            let received = self.letters(queue).await?;
            if received.is_empty() {
                return Ok(());
            }
            for message in &received {
                handles.extend(message.receipt_handle().map(str::to_owned));
                note(message);
            }
        }
        too_many(queue);
        Ok(())
    }

    /// Moves the wanted letters as they come by, so that no more than one receive's bodies are held. `handles` names all that are
    /// hidden now, `moved` the ids of those that are back on their queue, even after a failure.
    async fn move_back(
        &self,
        queue: Queue,
        mut wanted: BTreeSet<&str>,
        handles: &mut Vec<String>,
        moved: &mut Vec<String>,
    ) -> Result<(), PortError> {
        let mut looked_at = 0;
        while !wanted.is_empty() {
            let received = self.letters(queue).await?;
            if received.is_empty() {
                return Ok(());
            }
            looked_at += received.len();
            let (taken, left): (Vec<Message>, Vec<Message>) = received
                .into_iter()
                .partition(|message| message.message_id().is_some_and(|id| wanted.remove(id)));
            handles.extend(left.into_iter().filter_map(|message| message.receipt_handle));
            let sent = join_all(taken.iter().map(|message| self.send_back(queue, message))).await;
            let mut failed = Ok(());
            for (message, sent) in taken.into_iter().zip(sent) {
                match sent {
                    Ok(()) => moved.extend(message.message_id),
                    Err(error) => {
                        handles.extend(message.receipt_handle);
                        failed = Err(error);
                    }
                }
            }
            failed?;
            if looked_at >= MOST_LETTERS {
                too_many(queue);
                return Ok(());
            }
        }
        Ok(())
    }

    /// At most ten letters, hidden from now on; none when there are no more.
    async fn letters(&self, queue: Queue) -> Result<Vec<Message>, PortError> {
        let received = self
            .client()
            .receive_message()
            .queue_url(self.dead_letters_url(queue)?)
            .max_number_of_messages(10)
            .visibility_timeout(HIDDEN_SECONDS)
            .wait_time_seconds(WAIT_SECONDS)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_system_attribute_names(MessageSystemAttributeName::AwsTraceHeader)
            .customize()
            .config_override(aws_sdk_sqs::Config::builder().retry_classifier(OnlyWhenAnswered))
            .send()
            .await
            .map_err(|error| self.not_received(queue, &error))?;
        Ok(received.messages.unwrap_or_default())
    }

    fn not_received(&self, queue: Queue, error: &SdkError<ReceiveMessageError, Response>) -> PortError {
        match port_error(dead(queue), error, self.now()) {
            PortError::Unavailable { what, cause } if error.as_service_error().is_none() => {
                let cause = format!("{cause}; some may be hidden by it, look again after {HIDDEN_SECONDS} s");
                PortError::Unavailable { what, cause }
            }
            other => other,
        }
    }

    /// Makes letters visible again. One that stays hidden comes back by itself.
    async fn show(&self, queue: Queue, handles: &[String]) {
        let Ok(url) = self.dead_letters_url(queue) else { return };
        for chunk in handles.chunks(BATCH) {
            let entry = |(index, handle): (usize, &String)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(handle)
                    .visibility_timeout(0)
                    .build()
                    .ok()
            };
            let entries = chunk.iter().enumerate().filter_map(entry).collect();
            let shown = self
                .client()
                .change_message_visibility_batch()
                .queue_url(url)
                .set_entries(Some(entries))
                .send()
                .await;
            let hidden = match shown {
                Ok(answer) => answer.failed().len(),
                Err(_) => chunk.len(),
            };
            if hidden > 0 {
                tracing::warn!(
                    queue = queue.as_str(),
                    letters = hidden,
                    "{hidden} dead letters stay hidden for up to {HIDDEN_SECONDS} s"
                );
            }
        }
    }

    /// Onto its queue first, then off the dead letters: never lost, at worst doubled.
    async fn send_back(&self, queue: Queue, message: &Message) -> Result<(), PortError> {
        let mut attributes = Attributes::of_letter(message);
        attributes.put(REDRIVES, &redrives_of(message).saturating_add(1).to_string());
        let system = (!attributes.system.is_empty()).then(|| attributes.system.clone());
        self.client()
            .send_message()
            .queue_url(self.url(queue)?)
            .message_body(message.body().unwrap_or_default())
            .set_message_attributes(attributes.own())
            .set_message_system_attributes(system)
            .send()
            .await
            .map_err(|error| port_error(live(queue), &error, self.now()))?;
        let deleted = self
            .client()
            .delete_message()
            .queue_url(self.dead_letters_url(queue)?)
            .receipt_handle(message.receipt_handle().unwrap_or_default())
            .send()
            .await;
        if let Err(error) = deleted {
            // It is on its queue, which is what was asked for; the letter comes up once more and is known by its key then.
            let error = port_error(dead(queue), &error, self.now());
            tracing::warn!(queue = queue.as_str(), "a dead letter was put back and is still there: {error}");
        }
        Ok(())
    }
}

fn too_many(queue: Queue) {
    tracing::error!(
        queue = queue.as_str(),
        "more than {MOST_LETTERS} dead letters: the others are left out; redrive or purge the queue"
    );
}

fn letter(queue: Queue, message: &Message, now: UnixMillis) -> DeadLetter {
    let sent = message
        .attributes()
        .and_then(|known| known.get(&MessageSystemAttributeName::SentTimestamp))
        .and_then(|millis| millis.parse().ok())
        .map_or(now, UnixMillis);
    DeadLetter {
        id: message.message_id().unwrap_or_default().to_owned(),
        queue: queue.as_str().to_owned(),
        trace_id: trace_of(message),
        // SQS moves a message as it is when its receives are used up: it carries no reason then.
        code: text(message, CODE).unwrap_or(DeadLetter::RECEIVES_USED_UP).to_owned(),
        at: sent,
        redrives: redrives_of(message),
    }
}

fn trace_of(message: &Message) -> Option<sluice_domain::id::TraceId> {
    text(message, attribute::TRACE_ID)?.parse().ok()
}

fn redrives_of(message: &Message) -> u32 {
    text(message, REDRIVES).and_then(|count| count.parse().ok()).unwrap_or_default()
}
