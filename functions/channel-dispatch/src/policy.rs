//! What an attempt's result means for its delivery.

use sluice_channels::Idempotency;
use sluice_domain::delivery::{Attempt, Delivery, Outcome, WAITS_FOR_REVIEW};
use sluice_domain::time::UnixMillis;
use sluice_ports::Settlement;

/// The first pause after a passing failure, and the longest.
const FIRST_PAUSE_MS: i64 = 2_000;
const LONGEST_PAUSE_MS: i64 = 5 * 60_000;

/// What is known of the attempts before the one that a claim has just opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct History {
    /// How many there were.
    pub(crate) attempts: usize,
    /// When the first attempt began whose result nobody knows.
    pub(crate) unclear_since: Option<UnixMillis>,
    /// An earlier version forgot attempts, and with them whether one was unclear.
    pub(crate) uncounted: bool,
    /// The recipient said no to such messages.
    pub(crate) opted_out: bool,
    /// The message waits, or waited, for a review.
    pub(crate) reviewed: bool,
}

impl History {
    /// Reads a delivery that was won: its last attempt is the one that begins now.
    pub(crate) fn of(delivery: &Delivery) -> Self {
        let earlier = delivery.attempts.split_last().map_or(&[][..], |(_, earlier)| earlier);
        let mut unclear_since = earlier.iter().find(|it| it.is_unclear()).map(|it| it.started_at);
        let uncounted = delivery.has_forgotten_uncounted();
        if unclear_since.is_some() && uncounted {
            // An earlier one may be forgotten: the worst case counts.
            unclear_since = Some(delivery.opened_at);
        }
        let opted_out =
            earlier.iter().any(|it| it.outcome == Some(Outcome::RecipientRefused { opt_out: true }));
        let reviewed = may_have_waited(earlier);
        Self { attempts: earlier.len(), unclear_since, uncounted, opted_out, reviewed }
    }

    /// May a request leave at a moment without the risk of a second message?
    ///
    /// The *first* unclear attempt counts: if that one was taken, the platform began to remember it then.
    pub(crate) fn may_repeat(self, idempotency: Idempotency, at: UnixMillis) -> bool {
        match (self.unclear_since, idempotency) {
            (None, _) => true,
            (Some(_), Idempotency::None) => false,
            (Some(since), Idempotency::Window { ms }) => at.since(since) < ms,
        }
    }

    /// Can no attempt have been taken?
    pub(crate) fn nothing_arrived(self) -> bool {
        self.unclear_since.is_none() && !self.uncounted
    }

    /// How a delivery ends that will not be sent: a refusal speaks for its own attempt only, and does not say that nothing
    /// arrived before it.
    pub(crate) fn refusal(self) -> Settlement {
        if self.unclear_since.is_some() { Settlement::InDoubt } else { Settlement::Refused }
    }
}

/// Is one of these attempts a message that began to wait for a review? When some are forgotten, it may have been one of them.
pub(crate) fn may_have_waited(attempts: &[Attempt]) -> bool {
    let waits = |attempt: &Attempt| attempt.code.as_deref() == Some(WAITS_FOR_REVIEW);
    attempts.iter().any(waits) || attempts.len() + 1 >= Delivery::ATTEMPTS_KEPT
}

/// The attempt that ends now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending {
    /// What the channel promises about repeats.
    pub(crate) idempotency: Idempotency,
    /// When its request was about to leave.
    pub(crate) started_at: UnixMillis,
    /// Now.
    pub(crate) now: UnixMillis,
    /// Spreads the repeats of many deliveries.
    pub(crate) jitter: u8,
}

/// How the delivery goes on.
pub(crate) fn settlement(outcome: &Outcome, history: History, ending: Ending) -> Settlement {
    match outcome {
        Outcome::Delivered { .. } => Settlement::Delivered,
        Outcome::Throttled { until } | Outcome::QuotaExhausted { until } => {
            wait(*until, history, ending.idempotency)
        }
        Outcome::Transient | Outcome::TokenExpired => {
            wait(later(history.attempts, ending), history, ending.idempotency)
        }
        Outcome::Unclear => {
            let since = history.unclear_since.unwrap_or(ending.started_at);
            let history = History { unclear_since: Some(since), ..history };
            wait(later(history.attempts, ending), history, ending.idempotency)
        }
        Outcome::RecipientRefused { .. }
        | Outcome::ContentRefused { .. }
        | Outcome::EndpointRefused
        | Outcome::UnknownCode
        | Outcome::Withheld { .. } => history.refusal(),
    }
}

/// A repeat after the platform has forgotten an unclear attempt is none: what nobody knows now, nobody will know then.
pub(crate) fn wait(until: UnixMillis, history: History, idempotency: Idempotency) -> Settlement {
    if history.may_repeat(idempotency, until) { Settlement::Waiting { until } } else { Settlement::InDoubt }
}

/// When to try again after a passing fault.
pub(crate) fn later(attempts: usize, ending: Ending) -> UnixMillis {
    ending.now.plus_ms(pause_ms(attempts, ending.jitter))
}

/// Doubles with every attempt, and up to a quarter more.
fn pause_ms(attempts: usize, jitter: u8) -> i64 {
    let doublings = u32::try_from(attempts).unwrap_or(u32::MAX).min(16);
    let pause = FIRST_PAUSE_MS.saturating_mul(1 << doublings).min(LONGEST_PAUSE_MS);
    pause.saturating_add(pause.saturating_mul(i64::from(jitter)) / 1_024)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sluice_domain::delivery::DeliveryState;
    use sluice_domain::id::*;
    use sluice_domain::progress::Assignment;

    use super::*;

    const NOW: UnixMillis = UnixMillis(10_000_000);
    const HOUR_MS: i64 = 3_600_000;
    const HOUR: Idempotency = Idempotency::Window { ms: HOUR_MS };
    const FIRST: History =
        History { attempts: 0, unclear_since: None, uncounted: false, opted_out: false, reviewed: false };

    fn ending(idempotency: Idempotency) -> Ending {
        Ending { idempotency, started_at: NOW.plus_ms(-100), now: NOW, jitter: 0 }
    }

    fn attempt(at: i64, outcome: Option<Outcome>) -> Attempt {
        Attempt {
            started_at: UnixMillis(at),
            ended_at: outcome.as_ref().map(|_| UnixMillis(at + 1)),
            outcome,
            code: None,
            message: None,
            provider_log_id: None,
            request_sha256: None,
            script_hash: None,
        }
    }

    fn delivery(attempts: Vec<Attempt>) -> Delivery {
        Delivery {
            payload_sha256: "00".repeat(32),
            key: EventKey {
                tenant: TenantId::new("t").unwrap(),
                source: SourceId::new("s").unwrap(),
                message: MessageId::new("m").unwrap(),
            },
            trace_id: TraceId::from_parts(NOW, [0; 10]),
            person: PersonId::new("p-1").unwrap(),
            assignment: Assignment {
                experiment: None,
                bucket: None,
                variant: None,
                script: ScriptId::new("s").unwrap(),
                script_version: 1,
                destination: DestinationId::new("d").unwrap(),
            },
            fallback: None,
            opened_at: UnixMillis(1),
            state: DeliveryState::Delivered,
            attempts,
            forgotten: 1,
        }
    }

    #[test]
    fn every_outcome_settles_as_its_class_says() {
        let later = UnixMillis(20_000_000);
        let rows = [
            (Outcome::Delivered { provider_id: None }, Settlement::Delivered),
            (Outcome::Throttled { until: later }, Settlement::Waiting { until: later }),
            (Outcome::QuotaExhausted { until: later }, Settlement::Waiting { until: later }),
            (Outcome::Transient, Settlement::Waiting { until: NOW.plus_ms(2_000) }),
            (Outcome::TokenExpired, Settlement::Waiting { until: NOW.plus_ms(2_000) }),
            (Outcome::RecipientRefused { opt_out: true }, Settlement::Refused),
            (Outcome::RecipientRefused { opt_out: false }, Settlement::Refused),
            (Outcome::ContentRefused { compliance: true }, Settlement::Refused),
            (Outcome::ContentRefused { compliance: false }, Settlement::Refused),
            (Outcome::EndpointRefused, Settlement::Refused),
            (Outcome::UnknownCode, Settlement::Refused),
            (Outcome::Withheld { code: "x".into() }, Settlement::Refused),
            (Outcome::Unclear, Settlement::InDoubt),
        ];
        for (outcome, expected) in rows {
            assert_eq!(settlement(&outcome, FIRST, ending(Idempotency::None)), expected, "{outcome:?}");
        }
    }

    #[test]
    fn an_unclear_result_is_repeated_where_the_platform_remembers_it() {
        let waiting = Settlement::Waiting { until: NOW.plus_ms(2_000) };
        assert_eq!(settlement(&Outcome::Unclear, FIRST, ending(HOUR)), waiting);
    }

    /// The first unclear attempt began the platform's memory; later ones don't renew it.
    #[test]
    fn no_wait_goes_beyond_the_memory_of_the_first_unclear_attempt() {
        let since = NOW.plus_ms(1_000 - HOUR_MS);
        let history = History {
            attempts: 1,
            unclear_since: Some(since),
            uncounted: false,
            opted_out: false,
            reviewed: false,
        };
        for outcome in [
            Outcome::Unclear,
            Outcome::Transient,
            Outcome::TokenExpired,
            Outcome::Throttled { until: NOW.plus_ms(1_000) },
            Outcome::QuotaExhausted { until: NOW.plus_ms(1_000) },
        ] {
            assert_eq!(settlement(&outcome, history, ending(HOUR)), Settlement::InDoubt, "{outcome:?}");
        }
        let soon = Outcome::Throttled { until: NOW.plus_ms(999) };
        let waiting = Settlement::Waiting { until: NOW.plus_ms(999) };
        assert_eq!(settlement(&soon, history, ending(HOUR)), waiting);
    }

    #[test]
    fn a_refusal_after_an_unclear_attempt_leaves_the_delivery_in_doubt() {
        let history = History {
            attempts: 1,
            unclear_since: Some(NOW),
            uncounted: false,
            opted_out: false,
            reviewed: false,
        };
        assert_eq!(settlement(&Outcome::EndpointRefused, history, ending(HOUR)), Settlement::InDoubt);
        let delivered = Outcome::Delivered { provider_id: None };
        assert_eq!(settlement(&delivered, history, ending(HOUR)), Settlement::Delivered);
    }

    #[test]
    fn an_attempt_that_never_ended_is_unclear_and_the_one_that_begins_is_not() {
        let open = |at| attempt(at, None);
        let history = |attempts| History::of(&delivery(attempts));
        assert_eq!(history(vec![open(500)]), FIRST);
        assert_eq!(history(vec![attempt(500, Some(Outcome::Transient)), open(600)]).unclear_since, None);
        assert_eq!(history(vec![open(500), open(600)]).unclear_since, Some(UnixMillis(500)));
        let answered = attempt(500, Some(Outcome::Unclear));
        assert_eq!(history(vec![answered, open(600), open(700)]).unclear_since, Some(UnixMillis(500)));
    }

    #[test]
    fn of_a_delivery_whose_attempts_an_earlier_version_forgot_the_worst_is_taken() {
        let attempts = |outcome: Option<Outcome>| (0..20).map(move |at| attempt(1_000 + at, outcome.clone()));
        let uncounted = |attempts| History::of(&Delivery { forgotten: 0, ..delivery(attempts) });
        let unclear = uncounted(attempts(None).collect());
        assert_eq!((unclear.unclear_since, unclear.nothing_arrived()), (Some(UnixMillis(1)), false));
        let clear = uncounted(attempts(Some(Outcome::Transient)).collect());
        assert_eq!((clear.unclear_since, clear.nothing_arrived()), (None, false));
        let counted = History::of(&delivery(attempts(Some(Outcome::Transient)).collect()));
        assert!(counted.nothing_arrived());
    }

    #[test]
    fn pauses_double_up_to_five_minutes_and_spread_by_a_quarter() {
        let pauses: Vec<i64> = (0..10).map(|attempts| pause_ms(attempts, 0) / 1_000).collect();
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(pause_ms(0, 255), 2_498);
    }

    fn any_outcome() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            any::<i32>().prop_map(|ms| Outcome::Throttled { until: NOW.plus_ms(ms.into()) }),
            any::<i32>().prop_map(|ms| Outcome::QuotaExhausted { until: NOW.plus_ms(ms.into()) }),
            Just(Outcome::Transient),
            Just(Outcome::TokenExpired),
            Just(Outcome::Unclear),
            Just(Outcome::EndpointRefused),
            Just(Outcome::UnknownCode),
            any::<bool>().prop_map(|opt_out| Outcome::RecipientRefused { opt_out }),
            any::<bool>().prop_map(|compliance| Outcome::ContentRefused { compliance }),
        ]
    }

    proptest! {
        /// The law behind everything here: whoever comes back may send.
        #[test]
        fn a_delivery_waits_only_for_a_moment_at_which_it_may_be_repeated(
            outcome in any_outcome(), attempts in 0..30_usize, since in proptest::option::of(0..20_000_000_i64), ms in 1..20_000_000_i64,
            jitter: u8, remembers: bool,
        ) {
            let idempotency = if remembers { Idempotency::Window { ms } } else { Idempotency::None };
            let history = History { attempts, unclear_since: since.map(UnixMillis), uncounted: false, opted_out: false, reviewed: false };
            let ending = Ending { idempotency, started_at: NOW, now: NOW, jitter };
            if let Settlement::Waiting { until } = settlement(&outcome, history, ending) {
                let unclear_since = match outcome {
                    Outcome::Unclear => history.unclear_since.or(Some(NOW)),
                    _ => history.unclear_since,
                };
                let next = History { unclear_since, ..history };
                prop_assert!(next.may_repeat(idempotency, until));
            }
        }
    }
}
