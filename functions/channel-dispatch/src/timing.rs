//! May a message leave at this moment, or is it too late in the day, or one too many?

use sluice_channels::Idempotency;
use sluice_domain::contact::{Slot, WhenFull};
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, Entropy, KeyRing, Place, PortError, Settlement};
use sluice_settings::CurrentSettings;
use sluice_steps::StageError;

use crate::handler::ChannelDispatch;
use crate::policy::{History, wait};
use crate::records::Records;
use crate::sender::Sender;
use crate::work::{Work, withheld};

/// Messages that waited for the same moment leave over so long a time.
const SPREAD_MS: i64 = 10 * MINUTE_MS;
/// Platforms ask to keep the first minute of every half hour free (Feishu 11232, WW90236).
const HALF_HOUR_MS: i64 = 30 * MINUTE_MS;
const MINUTE_MS: i64 = 60_000;

/// When a message may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timing {
    /// At once.
    Now,
    /// Then, for this reason.
    At(UnixMillis, &'static str),
    /// Never, for this reason.
    Never(&'static str),
}

impl<S, K, M, C, E, P> ChannelDispatch<S, K, M, C, E, P>
where
    S: Records,
    K: KeyRing,
    M: Sender,
    C: Clock,
    E: Entropy,
    P: CurrentSettings,
{
    /// Quiet hours first: a message that waits takes no place of the day on which it is not sent. Without caps nothing is written.
    pub(crate) async fn timing(&self, work: &Work<'_>) -> Result<Timing, PortError> {
        let event = work.cleared.event();
        let Some(route) = work.tenant.route_of(event) else { return Ok(Timing::Now) };
        let (policy, now) = (work.tenant.contact_policy(route), self.clock.now());
        let channel = work.destination.channel.as_str();
        if let Some(until) = policy.quiet_until(channel, now) {
            return Ok(Timing::At(until, "quiet_hours"));
        }
        let limits = policy.limits(channel);
        if limits.is_empty() {
            return Ok(Timing::Now);
        }
        let slot = Slot {
            tenant: work.tenant.id.clone(),
            person: work.cleared.person().clone(),
            day: policy.day(now),
            channel: channel.to_owned(),
            event: event.key.clone(),
            limits,
        };
        Ok(match (self.store.take_place(&slot).await?, policy.when_full) {
            (Place::Taken, _) => Timing::Now,
            (Place::Full, WhenFull::Refuse) => Timing::Never("frequency_cap"),
            (Place::Full, WhenFull::NextDay) => Timing::At(policy.next_day(channel, now), "frequency_cap"),
        })
    }

    /// Ends the claim of a message that does not leave now.
    pub(crate) async fn not_now(
        &self,
        work: &Work<'_>,
        timing: Timing,
        history: History,
        idempotency: Idempotency,
    ) -> Result<(), StageError> {
        let (code, settlement) = match timing {
            Timing::Now => ("waiting", Settlement::Waiting { until: self.clock.now() }),
            Timing::Never(code) => (code, history.refusal()),
            Timing::At(until, code) => {
                let mut share = [0; 4];
                self.entropy.fill(&mut share);
                (code, wait(spread(until, u32::from_le_bytes(share)), history, idempotency))
            }
        };
        self.settle(work, withheld(code), settlement).await
    }
}

/// A message's own moment after the one that many wait for: its share of the ten minutes, in which none is :00 or :30.
fn spread(until: UnixMillis, share: u32) -> UnixMillis {
    let after = SPREAD_MS * i64::from(share) / (1 << 32);
    let past = until.0.rem_euclid(HALF_HOUR_MS);
    let free = (MINUTE_MS - past).max(0);
    // At most one more half hour begins on the way.
    let skipped = if past + free + after >= HALF_HOUR_MS { MINUTE_MS } else { 0 };
    until.plus_ms(free + after + skipped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 09:00 in China.
    const NINE: UnixMillis = UnixMillis(1_795_222_800_000);

    #[test]
    fn ten_thousand_that_wait_for_nine_come_back_one_by_one() {
        let step = u32::MAX / 10_000;
        let moments: Vec<i64> = (0..10_000).map(|number| spread(NINE, number * step).since(NINE)).collect();
        assert_eq!((moments[0], moments[5_000] / MINUTE_MS), (MINUTE_MS, 5));
        assert!(moments.windows(2).all(|pair| (59..=61).contains(&(pair[1] - pair[0]))), "60 ms apart");
        assert!(moments[9_999] < 11 * MINUTE_MS);
    }

    #[test]
    fn the_next_half_hour_is_left_out() {
        let before = NINE.plus_ms(25 * MINUTE_MS);
        assert_eq!(spread(before, 0), before);
        assert_eq!(spread(before, u32::MAX / 2).since(NINE) / MINUTE_MS, 29);
        assert_eq!(spread(before, u32::MAX / 2 + 1), NINE.plus_ms(31 * MINUTE_MS));
    }

    proptest! {
        #[test]
        fn nobody_comes_back_early_late_or_at_a_half_hour(at in 0..48 * HALF_HOUR_MS, share: u32) {
            let until = NINE.plus_ms(at);
            let moment = spread(until, share);
            prop_assert!((0..12 * MINUTE_MS).contains(&moment.since(until)));
            prop_assert!(moment.0.rem_euclid(HALF_HOUR_MS) >= MINUTE_MS);
        }
    }
}
