//! What every store must do. dynoxide and ministack are two engines by different hands: what both agree on is no quirk of one.

sluice_ports::conformance_tests!(on_dynoxide, crate::with_sqs::fresh_on_dynoxide_and_sqs);
sluice_ports::conformance_tests!(on_ministack, crate::with_sqs::fresh_on_ministack_and_sqs);
sluice_ports::interleaving_tests!(interleavings_on_dynoxide, crate::with_sqs::fresh_on_dynoxide_and_sqs);
