use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::time::{BusinessDay, UnixMillis};

const CHINA: &str = "Asia/Shanghai";
const DAY_MINUTES: u16 = 24 * 60;

/// The rules in force (the last line of each file of the tz database 2026a), so that no program needs the database.
const NAMED: [(&str, &str); 15] = [
    (CHINA, "CST-8"),
    ("Asia/Hong_Kong", "HKT-8"),
    ("Asia/Macau", "CST-8"),
    ("Asia/Taipei", "CST-8"),
    ("Asia/Singapore", "<+08>-8"),
    ("Asia/Kuala_Lumpur", "<+08>-8"),
    ("Asia/Tokyo", "JST-9"),
    ("Asia/Seoul", "KST-9"),
    ("Asia/Bangkok", "<+07>-7"),
    ("Asia/Jakarta", "WIB-7"),
    ("Europe/London", "GMT0BST,M3.5.0/1,M10.5.0"),
    ("Europe/Paris", "CET-1CEST,M3.5.0,M10.5.0/3"),
    ("America/New_York", "EST5EDT,M3.2.0,M11.1.0"),
    ("America/Los_Angeles", "PST8PDT,M3.2.0,M11.1.0"),
    ("UTC", "UTC0"),
];

/// A clock: one of the names in the table above, or a POSIX rule (`EST5EDT,M3.2.0,M11.1.0`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

/// A text that names no clock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no time zone `{0}`: expected a name such as Asia/Shanghai or Asia/Hong_Kong, or a POSIX rule such as CST-8"
)]
pub struct UnknownZone(String);

impl Default for Zone {
    /// China's: UTC+08:00 all year.
    fn default() -> Self {
        Self { name: CHINA.to_owned(), rules: TimeZone::fixed(jiff::tz::offset(8)) }
    }
}

impl TryFrom<String> for Zone {
    type Error = UnknownZone;

    fn try_from(name: String) -> Result<Self, UnknownZone> {
        if name == CHINA {
            return Ok(Self::default());
        }
        let rule = NAMED.iter().find(|(known, _)| *known == name).map_or(name.as_str(), |(_, rule)| rule);
        match TimeZone::posix(rule) {
            Ok(rules) => Ok(Self { name, rules }),
            Err(_) => Err(UnknownZone(name)),
        }
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name
    }
}

impl Zone {
    /// The date and the minute of the day; `None` beyond the years that a calendar has.
    pub(super) fn civil(&self, at: UnixMillis) -> Option<(Date, u16)> {
        let civil = self.rules.to_datetime(Timestamp::from_millisecond(at.0).ok()?);
        let minute = u16::try_from(civil.hour()).ok()? * 60 + u16::try_from(civil.minute()).ok()?;
        Some((civil.date(), minute))
    }

    /// The moment of a minute of a day. A minute that the clocks leave out is as late as it would have been.
    pub(super) fn moment(&self, day: Date, minute: u16) -> Option<UnixMillis> {
        let day = if minute >= DAY_MINUTES { day.tomorrow().ok()? } else { day };
        let minute = minute % DAY_MINUTES;
        let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
        let zoned = day.at(hour, minute, 0, 0).to_zoned(self.rules.clone()).ok()?;
        Some(UnixMillis(zoned.timestamp().as_millisecond()))
    }

    /// The day of a moment.
    pub(super) fn day(&self, at: UnixMillis) -> BusinessDay {
        let civil = self.civil(at).and_then(|(day, _)| day.to_string().parse().ok());
        civil.unwrap_or_else(|| at.business_day())
    }

    /// When the day after begins.
    pub(super) fn next_midnight(&self, at: UnixMillis) -> UnixMillis {
        let midnight = self.civil(at).and_then(|(day, _)| self.moment(day, DAY_MINUTES));
        midnight.unwrap_or_else(|| at.business_day().end())
    }
}
