//! Laws that hold under any sequence of faults.

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod stage;

use proptest::prelude::*;
use sluice_channels::{Form, Idempotency, idempotency};
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::Channel;
use sluice_simulators::{FaultEffect, Place};
use stage::{Stage, all, message, platform_of};

fn effects() -> impl Strategy<Value = (Place, FaultEffect)> {
    let place = prop::sample::select(vec![Place::Send, Place::Send, Place::Token]);
    let effect = prop::sample::select(vec![
        FaultEffect::ResetBeforeCommit,
        FaultEffect::ResetAfterCommit,
        FaultEffect::Truncate,
        FaultEffect::Html,
        FaultEffect::Redirect,
        FaultEffect::Status { status: 500 },
        FaultEffect::Status { status: 502 },
        FaultEffect::Status { status: 503 },
        FaultEffect::Code { code: -1, status: 200 },
        FaultEffect::RevokeTokens,
        FaultEffect::Delay { ms: 1 },
    ]);
    (place, effect)
}

/// One attempt: what it was called, and how many people saw something because of it.
struct Attempt {
    outcome: Outcome,
    seen: usize,
}

/// Sends as a dispatcher may: on after a passing fault, and after an unclear one only where the platform remembers.
async fn dispatched(stage: &Stage, channel: &Channel, faults: &[(Place, FaultEffect)]) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for fault in faults.iter().map(Some).chain([None]) {
        if let Some((place, effect)) = fault {
            stage.fault(platform_of(channel), *place, effect.clone());
        }
        let before = stage.simulators.seen().len();
        let outcome = stage.outcome(channel, &message(1)).await;
        let repeat = match (&outcome, idempotency(channel, Form::Text)) {
            (Outcome::Transient, _) | (Outcome::Unclear, Idempotency::Window { .. }) => true,
            (_, Idempotency::Window { .. } | Idempotency::None) => false,
        };
        attempts.push(Attempt { outcome, seen: stage.simulators.seen().len() - before });
        if !repeat {
            break;
        }
        // Fewer sends a second than any limit.
        stage.simulators.clock().advance_ms(1_000);
    }
    attempts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn nobody_sees_a_message_twice_and_no_delivery_is_invented(
        faults in prop::collection::vec(effects(), 0..6),
        which in 0_usize..5,
    ) {
        let channel = &all()[which];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let attempts = runtime.block_on(async {
            let stage = Stage::new().await;
            dispatched(&stage, channel, &faults).await
        });
        let mut seen = 0;
        for attempt in attempts {
            seen += attempt.seen;
            match attempt.outcome {
                Outcome::Delivered { .. } => prop_assert_eq!(seen, 1, "{} is called delivered", channel.as_str()),
                Outcome::Unclear => {}
                // A refusal speaks for its own attempt only: one before it may have been unclear, and seen.
                refused => prop_assert_eq!(attempt.seen, 0, "{} is called {}", channel.as_str(), refused.as_str()),
            }
            prop_assert!(seen <= 1, "{} was seen {seen} times", channel.as_str());
        }
    }
}
