//! What an attempt's result means for its delivery.

use sluice_channels::Idempotency;
use sluice_domain::delivery::{Attempt, Outcome};
use sluice_domain::time::UnixMillis;
use sluice_ports::Settlement;

/// The first pause after a passing failure, and the longest.
const FIRST_PAUSE_MS: i64 = 2_000;
const LONGEST_PAUSE_MS: i64 = 5 * 60_000;

/// When the first attempt began whose result nobody knows: one that never ended (its process died) or ended unclear.
pub(crate) fn unclear_since(earlier: &[Attempt]) -> Option<UnixMillis> {
    let unclear = |attempt: &&Attempt| match &attempt.outcome {
        None | Some(Outcome::Unclear) => true,
        Some(_) => false,
    };
    earlier.iter().find(unclear).map(|attempt| attempt.started_at)
}

/// May a delivery with an unclear attempt be sent again? Only while the platform still remembers that attempt.
pub(crate) fn may_repeat(unclear_since: Option<UnixMillis>, idempotency: Idempotency, now: UnixMillis) -> bool {
    match (unclear_since, idempotency) {
        (None, _) => true,
        (Some(_), Idempotency::None) => false,
        (Some(since), Idempotency::Window { ms }) => now.since(since) < ms,
    }
}

/// How the delivery goes on. `unclear` = some earlier attempt's result is unknown: then a refusal speaks for its own
/// attempt only, and does not say that nothing arrived.
pub(crate) fn settlement(
    outcome: &Outcome,
    unclear: bool,
    idempotency: Idempotency,
    attempts: usize,
    now: UnixMillis,
) -> Settlement {
    let refused = if unclear { Settlement::InDoubt } else { Settlement::Refused };
    match outcome {
        Outcome::Delivered { .. } => Settlement::Delivered,
        Outcome::Throttled { until } | Outcome::QuotaExhausted { until } => Settlement::Waiting { until: *until },
        Outcome::Transient | Outcome::TokenExpired => Settlement::Waiting { until: now.plus_ms(pause_ms(attempts)) },
        Outcome::Unclear => match idempotency {
            Idempotency::None => Settlement::InDoubt,
            Idempotency::Window { .. } => Settlement::Waiting { until: now.plus_ms(pause_ms(attempts)) },
        },
        Outcome::RecipientRefused { .. }
        | Outcome::ContentRefused { .. }
        | Outcome::EndpointRefused
        | Outcome::Withheld { .. } => refused,
    }
}

/// Doubles with every attempt.
fn pause_ms(attempts: usize) -> i64 {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    FIRST_PAUSE_MS.saturating_mul(1 << doublings).min(LONGEST_PAUSE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);
    const HOUR: Idempotency = Idempotency::Window { ms: 3_600_000 };

    fn attempt(outcome: Option<Outcome>) -> Attempt {
        Attempt {
            started_at: UnixMillis(500),
            ended_at: None,
            outcome,
            code: None,
            message: None,
            provider_log_id: None,
            request_sha256: None,
        }
    }

    #[test]
    fn every_outcome_settles_as_its_class_says() {
        let later = UnixMillis(2_000_000);
        let rows = [
            (Outcome::Delivered { provider_id: None }, Settlement::Delivered),
            (Outcome::Throttled { until: later }, Settlement::Waiting { until: later }),
            (Outcome::QuotaExhausted { until: later }, Settlement::Waiting { until: later }),
            (Outcome::Transient, Settlement::Waiting { until: NOW.plus_ms(2_000) }),
            (Outcome::TokenExpired, Settlement::Waiting { until: NOW.plus_ms(2_000) }),
            (Outcome::RecipientRefused { opt_out: true }, Settlement::Refused),
            (Outcome::ContentRefused { compliance: true }, Settlement::Refused),
            (Outcome::EndpointRefused, Settlement::Refused),
            (Outcome::Withheld { code: "x".into() }, Settlement::Refused),
            (Outcome::Unclear, Settlement::InDoubt),
        ];
        for (outcome, expected) in rows {
            assert_eq!(settlement(&outcome, false, Idempotency::None, 1, NOW), expected, "{outcome:?}");
        }
    }

    #[test]
    fn an_unclear_result_is_repeated_only_while_the_platform_remembers_it() {
        assert_eq!(settlement(&Outcome::Unclear, false, HOUR, 2, NOW), Settlement::Waiting { until: NOW.plus_ms(4_000) });
        assert!(may_repeat(Some(UnixMillis(500)), HOUR, NOW));
        assert!(!may_repeat(Some(UnixMillis(500)), HOUR, UnixMillis(3_600_500)));
        assert!(!may_repeat(Some(UnixMillis(500)), Idempotency::None, NOW));
        assert!(may_repeat(None, Idempotency::None, NOW));
    }

    #[test]
    fn a_refusal_after_an_unclear_attempt_leaves_the_delivery_in_doubt() {
        assert_eq!(settlement(&Outcome::EndpointRefused, true, HOUR, 2, NOW), Settlement::InDoubt);
        assert_eq!(settlement(&Outcome::Delivered { provider_id: None }, true, HOUR, 2, NOW), Settlement::Delivered);
    }

    #[test]
    fn an_attempt_that_never_ended_is_unclear() {
        assert_eq!(unclear_since(&[attempt(Some(Outcome::Transient)), attempt(None)]), Some(UnixMillis(500)));
        assert_eq!(unclear_since(&[attempt(Some(Outcome::Transient))]), None);
        assert_eq!(unclear_since(&[attempt(Some(Outcome::Unclear))]), Some(UnixMillis(500)));
    }
}
