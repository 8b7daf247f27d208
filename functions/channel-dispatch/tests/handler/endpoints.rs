//! Endpoints that are disabled or broken: what waits, and what is counted.

use sluice_channels::EndpointHealth;
use sluice_domain::decision::Verdict;
use sluice_domain::delivery::{DeliveryState, Outcome};
use sluice_domain::failure::FailureKind;
use sluice_telemetry::Signal;

use crate::support::*;

#[tokio::test(flavor = "current_thread")]
async fn a_message_for_a_disabled_endpoint_waits_for_a_person_and_is_counted() {
    let desk = desk();
    desk.platform.disable(BOT);
    let assigned = assigned(1, BOT, Verdict::AllowMasked);
    for round in 1..=2 {
        let error = desk.deliver(&assigned).await.unwrap_err();
        assert_eq!((error.kind, error.code), (FailureKind::Configuration, "endpoint_disabled"));
        assert!(error.detail.contains("93000 (refused 6 times)"), "{}", error.detail);
        assert_eq!(desk.counters.count(Signal::EndpointDisabled { code: "93000" }), round);
    }
    assert!(desk.platform.taken().is_empty());
    desk.platform.enable(BOT);
    assert_eq!(desk.deliver(&assigned).await, Ok(()));
    assert_eq!(desk.delivery(&assigned).await.state, DeliveryState::Delivered);
}

#[tokio::test(flavor = "current_thread")]
async fn an_endpoint_that_breaks_is_counted_by_its_reason() {
    let (since, until) = (NOON, NOON.plus_ms(30_000));
    let open = EndpointHealth::Open { since, until, code: "19001".into() };
    let disabled = EndpointHealth::Disabled {
        since,
        code: "19001".into(),
        by: "automatic".into(),
        why: "refused 6 times".into(),
    };
    for (change, opened, disabled) in [(open, 1, 0), (disabled, 0, 1), (EndpointHealth::Healthy, 0, 0)] {
        let desk = desk();
        desk.platform.changes.lock().unwrap().push_back(change);
        desk.platform.answers_code(Outcome::EndpointRefused, "19001");
        assert_eq!(desk.deliver(&assigned(1, BOT, Verdict::AllowMasked)).await, Ok(()));
        assert_eq!(desk.counters.count(Signal::EndpointOpened { code: "19001" }), opened);
        assert_eq!(desk.counters.count(Signal::EndpointDisabled { code: "19001" }), disabled);
    }
}
