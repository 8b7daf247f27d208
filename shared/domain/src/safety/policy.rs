use serde::{Deserialize, Serialize};

use crate::time::UnixMillis;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Which of Douyin's two text censors is asked. Both want the credentials of a mini-app or mini-game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CensorApi {
    /// `POST open.douyin.com/api/apps/v1/censor/text/`, scope `apps.censor.text`.
    OpenPlatform,
    /// `POST developer.toutiao.com/api/v2/tags/text/antidirt`, the older one of mini-apps.
    MiniApp,
}

impl CensorApi {
    /// Both.
    pub const ALL: [Self; 2] = [Self::OpenPlatform, Self::MiniApp];

    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenPlatform => "open_platform",
            Self::MiniApp => "mini_app",
        }
    }
}

/// What becomes of an event whose check gave no answer: its tries are used up, the day's budget is, or it came too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unanswered {
    /// It goes on waiting for a person, until the review's own deadline, which is a block.
    #[default]
    Review,
    /// It is blocked at once.
    Block,
    /// The local rules decide alone: it goes on as if the check had found nothing, and its records say so.
    Release,
}

impl Unanswered {
    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Block => "block",
            Self::Release => "release",
        }
    }
}

/// How a tenant's texts are checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SafetyPolicy {
    /// Which API is asked.
    pub api: CensorApi,
    /// The mini-app: `tt…`. It is the `client_key` of the open platform's tokens, too.
    pub app_id: String,
    /// The *name* of its secret.
    pub secret: String,
    /// Texts of an event with more characters than this, together, are long (`censor.long_text`).
    #[serde(default = "two_hundred")]
    pub longer_than: u32,
    /// The most requests of a day (China time), tries again included.
    #[serde(default = "ten_thousand")]
    pub per_day: u32,
    /// How long after its decision an event may be checked, in minutes; later it is as if there was no answer.
    #[serde(default = "an_hour")]
    pub minutes: u32,
    /// What no answer means.
    #[serde(default)]
    pub unanswered: Unanswered,
    /// For how many hours an answer is remembered for the same text; 0: not at all.
    #[serde(default = "a_day")]
    pub remember_hours: u32,
}

fn two_hundred() -> u32 {
    200
}

fn ten_thousand() -> u32 {
    10_000
}

fn an_hour() -> u32 {
    60
}

fn a_day() -> u32 {
    24
}

impl SafetyPolicy {
    /// The longest an answer is remembered: a week. What a platform calls a violation changes.
    pub const MOST_HOURS: u32 = 168;
    /// The longest an event may wait for its check: a day.
    pub const MOST_MINUTES: u32 = 1_440;

    /// Until when an event that was decided then is checked.
    pub fn deadline(&self, decided_at: UnixMillis) -> UnixMillis {
        decided_at.plus_ms(i64::from(self.minutes).saturating_mul(MINUTE_MS))
    }

    /// Until when an answer of then is remembered; `None` when it is not.
    pub fn remembered_until(&self, answered_at: UnixMillis) -> Option<UnixMillis> {
        (self.remember_hours > 0)
            .then(|| answered_at.plus_ms(i64::from(self.remember_hours).saturating_mul(HOUR_MS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_the_careful_side() {
        let policy: SafetyPolicy = serde_json::from_str(
            r#"{"api":"open_platform","app_id":"tt0123456789abcdef","secret":"brand/censor"}"#,
        )
        .unwrap();
        assert_eq!((policy.longer_than, policy.unanswered), (200, Unanswered::Review));
        assert_eq!(policy.deadline(UnixMillis(0)), UnixMillis(3_600_000));
        assert_eq!(policy.remembered_until(UnixMillis(0)), Some(UnixMillis(86_400_000)));
        let forgetful = SafetyPolicy { remember_hours: 0, ..policy };
        assert_eq!(forgetful.remembered_until(UnixMillis(0)), None);
    }
}
