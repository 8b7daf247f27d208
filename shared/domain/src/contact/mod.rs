//! When and how often a person may be contacted: quiet hours and caps.
//!
//! Both are looked at where the send is decided. A message caught by quiet hours waits until they end; one above a cap is refused or waits for
//! the next day, as configured.

mod acquaintance;
mod quiet;
mod zone;

pub use acquaintance::{Acquaintance, contact_id, message_contact};
pub use quiet::{ClockTime, QuietHours};
pub use zone::Zone;

use serde::{Deserialize, Serialize};

use crate::id::{EventKey, PersonId, TenantId};
use crate::time::{BusinessDay, UnixMillis};

/// What becomes of a message above a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// It is not sent.
    #[default]
    Refuse,
    /// It waits for the next day on which there is room.
    NextDay,
}

/// How many messages a person gets on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// At most so many.
    pub most: u32,
    /// On this channel; absent = on all together.
    #[serde(default)]
    pub channel: Option<String>,
}

/// The policy of a tenant, or of one of its routes, which then holds instead.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactPolicy {
    /// The clock by which hours and days are told; China's unless given.
    #[serde(default)]
    pub time_zone: Zone,
    /// When nothing is sent.
    #[serde(default)]
    pub quiet: Vec<QuietHours>,
    /// How much at most.
    #[serde(default)]
    pub caps: Vec<Cap>,
    /// What becomes of more.
    #[serde(default)]
    pub when_full: WhenFull,
}

/// A cap that a message must fit under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Of this channel alone; `None` = of all together.
    pub channel: Option<String>,
    /// At most so many.
    pub most: u32,
}

/// A message's place among those that a person gets on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Whose customer.
    pub tenant: TenantId,
    /// Who.
    pub person: PersonId,
    /// The day, by the policy's clock.
    pub day: BusinessDay,
    /// The channel.
    pub channel: String,
    /// The event whose message it is: asking again for the same one takes no second place.
    pub event: EventKey,
    /// What it must fit under.
    pub limits: Vec<Limit>,
}

impl ContactPolicy {
    /// The most days ahead that a free moment is looked for.
    const LOOKS: usize = 64;

    /// Until when a message on this channel must wait; `None` when it may go now.
    pub fn quiet_until(&self, channel: &str, at: UnixMillis) -> Option<UnixMillis> {
        let mut moment = at;
        for _ in 0..Self::LOOKS {
            let end = self
                .quiet
                .iter()
                .filter(|hours| {
                    hours.channels.is_empty() || hours.channels.iter().any(|name| name == channel)
                })
                .filter_map(|hours| hours.end(&self.time_zone, moment))
                .max();
            match end {
                Some(end) if end > moment => moment = end,
                _ => break,
            }
        }
        (moment > at).then_some(moment)
    }

    /// Is there any minute of the day at which a message may go?
    pub fn has_room(&self) -> bool {
        (0..24 * 60).any(|minute| !self.quiet.iter().any(|hours| hours.holds(minute)))
    }

    /// What a message on this channel must fit under.
    pub fn limits(&self, channel: &str) -> Vec<Limit> {
        self.caps
            .iter()
            .filter(|cap| cap.channel.as_deref().is_none_or(|name| name == channel))
            .map(|cap| Limit { channel: cap.channel.clone(), most: cap.most })
            .collect()
    }

    /// The day of a moment by the policy's clock.
    pub fn day(&self, at: UnixMillis) -> BusinessDay {
        self.time_zone.day(at)
    }

    /// When the next day begins by the policy's clock, and its quiet hours are over.
    pub fn next_day(&self, channel: &str, at: UnixMillis) -> UnixMillis {
        let midnight = self.time_zone.next_midnight(at);
        self.quiet_until(channel, midnight).unwrap_or(midnight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T16:00+08:00.
    const NOON: UnixMillis = UnixMillis(1_795_248_000_000);
    const HOUR: i64 = 3_600_000;

    fn policy(yaml: &str) -> ContactPolicy {
        serde_json::from_str(yaml).unwrap()
    }

    #[test]
    fn a_message_at_night_waits_for_the_morning() {
        let policy = policy(r#"{ "quiet": [{ "from": "21:00", "to": "09:00" }] }"#);
        assert_eq!(policy.quiet_until("any", NOON), None);
        let morning = NOON.plus_ms(17 * HOUR);
        for hours in [5, 8, 10, 16] {
            assert_eq!(policy.quiet_until("any", NOON.plus_ms(hours * HOUR)), Some(morning), "{hours}");
        }
        assert_eq!(policy.quiet_until("any", morning), None);
    }

    #[test]
    fn hours_that_follow_each_other_are_one_and_other_channels_have_none() {
        let policy = policy(
            r#"{ "quiet": [{ "from": "12:00", "to": "18:00", "channels": ["a"] }, { "from": "18:00", "to": "24:00", "channels": ["a"] },
                           { "from": "00:00", "to": "08:30" }] }"#,
        );
        assert_eq!(policy.quiet_until("a", NOON), Some(NOON.plus_ms(16 * HOUR + HOUR / 2)));
        assert_eq!(policy.quiet_until("b", NOON), None);
        assert!(policy.has_room());
        let always = self::policy(
            r#"{ "quiet": [{ "from": "00:00", "to": "12:00" }, { "from": "12:00", "to": "24:00" }] }"#,
        );
        assert!(!always.has_room());
        assert!(always.quiet_until("a", NOON).is_some());
    }

    #[test]
    fn clocks_that_are_put_forward_and_back_are_followed() {
        let policy =
            policy(r#"{ "time_zone": "America/New_York", "quiet": [{ "from": "22:00", "to": "08:00" }] }"#);
        // 2026-03-07T23:00-05:00; the clocks go forward at 02:00, so eight o'clock is an hour nearer.
        let before = UnixMillis(1_772_942_400_000);
        assert_eq!(policy.quiet_until("a", before), Some(before.plus_ms(8 * HOUR)));
        // 2026-10-31T23:00-04:00; back at 02:00.
        let before = UnixMillis(1_793_502_000_000);
        assert_eq!(policy.quiet_until("a", before), Some(before.plus_ms(10 * HOUR)));
    }

    #[test]
    fn a_day_turns_at_midnight_of_the_policys_clock() {
        let china = ContactPolicy::default();
        assert_eq!(china.day(NOON).to_string(), "2026-11-21");
        assert_eq!(china.next_day("a", NOON), NOON.plus_ms(8 * HOUR));
        let tokyo = policy(r#"{ "time_zone": "Asia/Tokyo", "quiet": [{ "from": "21:00", "to": "09:00" }] }"#);
        assert_eq!(tokyo.day(NOON.plus_ms(7 * HOUR)).to_string(), "2026-11-22");
        assert_eq!(tokyo.next_day("a", NOON), NOON.plus_ms(16 * HOUR));
    }

    #[test]
    fn a_message_must_fit_under_the_caps_of_its_channel_and_of_all() {
        let policy = policy(r#"{ "caps": [{ "most": 3 }, { "most": 1, "channel": "wechat_custom" }] }"#);
        let most = |channel: &str| policy.limits(channel).iter().map(|limit| limit.most).collect::<Vec<_>>();
        assert_eq!(most("wechat_custom"), [3, 1]);
        assert_eq!(most("wecom_bot"), [3]);
    }

    #[test]
    fn what_is_no_clock_time_or_zone_is_refused() {
        for bad in [
            r#"{ "quiet": [{ "from": "9", "to": "10:00" }] }"#,
            r#"{ "quiet": [{ "from": "25:00", "to": "10:00" }] }"#,
            r#"{ "quiet": [{ "from": "10:00", "to": "10:60" }] }"#,
            r#"{ "quiet": [{ "from": "10:00", "to": "10:00" }] }"#,
            r#"{ "time_zone": "Moon/Tycho" }"#,
        ] {
            assert!(serde_json::from_str::<ContactPolicy>(bad).is_err(), "{bad}");
        }
    }
}
