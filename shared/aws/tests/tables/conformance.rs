//! What every store must do. dynoxide and ministack are two engines by different hands: what both agree on is no quirk of one.

sluice_ports::conformance_tests!(on_dynoxide, crate::support::fresh_on_dynoxide);
sluice_ports::conformance_tests!(on_ministack, crate::support::fresh_on_ministack);
