use serde::{Deserialize, Serialize};

use super::Zone;
use crate::time::UnixMillis;

const DAY_MINUTES: u16 = 24 * 60;

/// A time of day, `21:00`; `24:00` is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClockTime(u16);

impl ClockTime {
    /// Minutes since midnight.
    pub fn minutes(self) -> u16 {
        self.0
    }
}

/// A text that is no time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a time of day must be written as 21:00, from 00:00 to 24:00, got `{0}`")]
pub struct InvalidClockTime(String);

impl TryFrom<String> for ClockTime {
    type Error = InvalidClockTime;

    fn try_from(text: String) -> Result<Self, InvalidClockTime> {
        let parts = text.split_once(':').filter(|(hours, minutes)| hours.len() == 2 && minutes.len() == 2);
        let digits =
            |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u16>().ok())?;
        let minutes = parts.and_then(|(hours, minutes)| {
            let minutes = digits(minutes).filter(|minutes| *minutes < 60)?;
            Some(digits(hours)? * 60 + minutes)
        });
        match minutes {
            Some(minutes) if minutes <= DAY_MINUTES => Ok(Self(minutes)),
            _ => Err(InvalidClockTime(text)),
        }
    }
}

impl From<ClockTime> for String {
    fn from(time: ClockTime) -> Self {
        format!("{:02}:{:02}", time.0 / 60, time.0 % 60)
    }
}

/// Hours in which nothing is sent, every day; they may go over midnight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct QuietHours {
    /// From this time on.
    pub from: ClockTime,
    /// Until this time, which is free again.
    pub to: ClockTime,
    /// On these channels; none = on all.
    pub channels: Vec<String>,
}

/// As it is configured.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    from: ClockTime,
    to: ClockTime,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    channels: Vec<String>,
}

/// Hours that begin when they end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("quiet hours must end at another time than they begin")]
pub struct EmptyHours;

impl TryFrom<Written> for QuietHours {
    type Error = EmptyHours;

    fn try_from(Written { from, to, channels }: Written) -> Result<Self, EmptyHours> {
        if from.0 % DAY_MINUTES == to.0 % DAY_MINUTES && (from.0, to.0) != (0, DAY_MINUTES) {
            return Err(EmptyHours);
        }
        Ok(Self { from, to, channels })
    }
}

impl From<QuietHours> for Written {
    fn from(QuietHours { from, to, channels }: QuietHours) -> Self {
        Self { from, to, channels }
    }
}

impl QuietHours {
    /// Is this minute of the day in them?
    pub(super) fn holds(&self, minute: u16) -> bool {
        let (from, to) = (self.from.0, self.to.0);
        if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to }
    }

    /// When they end, if the moment is in them.
    pub(super) fn end(&self, zone: &Zone, at: UnixMillis) -> Option<UnixMillis> {
        let (day, minute) = zone.civil(at)?;
        if !self.holds(minute) {
            return None;
        }
        // Over midnight, and not past it yet: they end on the next day.
        let day = if self.from.0 > self.to.0 && minute >= self.from.0 { day.tomorrow().ok()? } else { day };
        zone.moment(day, self.to.0)
    }
}
