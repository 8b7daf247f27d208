//! From what came of an attempt to how its claim ends: the table of `docs/WIRE.md`, "outcomes".

use sluice_channels::Idempotency;
use sluice_domain::delivery::Outcome;
use sluice_domain::time::UnixMillis;
use sluice_ports::Settlement;

use crate::history::History;

/// The first wait after a passing fault, in milliseconds; it doubles with every attempt.
const FIRST_WAIT_MS: i64 = 2_000;
/// The longest.
const LONGEST_WAIT_MS: i64 = 15 * 60_000;

/// What is known when an attempt ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances {
    /// What the channel promises about repeats.
    pub(crate) promise: Idempotency,
    /// The attempts before.
    pub(crate) history: History,
    /// When this attempt's request was about to leave.
    pub(crate) started_at: UnixMillis,
    /// Now.
    pub(crate) now: UnixMillis,
    /// 0 to 255: spreads the repeats of many.
    pub(crate) jitter: u8,
}

/// How the claim ends.
pub(crate) fn settlement_of(outcome: &Outcome, at: Circumstances) -> Settlement {
    match outcome {
        Outcome::Delivered { .. } => Settlement::Delivered,
        Outcome::Throttled { until } | Outcome::QuotaExhausted { until } => wait(*until, at.history, at.promise),
        Outcome::Transient | Outcome::TokenExpired => wait(later(at), at.history, at.promise),
        Outcome::Unclear => wait(later(at), at.history.and_unclear(at.started_at), at.promise),
        Outcome::RecipientRefused { .. }
        | Outcome::ContentRefused { .. }
        | Outcome::EndpointRefused
        | Outcome::Withheld { .. } => refused(at.history),
    }
}

/// A refusal speaks for its own attempt only: an earlier one that nobody answered may have been taken.
pub(crate) fn refused(history: History) -> Settlement {
    if history.unclear_since.is_some() { Settlement::InDoubt } else { Settlement::Refused }
}

/// A repeat that would come after the platform has forgotten an unclear attempt is none: nobody knows, and it stays so.
fn wait(until: UnixMillis, history: History, promise: Idempotency) -> Settlement {
    if history.may_repeat(promise, until) { Settlement::Waiting { until } } else { Settlement::InDoubt }
}

/// Doubling, with up to a quarter more.
pub(crate) fn later(at: Circumstances) -> UnixMillis {
    let doublings = u32::try_from(at.history.attempts).unwrap_or(u32::MAX).min(16);
    let wait = FIRST_WAIT_MS.saturating_mul(1_i64 << doublings).min(LONGEST_WAIT_MS);
    let spread = wait / 4 * i64::from(at.jitter) / 255;
    at.now.plus_ms(wait.saturating_add(spread))
}
