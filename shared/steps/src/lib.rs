//! What every queue-fed step does alike: one batch of SQS records in, a partial-batch answer out.
//!
//! A [`Stage`] declares its name and inbox and handles parsed inputs; [`run`] parses, calls it and turns each result into
//! the queue's behaviour by [`FailureKind`]: done, back to the queue, back with a delay, or buried with its reason.

use std::future::Future;
use std::time::Instant;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use serde::de::DeserializeOwned;
use sluice_domain::failure::FailureKind;
use sluice_domain::id::TraceId;
use sluice_domain::time::UnixMillis;
use sluice_ports::{BuriedMessage, Clock, Inbox, PortError, Queue};
use sluice_telemetry::trace::{self, Scope, attribute};
use sluice_telemetry::{Metrics, Signal, invocation};

/// SQS hides a message for twelve hours at most.
const LONGEST_DELAY_SECONDS: i64 = 43_200;

/// One step of the pipeline that a queue feeds.
pub trait Stage: Send + Sync {
    /// Its name in logs and metrics.
    const NAME: &'static str;
    /// The queue it reads.
    const INBOX: Queue;
    /// What a message holds.
    type Input: DeserializeOwned + Send;

    /// Handles a batch; the results are in the order of the inputs, one each.
    fn handle(&self, batch: Vec<Self::Input>) -> impl Future<Output = Vec<Result<(), StageError>>> + Send;
}

/// Why one message could not be finished.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct StageError {
    /// What the queue does about it.
    pub kind: FailureKind,
    /// Stable code.
    pub code: &'static str,
    /// In words; no personal value.
    pub detail: String,
    /// The event's trace, if known.
    pub trace_id: Option<TraceId>,
}

impl StageError {
    /// A store's failure, as the step's.
    pub fn port(error: &PortError, trace_id: TraceId) -> Self {
        Self { kind: error.kind(), code: "store", detail: error.to_string(), trace_id: Some(trace_id) }
    }

    /// A failure that repeating never heals.
    pub fn permanent(code: &'static str, detail: impl Into<String>, trace_id: Option<TraceId>) -> Self {
        Self { kind: FailureKind::Permanent, code, detail: detail.into(), trace_id }
    }
}

/// Runs one batch through a stage, in the traces that its messages carry ([`sluice_telemetry::trace`]).
pub async fn run<S: Stage>(
    stage: &S,
    inbox: &impl Inbox,
    clock: &impl Clock,
    metrics: &Metrics,
    event: SqsEvent,
) -> SqsBatchResponse {
    let began = Instant::now();
    let traces = traces::<S>(&event.records);
    let response = trace::scope(traces, batch(stage, inbox, clock, metrics, event)).await;
    metrics.duration(Signal::StepDuration { step: S::NAME }, began.elapsed());
    response
}

/// What the messages say of their traces: `trace_id`, or the trace of `traceparent` alone, and X-Ray's header.
fn traces<S: Stage>(records: &[SqsMessage]) -> Scope {
    let mut scope = Scope::new(invocation::xray()).of_step(S::NAME);
    for record in records {
        let text = |name| record.message_attributes.get(name)?.string_value.as_deref();
        let traceparent = text(attribute::TRACEPARENT);
        let named = text(attribute::TRACE_ID).and_then(|id| id.parse().ok());
        let known = || traceparent?.parse::<trace::Traceparent>().ok().map(|it| it.trace_id);
        if let Some(id) = named.or_else(known) {
            let xray = record.attributes.get(attribute::AWS_TRACE_HEADER).map(String::as_str);
            scope.receive(id, traceparent, xray);
        }
    }
    scope
}

async fn batch<S: Stage>(
    stage: &S,
    inbox: &impl Inbox,
    clock: &impl Clock,
    metrics: &Metrics,
    event: SqsEvent,
) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    let (mut messages, mut inputs) = (Vec::new(), Vec::new());
    for message in event.records {
        match serde_json::from_str::<S::Input>(message.body.as_deref().unwrap_or_default()) {
            Ok(input) => {
                messages.push(message);
                inputs.push(input);
            }
            Err(error) => {
                let error = StageError::permanent("malformed_message", position_of(&error), None);
                settle::<S>(inbox, clock.now(), metrics, message, error, &mut response).await;
            }
        }
    }
    if inputs.is_empty() {
        return response;
    }
    let mut results = stage.handle(inputs).await.into_iter();
    for message in messages {
        match results.next() {
            Some(Ok(())) => {}
            Some(Err(error)) => settle::<S>(inbox, clock.now(), metrics, message, error, &mut response).await,
            // A stage that answers too little must not lose the rest.
            None => fail(message, &mut response),
        }
    }
    response
}

/// Where the JSON is wrong, without quoting any of it: serde's own message may quote a value.
fn position_of(error: &serde_json::Error) -> String {
    let what = if error.is_data() { "another shape than expected" } else { "no JSON" };
    format!("message is {what} at line {} column {}", error.line(), error.column())
}

async fn settle<S: Stage>(
    inbox: &impl Inbox,
    now: UnixMillis,
    metrics: &Metrics,
    message: SqsMessage,
    error: StageError,
    response: &mut SqsBatchResponse,
) {
    if let Some(id) = error.trace_id {
        trace::fail(id, error.code);
    }
    let trace = error.trace_id.map(|id| id.to_string()).unwrap_or_default();
    tracing::warn!(step = S::NAME, trace_id = %trace, code = error.code, kind = ?error.kind, "not finished: {}", error.detail);
    match error.kind {
        FailureKind::Permanent | FailureKind::InDoubt => {
            let buried = BuriedMessage {
                body: message.body.clone().unwrap_or_default(),
                trace_id: error.trace_id,
                code: error.code.to_owned(),
                detail: error.detail,
            };
            match inbox.bury(S::INBOX, buried).await {
                Ok(()) => metrics.count(Signal::DeadLettered { queue: S::INBOX.as_str() }),
                Err(cause) => {
                    tracing::error!(step = S::NAME, trace_id = %trace, "could not bury a message: {cause}");
                    fail(message, response);
                }
            }
        }
        FailureKind::ThrottledUntil(until) => {
            let seconds =
                until.since(now).saturating_add(999).div_euclid(1_000).clamp(0, LONGEST_DELAY_SECONDS);
            let handle = message.receipt_handle.clone().unwrap_or_default();
            let seconds = u32::try_from(seconds).unwrap_or_default();
            if let Err(cause) = inbox.postpone(S::INBOX, &handle, seconds).await {
                // It comes back after the visibility timeout instead: later or earlier, but not lost.
                tracing::warn!(step = S::NAME, trace_id = %trace, "could not postpone a message: {cause}");
            }
            fail(message, response);
        }
        FailureKind::Retry | FailureKind::Configuration => fail(message, response),
    }
}

fn fail(message: SqsMessage, response: &mut SqsBatchResponse) {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = message.message_id.unwrap_or_default();
    response.batch_item_failures.push(failure);
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What the step did with its inbox.
    #[derive(Default)]
    struct Recorded {
        buried: Mutex<Vec<BuriedMessage>>,
        postponed: Mutex<Vec<(String, u32)>>,
        refuse: bool,
    }

    impl Inbox for Recorded {
        async fn bury(&self, _: Queue, message: BuriedMessage) -> Result<(), PortError> {
            if self.refuse {
                return Err(PortError::Unavailable { what: "dead letters", cause: "test".into() });
            }
            self.buried.lock().unwrap().push(message);
            Ok(())
        }

        async fn postpone(&self, _: Queue, receipt_handle: &str, seconds: u32) -> Result<(), PortError> {
            self.postponed.lock().unwrap().push((receipt_handle.to_owned(), seconds));
            Ok(())
        }
    }

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> UnixMillis {
            UnixMillis(1_000_000)
        }
    }

    /// Answers each number by its meaning.
    struct ByNumber;

    impl Stage for ByNumber {
        const NAME: &'static str = "by-number";
        const INBOX: Queue = Queue::Events;
        type Input = u8;

        async fn handle(&self, batch: Vec<u8>) -> Vec<Result<(), StageError>> {
            let result = |number| {
                let kind = match number {
                    0 => return Ok(()),
                    1 => FailureKind::Permanent,
                    2 => FailureKind::Retry,
                    3 => FailureKind::ThrottledUntil(UnixMillis(1_001_001)),
                    _ => FailureKind::Configuration,
                };
                Err(StageError { kind, code: "test", detail: "test".into(), trace_id: None })
            };
            // A nine stands for a stage that forgets the rest of its batch.
            batch.into_iter().take_while(|number| *number != 9).map(result).collect()
        }
    }

    fn event(bodies: &[&str]) -> SqsEvent {
        let mut event = SqsEvent::default();
        for (index, body) in bodies.iter().enumerate() {
            let mut message = SqsMessage::default();
            message.message_id = Some(format!("m{index}"));
            message.receipt_handle = Some(format!("r{index}"));
            message.body = Some((*body).to_owned());
            event.records.push(message);
        }
        event
    }

    const TRACE: &str = "019fa1b2-c3d4-7404-8700-070707070707";
    const SENT: &str = "00-019fa1b2c3d474048700070707070707-00f067aa0ba902b7-01";
    const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    /// Sends nothing; notes what would go along with a message of the trace.
    #[derive(Default)]
    struct Outbound(Mutex<Vec<trace::TraceContext>>);

    impl Stage for Outbound {
        const NAME: &'static str = "outbound";
        const INBOX: Queue = Queue::Events;
        type Input = TraceId;

        async fn handle(&self, batch: Vec<TraceId>) -> Vec<Result<(), StageError>> {
            batch
                .into_iter()
                .map(|id| {
                    self.0.lock().unwrap().push(trace::outgoing(id));
                    Ok(())
                })
                .collect()
        }
    }

    fn traced(attributes: &[(&str, &str)], header: Option<&str>) -> SqsEvent {
        let mut event = event(&[&format!("\"{TRACE}\"")]);
        for (name, value) in attributes {
            let mut attribute = aws_lambda_events::event::sqs::SqsMessageAttribute::default();
            attribute.string_value = Some((*value).to_owned());
            attribute.data_type = Some("String".to_owned());
            event.records[0].message_attributes.insert((*name).to_owned(), attribute);
        }
        let header = header.map(|header| ("AWSTraceHeader".to_owned(), header.to_owned()));
        event.records[0].attributes.extend(header);
        event
    }

    async fn sent_on(event: SqsEvent) -> trace::TraceContext {
        let stage = Outbound::default();
        run(&stage, &Recorded::default(), &Noon, &Metrics::default(), event).await;
        let [context] = stage.0.into_inner().unwrap().try_into().unwrap();
        context
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_messages_trace_goes_on_with_the_steps_own_span() {
        let sent: trace::Traceparent = SENT.parse().unwrap();
        for attributes in [&[("trace_id", TRACE), ("traceparent", SENT)][..], &[("traceparent", SENT)]] {
            let next = sent_on(traced(attributes, Some(XRAY))).await;
            assert_eq!(next.traceparent.trace_id.to_string(), TRACE);
            assert_eq!(next.parent, Some(sent.span_id));
            assert_ne!(next.traceparent.span_id, sent.span_id);
            assert_eq!(next.xray.map(|xray| xray.to_string()).as_deref(), Some(XRAY));
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_message_without_a_readable_trace_begins_one_under_its_events_id() {
        for attributes in [&[][..], &[("trace_id", TRACE)], &[("trace_id", "x"), ("traceparent", "y")]] {
            let next = sent_on(traced(attributes, Some("nonsense"))).await;
            assert_eq!(
                (next.traceparent.trace_id.to_string(), next.parent, next.xray),
                (TRACE.to_owned(), None, None)
            );
        }
    }

    async fn failed(inbox: &Recorded, bodies: &[&str]) -> Vec<String> {
        let response = run(&ByNumber, inbox, &Noon, &Metrics::default(), event(bodies)).await;
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn each_kind_of_failure_becomes_its_behaviour_of_the_queue() {
        let inbox = Recorded::default();
        let counters = sluice_telemetry::Counters::default();
        let metrics = Metrics::new(counters.clone());
        let response = run(&ByNumber, &inbox, &Noon, &metrics, event(&["0", "1", "2", "3", "4"])).await;
        let failed: Vec<_> = response.batch_item_failures.into_iter().map(|it| it.item_identifier).collect();
        assert_eq!(failed, ["m2", "m3", "m4"]);
        assert_eq!(counters.count(Signal::DeadLettered { queue: "events" }), 1);
        assert_eq!(inbox.buried.lock().unwrap().len(), 1);
        assert_eq!(*inbox.postponed.lock().unwrap(), [("r3".to_owned(), 2)]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_message_that_is_no_json_is_buried_without_quoting_it() {
        let inbox = Recorded::default();
        assert!(failed(&inbox, &["13800138000\"", "\"13800138000\"", "0"]).await.is_empty());
        let buried = inbox.buried.lock().unwrap();
        assert_eq!(buried.len(), 2);
        for message in buried.iter() {
            assert_eq!(message.code, "malformed_message");
            assert!(!message.detail.contains("138"), "{}", message.detail);
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_message_that_can_not_be_buried_stays_on_its_queue() {
        let inbox = Recorded { refuse: true, ..Recorded::default() };
        assert_eq!(failed(&inbox, &["1", "x"]).await, ["m1", "m0"]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn results_that_are_missing_keep_their_messages() {
        assert_eq!(failed(&Recorded::default(), &["0", "9", "0"]).await, ["m1", "m2"]);
    }
}
