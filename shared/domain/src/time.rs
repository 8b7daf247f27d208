//! Moments and days. The domain never reads a clock: every function that needs the time takes it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

/// One day in milliseconds.
pub const DAY_MS: i64 = 86_400_000;

/// China Standard Time is UTC+08:00 all year (no daylight saving since 1991).
const CST_OFFSET_MS: i64 = 8 * 3_600_000;

impl UnixMillis {
    /// A platform's integer time, in seconds or milliseconds: Douyin uses both, by event (`docs/WIRE.md`).
    ///
    /// Seconds stay below 10^11 until the year 5138; milliseconds have been above it since 1973.
    pub fn from_platform(value: i64) -> Self {
        if value.abs() < 100_000_000_000 { Self(value.saturating_mul(1_000)) } else { Self(value) }
    }

    /// Never negative.
    pub fn as_u64(self) -> u64 {
        u64::try_from(self.0).unwrap_or(0)
    }

    /// Whole seconds, rounded down.
    pub fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This moment and `ms` milliseconds more.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; negative when `earlier` is later.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The minute in China Standard Time, as people write it: `2026-11-21 14:05`.
    pub fn to_china_minutes(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0.saturating_add(CST_OFFSET_MS)) {
            Ok(moment) => moment.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M").to_string(),
            Err(_) => self.to_string(),
        }
    }

    /// The hour in China Standard Time, 0 to 23.
    pub fn china_hour(self) -> u8 {
        let hour = self.0.saturating_add(CST_OFFSET_MS).rem_euclid(DAY_MS) / 3_600_000;
        u8::try_from(hour).unwrap_or(0)
    }

    /// The day of this moment in China Standard Time.
    pub fn business_day(self) -> BusinessDay {
        BusinessDay(self.0.saturating_add(CST_OFFSET_MS).div_euclid(DAY_MS))
    }
}

/// RFC 3339 in UTC with milliseconds.
impl fmt::Display for UnixMillis {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(out, "{moment:.3}"),
            Err(_) => write!(out, "{}ms", self.0),
        }
    }
}

/// A calendar day in China Standard Time, as days since 1970-01-01: the unit of reconciliation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BusinessDay(i64);

impl BusinessDay {
    /// Midnight CST at which the day begins.
    pub fn start(self) -> UnixMillis {
        UnixMillis(self.0.saturating_mul(DAY_MS).saturating_sub(CST_OFFSET_MS))
    }

    /// Midnight CST at which the next day begins.
    pub fn end(self) -> UnixMillis {
        self.start().plus_ms(DAY_MS)
    }

    /// The day of the week: 1 is Monday, 7 is Sunday.
    pub fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        u8::try_from(self.0.saturating_add(3).rem_euclid(7)).unwrap_or(0) + 1
    }

    /// The day before.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// Is this moment in the day?
    pub fn contains(self, at: UnixMillis) -> bool {
        at.business_day() == self
    }
}

/// `2026-11-21`.
impl fmt::Display for BusinessDay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0.saturating_mul(DAY_MS)) {
            Ok(moment) => write!(out, "{}", moment.to_zoned(jiff::tz::TimeZone::UTC).date()),
            Err(_) => write!(out, "day {}", self.0),
        }
    }
}

/// A text that is no calendar day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a day must be written as 2026-11-21, got `{0}`")]
pub struct InvalidDay(String);

impl std::str::FromStr for BusinessDay {
    type Err = InvalidDay;
    fn from_str(text: &str) -> Result<Self, InvalidDay> {
        let date: jiff::civil::Date = text.parse().map_err(|_| InvalidDay(text.to_owned()))?;
        let midnight =
            date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| InvalidDay(text.to_owned()))?.timestamp();
        Ok(Self(midnight.as_millisecond().div_euclid(DAY_MS)))
    }
}

impl TryFrom<String> for BusinessDay {
    type Error = InvalidDay;
    fn try_from(text: String) -> Result<Self, InvalidDay> {
        text.parse()
    }
}

impl From<BusinessDay> for String {
    fn from(day: BusinessDay) -> String {
        day.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_business_day_turns_at_midnight_in_china() {
        let last = UnixMillis(1_700_000_000_000); // 2023-11-15T06:13:20+08:00
        let day = last.business_day();
        assert_eq!(day.to_string(), "2023-11-15");
        assert_eq!(day.start().to_string(), "2023-11-14T16:00:00.000Z");
        assert!(day.contains(day.start()) && !day.contains(day.end()));
        assert_eq!("2023-11-15".parse(), Ok(day));
        assert_eq!(last.to_china_minutes(), "2023-11-15 06:13");
        assert!("2023-13-15".parse::<BusinessDay>().is_err());
    }

    #[test]
    fn platform_times_are_read_in_seconds_and_in_milliseconds() {
        assert_eq!(UnixMillis::from_platform(1_686_811_643), UnixMillis(1_686_811_643_000));
        assert_eq!(UnixMillis::from_platform(1_681_303_285_997), UnixMillis(1_681_303_285_997));
    }
}
