//! The limit that WeCom enforces without a word: to one member, an application's messages beyond 30 a minute or 1 000 an hour
//! are dropped under `errcode` 0 (WW90236, WW90454). Only not sending them keeps the records true.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use sluice_domain::time::UnixMillis;

/// So many in so many milliseconds; a second more than the platform's spans, for the way there.
const LIMITS: [(usize, i64); 2] = [(30, 61_000), (1_000, 3_601_000)];

/// When this process last wrote to each member. Several processes may exceed the limit together.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// By application and member, oldest first.
    moments: Mutex<HashMap<(String, String), VecDeque<UnixMillis>>>,
}

impl Pace {
    /// Counts one message to each member, or says when there is room for all of them.
    pub(crate) fn admit(&self, account: &str, members: &[String], now: UnixMillis) -> Result<(), UnixMillis> {
        let key = |member: &String| (account.to_owned(), member.to_lowercase());
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        let free = members.iter().filter_map(|member| full_until(moments.get(&key(member))?, now)).max();
        if let Some(until) = free {
            return Err(until);
        }
        for member in members {
            let sent = moments.entry(key(member)).or_default();
            sent.push_back(now);
            let longest = LIMITS.iter().map(|(most, _)| *most).max().unwrap_or_default();
            while sent.len() > longest {
                sent.pop_front();
            }
        }
        Ok(())
    }
}

/// Until when a member's limits are used up, if they are now.
fn full_until(sent: &VecDeque<UnixMillis>, now: UnixMillis) -> Option<UnixMillis> {
    LIMITS
        .iter()
        .filter_map(|(most, span_ms)| {
            // The one that must have left the span before there is room.
            let oldest = sent.get(sent.len().checked_sub(*most)?)?;
            Some(oldest.plus_ms(*span_ms)).filter(|until| *until > now)
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_255_200_000);

    fn members(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_thirty_first_message_of_a_minute_waits() {
        let pace = Pace::default();
        for number in 0..30 {
            assert_eq!(pace.admit("corp:1", &members(&["zhang"]), NOW.plus_ms(number * 100)), Ok(()));
        }
        let until = NOW.plus_ms(61_000);
        assert_eq!(pace.admit("corp:1", &members(&["Zhang"]), NOW.plus_ms(5_000)), Err(until));
        assert_eq!(pace.admit("corp:1", &members(&["li", "zhang"]), NOW.plus_ms(5_000)), Err(until));
        assert_eq!(pace.admit("corp:1", &members(&["li"]), NOW), Ok(()), "li was not counted in vain");
        assert_eq!(pace.admit("corp:2", &members(&["zhang"]), NOW), Ok(()), "another application");
        assert_eq!(pace.admit("corp:1", &members(&["zhang"]), until), Ok(()));
    }

    #[test]
    fn the_thousand_and_first_message_of_an_hour_waits() {
        let pace = Pace::default();
        let zhang = members(&["zhang"]);
        for number in 0..1_000 {
            assert_eq!(pace.admit("corp:1", &zhang, NOW.plus_ms(number * 3_000)), Ok(()));
        }
        assert_eq!(pace.admit("corp:1", &zhang, NOW.plus_ms(3_000_000)), Err(NOW.plus_ms(3_601_000)));
        assert_eq!(pace.admit("corp:1", &zhang, NOW.plus_ms(3_601_000)), Ok(()));
    }
}
