//! The circuit breaker of one endpoint: closed, open with single probes, disabled. Pure: time comes in.

use serde::{Deserialize, Serialize};
use sluice_domain::delivery::Outcome;
use sluice_domain::time::UnixMillis;

/// The wait before the first probe; it doubles with every probe that fails.
const FIRST_WAIT_MS: i64 = 30_000;
/// The longest wait, for faults of the platform; those of the endpoint end before.
const LONGEST_WAIT_MS: i64 = 16 * 60_000;
/// A probe that is not heard of for so long has died with its process.
const PROBE_MS: i64 = 30_000;
/// So many refusals in a row, half an hour apart from the first to the last: nobody mends it by itself.
const REFUSALS: u32 = 6;
/// So many unanswered or failed calls in a row of one process open the breaker.
pub(crate) const FAILURES: u32 = 5;
/// So many codes in a row that nobody knows, in one process, count as refusals by the endpoint: one may be of this message or recipient alone.
pub(crate) const UNKNOWNS: u32 = 3;

/// How an endpoint is. Healthy ones are not written down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum Health {
    /// Everything goes.
    #[default]
    Closed,
    /// Nothing goes but one probe at a time.
    Open {
        since: UnixMillis,
        /// The platform's code, or Sluice's word.
        code: String,
        /// How often in a row it refused or failed.
        trips: u32,
        /// The next probe.
        probe_at: UnixMillis,
    },
    /// Nothing goes until a person says so.
    Disabled {
        since: UnixMillis,
        code: String,
        /// Who: `automatic`, or a name.
        by: String,
        why: String,
    },
}

/// May a call leave?
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leave {
    Yes,
    /// As the one call that tries it out.
    AsProbe,
    NotBefore(UnixMillis),
    Never,
}

/// What a call says about its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It works: the platform spoke about this message.
    Works,
    /// It does not, for anybody.
    Refused,
    /// It answered something that nobody knows: once means nothing, again and again that it does not work.
    Unknown,
    /// The platform did not answer or failed.
    Failed,
    /// Nothing.
    Nothing,
}

impl Sign {
    /// Refusals of a recipient or of content are no fault of the endpoint: it answered. Throttles say nothing.
    pub(crate) fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Delivered { .. } | Outcome::RecipientRefused { .. } | Outcome::ContentRefused { .. } => {
                Self::Works
            }
            Outcome::EndpointRefused => Self::Refused,
            Outcome::UnknownCode => Self::Unknown,
            Outcome::Transient | Outcome::Unclear => Self::Failed,
            Outcome::Throttled { .. }
            | Outcome::QuotaExhausted { .. }
            | Outcome::TokenExpired
            | Outcome::Withheld { .. } => Self::Nothing,
        }
    }
}

impl Health {
    /// May a call leave now? A probe takes the place of every other until it is heard of.
    pub(crate) fn leave(&mut self, now: UnixMillis) -> Leave {
        match self {
            Self::Closed => Leave::Yes,
            Self::Disabled { .. } => Leave::Never,
            Self::Open { probe_at, .. } if *probe_at > now => Leave::NotBefore(*probe_at),
            Self::Open { probe_at, .. } => {
                *probe_at = now.plus_ms(PROBE_MS);
                Leave::AsProbe
            }
        }
    }

    /// How it is after a call. A person's word stands whatever calls that were under way say.
    #[must_use]
    pub(crate) fn after(&self, sign: Sign, code: &str, now: UnixMillis) -> Self {
        match (self, sign) {
            (Self::Disabled { .. }, _) | (_, Sign::Nothing) => self.clone(),
            (_, Sign::Works) => Self::Closed,
            // Several calls were under way when it opened: together they are one refusal.
            (Self::Open { probe_at, trips: 1, since, .. }, Sign::Refused | Sign::Unknown | Sign::Failed)
                if *probe_at > now && now.since(*since) < PROBE_MS =>
            {
                self.clone()
            }
            (Self::Open { since, trips, .. }, Sign::Refused | Sign::Unknown)
                if trips.saturating_add(1) >= REFUSALS =>
            {
                let why = format!("refused {} times since {since}", trips.saturating_add(1));
                Self::Disabled { since: now, code: code.to_owned(), by: "automatic".to_owned(), why }
            }
            (Self::Open { since, trips, .. }, Sign::Failed) => {
                // A platform that is down does not get an endpoint disabled.
                Self::opened(*since, code, trips.saturating_add(1).min(REFUSALS - 2), now)
            }
            (Self::Open { since, trips, .. }, Sign::Refused | Sign::Unknown) => {
                Self::opened(*since, code, trips.saturating_add(1), now)
            }
            (Self::Closed, Sign::Refused | Sign::Unknown | Sign::Failed) => Self::opened(now, code, 1, now),
        }
    }

    fn opened(since: UnixMillis, code: &str, trips: u32, now: UnixMillis) -> Self {
        let wait = FIRST_WAIT_MS.saturating_mul(1 << trips.saturating_sub(1).min(16)).min(LONGEST_WAIT_MS);
        Self::Open { since, code: code.to_owned(), trips, probe_at: now.plus_ms(wait) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_255_200_000);

    fn probe_at(health: &Health) -> UnixMillis {
        match health {
            Health::Open { probe_at, .. } => *probe_at,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_refusal_opens_and_one_probe_at_a_time_tries_it_out() {
        let mut health = Health::Closed.after(Sign::Refused, "93000", NOW);
        let due = NOW.plus_ms(FIRST_WAIT_MS);
        assert_eq!(health.leave(NOW.plus_ms(1)), Leave::NotBefore(due));
        assert_eq!(health.leave(due), Leave::AsProbe);
        assert_eq!(health.leave(due), Leave::NotBefore(due.plus_ms(PROBE_MS)));
        assert_eq!(health.leave(due.plus_ms(PROBE_MS)), Leave::AsProbe, "a probe that died is made up for");
        assert_eq!(health.after(Sign::Works, "0", due), Health::Closed);
    }

    #[test]
    fn calls_that_were_under_way_count_once() {
        let first = Health::Closed.after(Sign::Refused, "93000", NOW);
        assert_eq!(first.after(Sign::Refused, "93000", NOW.plus_ms(200)), first);
    }

    #[test]
    fn waits_double_until_it_is_disabled_with_its_reason() {
        let (mut health, mut now) = (Health::Closed, NOW);
        let mut waits = Vec::new();
        loop {
            health = health.after(Sign::Refused, "93000", now);
            if matches!(health, Health::Disabled { .. }) {
                break;
            }
            waits.push(probe_at(&health).since(now) / 1_000);
            now = probe_at(&health);
            assert_eq!(health.leave(now), Leave::AsProbe);
        }
        assert_eq!(waits, [30, 60, 120, 240, 480]);
        let Health::Disabled { code, by, .. } = &health else { panic!("{health:?}") };
        assert_eq!((code.as_str(), by.as_str()), ("93000", "automatic"));
        assert_eq!(health.leave(now.plus_ms(86_400_000)), Leave::Never);
        assert_eq!(health.after(Sign::Works, "0", now), health, "only a person enables it");
    }

    #[test]
    fn a_platform_that_is_down_disables_nothing() {
        let (mut health, mut now) = (Health::Closed, NOW);
        for _ in 0..100 {
            health = health.after(Sign::Failed, "http_503", now);
            now = probe_at(&health);
            assert_eq!(health.leave(now), Leave::AsProbe);
        }
    }

    proptest! {
        /// Neither recipients nor contents nor throttles open anything.
        #[test]
        fn what_is_no_fault_of_the_endpoint_never_counts(opt_out: bool, compliance: bool, ms in 0..1_000_000_i64) {
            for outcome in [
                Outcome::RecipientRefused { opt_out },
                Outcome::ContentRefused { compliance },
                Outcome::Throttled { until: NOW.plus_ms(ms) },
                Outcome::QuotaExhausted { until: NOW.plus_ms(ms) },
            ] {
                let after = Health::Closed.after(Sign::of(&outcome), "1", NOW.plus_ms(ms));
                prop_assert_eq!(after, Health::Closed);
            }
        }
    }
}
