//! Wiring of the webhook-verify function.
fn main() {}
