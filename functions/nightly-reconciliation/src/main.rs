//! Wiring of nightly-reconciliation on the Lambda runtime.

fn main() {}
