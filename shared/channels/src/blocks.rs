//! What is known about accounts and endpoints that asked to be left alone: no call goes out inside a known block window.

use serde::{Deserialize, Serialize};
use sluice_domain::time::UnixMillis;

use crate::verdict::{Refill, Wait};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;
/// The longest wait a header may ask for.
const LONGEST_RESET_S: i64 = 3_600;

/// One block window, and those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Block {
    pub(crate) until: UnixMillis,
    /// How often in a row it came back.
    level: u32,
}

impl Block {
    /// Until when it holds, if it does now.
    pub(crate) fn holds(&self, now: UnixMillis) -> Option<UnixMillis> {
        Some(self.until).filter(|until| *until > now)
    }

    /// When nothing depends on it any more.
    pub(crate) fn is_over(&self, now: UnixMillis) -> bool {
        now.since(self.until) >= HOUR_MS
    }

    /// The block after a throttle. Calls that were under way when the one before was noted say nothing new.
    pub(crate) fn throttled(
        before: Option<Self>,
        now: UnixMillis,
        wait: Wait,
        reset_seconds: Option<i64>,
    ) -> Self {
        Self::after(before, now, |level| match wait {
            Wait::MinuteHourDay if level >= 2 => now.business_day().end(),
            wait => now.plus_ms(wait_ms(wait, level, reset_seconds)),
        })
    }

    /// The block after a used-up quota.
    pub(crate) fn exhausted(before: Option<Self>, now: UnixMillis, refill: Refill) -> Self {
        Self::after(before, now, |_| refilled(refill, now))
    }

    fn after(before: Option<Self>, now: UnixMillis, until: impl FnOnce(u32) -> UnixMillis) -> Self {
        let level = match before {
            Some(block) if block.until > now => return block,
            Some(block) if !block.is_over(now) => block.level.saturating_add(1),
            _ => 0,
        };
        Self { until: until(level), level }
    }
}

/// The wait of a throttle that came back `level` times, in milliseconds.
pub(crate) fn wait_ms(wait: Wait, level: u32, reset_seconds: Option<i64>) -> i64 {
    match wait {
        Wait::Seconds(seconds) => seconds.saturating_mul(1_000),
        Wait::Rising { first, most } => {
            let doubled = first.saturating_mul(1_i64 << level.min(16));
            doubled.min(most).saturating_mul(1_000)
        }
        Wait::ResetHeader => reset_seconds.unwrap_or(60).clamp(1, LONGEST_RESET_S).saturating_mul(1_000),
        Wait::MinuteHourDay if level == 0 => MINUTE_MS,
        Wait::MinuteHourDay => HOUR_MS,
    }
}

fn refilled(refill: Refill, now: UnixMillis) -> UnixMillis {
    let mut day = now.business_day();
    loop {
        let end = day.end();
        day = end.business_day();
        // Days are written `2026-11-21`; a month has at most 31 of them.
        if refill == Refill::NextDay || day.to_string().ends_with("-01") || end.since(now) > 32 * 24 * HOUR_MS
        {
            return end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T18:00:00+08:00.
    const NOW: UnixMillis = UnixMillis(1_795_255_200_000);

    #[test]
    fn a_block_holds_until_the_moment_and_not_longer() {
        let block = Block::throttled(None, NOW, Wait::Seconds(60), None);
        assert_eq!(block.until, NOW.plus_ms(60_000));
        assert_eq!(block.holds(NOW.plus_ms(59_999)), Some(block.until));
        assert_eq!(block.holds(NOW.plus_ms(60_000)), None);
    }

    #[test]
    fn wecom_blocks_grow_from_a_minute_to_an_hour_to_the_rest_of_the_day() {
        let hit = |before, at| Block::throttled(before, at, Wait::MinuteHourDay, None);
        let first = hit(None, NOW);
        assert_eq!(first.until, NOW.plus_ms(MINUTE_MS));
        assert_eq!(hit(Some(first), NOW.plus_ms(10)), first, "calls under way at the time do not count");
        let second = hit(Some(first), first.until);
        assert_eq!(second.until, first.until.plus_ms(HOUR_MS));
        assert_eq!(hit(Some(second), second.until.plus_ms(1)).until, NOW.business_day().end());
    }

    #[test]
    fn a_quiet_hour_forgets_the_blocks_before() {
        let first = Block::throttled(None, NOW, Wait::MinuteHourDay, None);
        let later = first.until.plus_ms(HOUR_MS);
        let again = Block::throttled(Some(first), later, Wait::MinuteHourDay, None);
        assert_eq!(again.until, later.plus_ms(MINUTE_MS));
    }

    #[test]
    fn waits_follow_header_and_doubling_within_bounds() {
        let rising = Wait::Rising { first: 5, most: 60 };
        let waits: Vec<i64> = (0..6).map(|level| wait_ms(rising, level, None) / 1_000).collect();
        assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
        for (header, seconds) in [(Some(52), 52), (None, 60), (Some(-3), 1), (Some(i64::MAX), 3_600)] {
            assert_eq!(wait_ms(Wait::ResetHeader, 0, header), seconds * 1_000);
        }
    }

    #[test]
    fn quotas_refill_at_midnight_and_on_the_first_in_china() {
        assert_eq!(refilled(Refill::NextDay, NOW).to_string(), "2026-11-21T16:00:00.000Z");
        assert_eq!(refilled(Refill::NextMonth, NOW).to_string(), "2026-11-30T16:00:00.000Z");
        let december = refilled(Refill::NextMonth, NOW).plus_ms(1);
        assert_eq!(refilled(Refill::NextMonth, december).to_string(), "2026-12-31T16:00:00.000Z");
    }
}
