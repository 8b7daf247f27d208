//! Names of log fields, so that one search finds an event in every step. A field's value is never personal: people appear by
//! pseudonym, texts not at all.

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
