//! Names of log fields, so that one search finds an event in every step. A field's value is never personal: people appear by
//! pseudonym, texts not at all.

/// When the line was written, RFC 3339 in UTC with milliseconds. Every JSON line has it, and the next three.
pub const TIMESTAMP: &str = "timestamp";
/// `ERROR`, `WARN`, `INFO`, `DEBUG`, `TRACE`.
pub const LEVEL: &str = "level";
/// What happened, in words.
pub const MESSAGE: &str = "message";
/// The module that speaks.
pub const TARGET: &str = "target";
/// The Lambda function. Every line of an invocation has it, and the next three; `xray_trace_id` where there is one.
pub const FUNCTION: &str = "function";
/// Lambda's id of the invocation.
pub const REQUEST_ID: &str = "request_id";
/// X-Ray's id of the invocation: `1-5759e988-…`.
pub const XRAY_TRACE_ID: &str = "xray_trace_id";
/// This invocation is its process's first.
pub const COLD_START: &str = "cold_start";
/// The event's time-ordered trace id.
pub const TRACE_ID: &str = "trace_id";
/// The step that speaks: `webhook-verify`, …
pub const STEP: &str = "step";
/// Whose event.
pub const TENANT: &str = "tenant";
/// The configured source.
pub const SOURCE: &str = "source";
/// A stable code of what went wrong or was decided.
pub const CODE: &str = "code";
/// The kind of a failure: what the queue does about it.
pub const KIND: &str = "kind";
/// A queue.
pub const QUEUE: &str = "queue";
/// A channel, as in `feishu_bot`.
pub const CHANNEL: &str = "channel";
/// A configured destination.
pub const DESTINATION: &str = "destination";
/// A rule of the pack.
pub const RULE: &str = "rule";
/// A person's pseudonym, `p-…`: a keyed hash of the tenant.
pub const PERSON: &str = "person";
/// How long something took, in milliseconds.
pub const DURATION_MS: &str = "duration_ms";
