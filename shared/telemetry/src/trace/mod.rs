//! One trace from the callback to the delivery, across queues.
//!
//! Each step works on an event in a [`TraceContext`]: the event's trace id and a span id of the step's own. What the step sends on
//! names that span as its parent, by the message attributes that [`attribute`] names:
//!
//! | step | receives | sends |
//! |---|---|---|
//! | webhook-verify | X-Ray's header of the invocation | `traceparent` of a new trace, `AWSTraceHeader` |
//! | the others | both, per message | `traceparent` with the same trace and their own span, the same `AWSTraceHeader` |
//!
//! Contexts travel beside the handlers, not through them: `sluice_steps::run` and the front door open a [`Scope`], in which an outbox
//! asks [`outgoing`] for what goes along with a message. A handler therefore can not forget them.
//!
//! ```
//! use sluice_domain::{id::TraceId, time::UnixMillis};
//! use sluice_telemetry::trace::{self, Scope};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let id = TraceId::from_parts(UnixMillis(1_795_190_400_000), [7; 10]);
//! let mut scope = Scope::new(None);
//! scope.receive(id, Some("00-019fa1b2c3d474048700070707070707-00f067aa0ba902b7-01"), None);
//! trace::scope(scope, async {
//!     let next = trace::outgoing(id);
//!     assert_eq!(next.traceparent.trace_id, id);
//!     // The same step, the same span: two messages of one event have one parent.
//!     assert_eq!(trace::outgoing(id), next);
//! })
//! .await;
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

#[cfg(feature = "opentelemetry")]
mod otlp;
mod traceparent;
mod xray;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;

use sluice_domain::id::TraceId;

pub use traceparent::{SpanId, Traceparent, TraceparentError};
pub use xray::{XRayError, XRayHeader};

/// Names of the message attributes that carry a trace.
pub mod attribute {
    /// The event's trace id, a UUID with hyphens. A message attribute.
    pub const TRACE_ID: &str = "trace_id";
    /// The W3C header, version 00. A message attribute.
    pub const TRACEPARENT: &str = "traceparent";
    /// X-Ray's header. SQS's one *system* attribute: it is set apart from the message attributes, and does not count among them.
    pub const AWS_TRACE_HEADER: &str = "AWSTraceHeader";
}

tokio::task_local! {
    static SCOPE: RefCell<Scope>;
}

/// Where one event is in its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// The event's trace and this step's span: what a message that goes on carries as `traceparent`.
    pub traceparent: Traceparent,
    /// The span of the step before; `None` at the door.
    pub parent: Option<SpanId>,
    /// X-Ray's header, as it came in.
    pub xray: Option<XRayHeader>,
}

impl TraceContext {
    /// The context of a trace that begins here, or whose message carried none.
    pub fn begin(trace_id: TraceId, xray: Option<XRayHeader>) -> Self {
        let traceparent = Traceparent { trace_id, span_id: SpanId::fresh(), sampled: true };
        Self { traceparent, parent: None, xray }
    }

    /// The context of this step, after the one that sent `received`.
    pub fn after(received: Traceparent, xray: Option<XRayHeader>) -> Self {
        let traceparent = Traceparent { span_id: SpanId::fresh(), ..received };
        Self { traceparent, parent: Some(received.span_id), xray }
    }
}

/// The traces that one invocation works on.
#[derive(Debug, Default)]
pub struct Scope {
    step: &'static str,
    invocation: Option<XRayHeader>,
    contexts: BTreeMap<TraceId, TraceContext>,
    failures: BTreeMap<TraceId, &'static str>,
}

impl Scope {
    /// No traces yet. `invocation` is X-Ray's header of the invocation itself; it goes on with events that begin here or came
    /// without one.
    pub fn new(invocation: Option<XRayHeader>) -> Self {
        Self { invocation, ..Self::default() }
    }

    /// Of this step: its spans' name.
    #[must_use]
    pub fn of_step(self, step: &'static str) -> Self {
        Self { step, ..self }
    }

    /// The step; empty when none was named.
    pub fn step(&self) -> &'static str {
        self.step
    }

    /// Notes that the event of a trace was not finished, by a stable code.
    pub fn fail(&mut self, trace_id: TraceId, code: &'static str) {
        self.failures.insert(trace_id, code);
    }

    /// Notes what a message brought along. What can not be read is passed over: a trace is not worth an event. So is a `traceparent`
    /// of another trace than the message's.
    pub fn receive(&mut self, trace_id: TraceId, traceparent: Option<&str>, xray: Option<&str>) {
        let xray = xray.and_then(|text| text.parse().ok()).or_else(|| self.invocation.clone());
        let received = traceparent.and_then(|text| text.parse::<Traceparent>().ok());
        let context = match received.filter(|received| received.trace_id == trace_id) {
            Some(received) => TraceContext::after(received, xray),
            None => TraceContext::begin(trace_id, xray),
        };
        self.contexts.insert(trace_id, context);
    }

    fn context(&mut self, trace_id: TraceId) -> TraceContext {
        let invocation = &self.invocation;
        let begin = || TraceContext::begin(trace_id, invocation.clone());
        self.contexts.entry(trace_id).or_insert_with(begin).clone()
    }
}

/// Runs `work` with these traces at hand. Tasks that `work` spawns do not see them.
///
/// With the feature `opentelemetry` a span of each trace is written to standard output at the end.
pub async fn scope<F: Future>(scope: Scope, work: F) -> F::Output {
    #[cfg(feature = "opentelemetry")]
    let work = async {
        let began = std::time::SystemTime::now();
        let answer = work.await;
        // Nothing else has the scope borrowed: borrows end within one call.
        let _ = SCOPE.try_with(|scope| scope.try_borrow().map(|scope| otlp::export(&scope, began)));
        answer
    };
    SCOPE.scope(RefCell::new(scope), work).await
}

/// Notes in the running scope that the event of a trace was not finished ([`Scope::fail`]).
pub fn fail(trace_id: TraceId, code: &'static str) {
    // Outside a scope there is no span to mark.
    let _ = SCOPE.try_with(|scope| scope.try_borrow_mut().map(|mut scope| scope.fail(trace_id, code)));
}

/// What goes along with a message of this trace. In a scope it is the same for every message of the trace; outside, a new trace begins
/// each time.
pub fn outgoing(trace_id: TraceId) -> TraceContext {
    SCOPE
        .try_with(|scope| scope.try_borrow_mut().ok().map(|mut scope| scope.context(trace_id)))
        .ok()
        .flatten()
        .unwrap_or_else(|| TraceContext::begin(trace_id, None))
}

/// Every trace of the running scope so far, in the order of their ids; none outside a scope.
pub fn contexts() -> Vec<TraceContext> {
    SCOPE
        .try_with(|scope| scope.try_borrow().map(|scope| scope.contexts.values().cloned().collect()))
        .ok()
        .and_then(Result::ok)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use sluice_domain::time::UnixMillis;

    use super::*;

    const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";

    fn id(random: u8) -> TraceId {
        TraceId::from_parts(UnixMillis(1_795_190_400_000), [random; 10])
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_step_sends_on_the_trace_with_its_own_span_and_the_senders_as_parent() {
        let sent = TraceContext::begin(id(1), None).traceparent;
        let mut received = Scope::new(None);
        received.receive(id(1), Some(&sent.to_string()), Some(XRAY));
        let next = scope(received, async { outgoing(id(1)) }).await;
        assert_eq!(next.traceparent.trace_id, id(1));
        assert_eq!(next.parent, Some(sent.span_id));
        assert_ne!(next.traceparent.span_id, sent.span_id);
        assert_eq!(next.xray.map(|xray| xray.to_string()).as_deref(), Some(XRAY));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_trace_that_begins_here_takes_the_invocations_x_ray_header() {
        let first = scope(Scope::new(XRAY.parse().ok()), async { outgoing(id(2)) }).await;
        assert_eq!((first.parent, first.xray.is_some()), (None, true));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn another_traces_or_unreadable_headers_begin_anew_under_the_messages_own_trace() {
        let other = TraceContext::begin(id(3), None).traceparent.to_string();
        for traceparent in [other.as_str(), "nonsense", ""] {
            let mut received = Scope::new(None);
            received.receive(id(4), Some(traceparent), Some("nonsense"));
            let next = scope(received, async { outgoing(id(4)) }).await;
            assert_eq!((next.traceparent.trace_id, next.parent, next.xray), (id(4), None, None));
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn events_of_one_batch_keep_apart() {
        let mut received = Scope::new(None);
        for random in 0..10 {
            received.receive(id(random), None, None);
        }
        scope(received, async {
            let spans: std::collections::BTreeSet<_> =
                (0..10).map(|random| outgoing(id(random)).traceparent.span_id).collect();
            assert_eq!(spans.len(), 10);
            assert_eq!(contexts().len(), 10);
        })
        .await;
    }

    #[test]
    fn outside_a_scope_a_trace_begins() {
        assert_eq!(outgoing(id(5)).traceparent.trace_id, id(5));
        assert!(contexts().is_empty());
    }
}
