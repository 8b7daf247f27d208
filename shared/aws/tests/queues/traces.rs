//! Traces that travel with messages.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::slice::from_ref;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use sluice_aws::Resource;
use sluice_ports::conformance::samples::{message, trace};
use sluice_ports::{Backlog as _, Inbox as _, Outbox as _, Queue};
use sluice_telemetry::trace::{self, Scope, TraceContext, Traceparent};

use crate::support::{World, buried, text};

const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";

/// What came in with the event of this number.
fn received(number: u32) -> (Scope, Traceparent) {
    let sender = TraceContext::begin(trace(number), None).traceparent;
    let mut scope = Scope::new(None);
    scope.receive(trace(number), Some(&sender.to_string()), Some(XRAY));
    (scope, sender)
}

fn traceparent(message: &Message) -> Traceparent {
    text(message, "traceparent").unwrap().parse().unwrap()
}

fn xray(message: &Message) -> Option<&str> {
    message.attributes()?.get(&MessageSystemAttributeName::AwsTraceHeader).map(String::as_str)
}

#[tokio::test]
async fn a_message_carries_its_trace_and_the_span_of_the_step_that_sent_it() {
    let world = World::fresh().await;
    let (scope, sender) = received(1);
    let span = trace::scope(scope, async {
        assert_eq!(world.queues.send(Queue::Cleared, vec![message(1), message(1), message(2)]).await, []);
        trace::outgoing(trace(1)).traceparent
    });
    let span = span.await;
    assert_ne!(span.span_id, sender.span_id);
    let arrived = world.drain(Resource::Queue(Queue::Cleared)).await;
    assert_eq!(arrived.len(), 3);
    for message in &arrived {
        let id = text(message, "trace_id").unwrap();
        assert_eq!(traceparent(message).trace_id.to_string(), id);
        assert_eq!(traceparent(message) == span, id == trace(1).to_string());
    }
    // The emulator drops the system attribute of a batch's entries, so what was sent tells.
    let sent = world.requests.last();
    let header = |index: usize| &sent["Entries"][index]["MessageSystemAttributes"]["AWSTraceHeader"];
    assert_eq!(
        (header(0)["StringValue"].as_str(), header(0)["DataType"].as_str()),
        (Some(XRAY), Some("String"))
    );
    assert_eq!(header(1)["StringValue"].as_str(), Some(XRAY));
    assert!(header(2).is_null(), "another event's header: {sent}");
}

#[tokio::test]
async fn a_letter_carries_its_trace() {
    let world = World::fresh().await;
    let (scope, _) = received(1);
    let span = trace::scope(scope, async {
        assert_eq!(world.queues.bury(Queue::Cleared, buried(1)).await, Ok(()));
        trace::outgoing(trace(1)).traceparent
    });
    let span = span.await;
    let [letter] = world.drain(Resource::DeadLetters(Queue::Cleared)).await.try_into().unwrap();
    assert_eq!((traceparent(&letter), xray(&letter)), (span, Some(XRAY)));
}

/// Whoever puts it back is no part of the event's trace.
#[tokio::test]
async fn a_message_that_is_put_back_carries_the_trace_that_it_had() {
    let world = World::fresh().await;
    let (scope, _) = received(1);
    trace::scope(scope, world.queues.bury(Queue::Cleared, buried(1))).await.unwrap();
    let [letter] = world.receive(Resource::DeadLetters(Queue::Cleared), 0).await.try_into().unwrap();
    let id = letter.message_id().unwrap().to_owned();
    assert_eq!(world.queues.put_back(Queue::Cleared, from_ref(&id)).await, Ok(vec![id]));
    let [back] = world.drain(Resource::Queue(Queue::Cleared)).await.try_into().unwrap();
    assert_eq!(text(&back, "trace_id"), Some(trace(1).to_string().as_str()));
    assert_eq!((traceparent(&back), xray(&back)), (traceparent(&letter), Some(XRAY)));
}
