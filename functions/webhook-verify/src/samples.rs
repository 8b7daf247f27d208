//! The sample events of `events/webhook-verify`, and how they are signed.
