//! What is known about endpoints that asked to be left alone: no call goes out inside a known block window.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sluice_domain::id::{DestinationId, TenantId};
use sluice_domain::time::UnixMillis;

use crate::verdict::{Refill, Wait};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;
/// The longest wait a header may ask for.
const LONGEST_RESET_S: i64 = 3_600;

/// One endpoint of one tenant.
type Key = (TenantId, DestinationId);

/// The blocks this process knows of. Other processes learn theirs by themselves.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    known: Mutex<HashMap<Key, Block>>,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    until: UnixMillis,
    /// How often in a row it came back.
    level: u32,
}

impl Blocks {
    /// Until when the endpoint is blocked, if it is now.
    pub(crate) fn until(
        &self,
        tenant: &TenantId,
        endpoint: &DestinationId,
        now: UnixMillis,
    ) -> Option<UnixMillis> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(tenant.clone(), endpoint.clone())).map(|block| block.until).filter(|until| *until > now)
    }

    /// Notes a throttle of the whole endpoint; says until when.
    pub(crate) fn throttled(
        &self,
        tenant: &TenantId,
        endpoint: &DestinationId,
        now: UnixMillis,
        wait: Wait,
        reset_seconds: Option<i64>,
    ) -> UnixMillis {
        self.note(tenant, endpoint, now, |level| match wait {
            Wait::MinuteHourDay if level >= 2 => now.business_day().end(),
            wait => now.plus_ms(wait_ms(wait, level, reset_seconds)),
        })
    }

    /// Notes a used-up quota; says until when.
    pub(crate) fn exhausted(
        &self,
        tenant: &TenantId,
        endpoint: &DestinationId,
        now: UnixMillis,
        refill: Refill,
    ) -> UnixMillis {
        self.note(tenant, endpoint, now, |_| refilled(refill, now))
    }

    fn note(
        &self,
        tenant: &TenantId,
        endpoint: &DestinationId,
        now: UnixMillis,
        until: impl FnOnce(u32) -> UnixMillis,
    ) -> UnixMillis {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant.clone(), endpoint.clone());
        let level = match known.get(&key) {
            // Calls that were under way when the block was noted say nothing new.
            Some(block) if block.until > now => return block.until,
            Some(block) if now.since(block.until) < HOUR_MS => block.level.saturating_add(1),
            _ => 0,
        };
        let until = until(level);
        known.insert(key, Block { until, level });
        until
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

    fn ids() -> (TenantId, DestinationId) {
        (TenantId::new("acme").unwrap(), DestinationId::new("sales").unwrap())
    }

    #[test]
    fn an_endpoint_is_blocked_until_the_moment_and_not_longer() {
        let (tenant, endpoint) = ids();
        let blocks = Blocks::default();
        assert_eq!(blocks.until(&tenant, &endpoint, NOW), None);
        let until = blocks.throttled(&tenant, &endpoint, NOW, Wait::Seconds(60), None);
        assert_eq!(until, NOW.plus_ms(60_000));
        assert_eq!(blocks.until(&tenant, &endpoint, NOW.plus_ms(59_999)), Some(until));
        assert_eq!(blocks.until(&tenant, &endpoint, NOW.plus_ms(60_000)), None);
        let other = DestinationId::new("other").unwrap();
        assert_eq!(blocks.until(&tenant, &other, NOW), None);
    }

    #[test]
    fn wecom_blocks_grow_from_a_minute_to_an_hour_to_the_rest_of_the_day() {
        let (tenant, endpoint) = ids();
        let blocks = Blocks::default();
        let hit = |at| blocks.throttled(&tenant, &endpoint, at, Wait::MinuteHourDay, None);
        let first = hit(NOW);
        assert_eq!(first, NOW.plus_ms(MINUTE_MS));
        assert_eq!(hit(NOW.plus_ms(10)), first, "calls under way at the time do not count");
        let second = hit(first);
        assert_eq!(second, first.plus_ms(HOUR_MS));
        assert_eq!(hit(second.plus_ms(1)), NOW.business_day().end());
    }

    #[test]
    fn a_quiet_hour_forgets_the_blocks_before() {
        let (tenant, endpoint) = ids();
        let blocks = Blocks::default();
        let first = blocks.throttled(&tenant, &endpoint, NOW, Wait::MinuteHourDay, None);
        let later = first.plus_ms(HOUR_MS);
        let again = blocks.throttled(&tenant, &endpoint, later, Wait::MinuteHourDay, None);
        assert_eq!(again, later.plus_ms(MINUTE_MS));
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
