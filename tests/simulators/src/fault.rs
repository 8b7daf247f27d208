//! Faults to order: where they strike, how often, and what they do.

use serde::{Deserialize, Serialize};

use crate::Platform;

/// An ordered fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// On which platform.
    pub platform: Platform,
    /// On which of its calls.
    #[serde(default)]
    pub place: Place,
    /// What happens.
    pub effect: FaultEffect,
    /// How often.
    #[serde(default)]
    pub times: FaultTimes,
}

/// Which calls of a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Sends of messages, and checks of texts.
    #[default]
    Send,
    /// Issue of access tokens.
    Token,
    /// Uploads of images.
    Upload,
}

/// What a fault does to a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum FaultEffect {
    /// The answer comes late by so many milliseconds; the call itself is carried out first.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The connection is dropped and nothing was done.
    ResetBeforeCommit,
    /// The call is carried out, then the connection is dropped without an answer.
    ResetAfterCommit,
    /// An HTML page under status 200; nothing was done.
    Html,
    /// This status with an empty body; nothing was done.
    Status {
        /// The HTTP status, such as 503.
        status: u16,
    },
    /// This business code, in the platform's shape; nothing was done.
    Code {
        /// The platform's code, such as 45009 or 11232.
        code: i64,
        /// The HTTP status it comes under.
        #[serde(default = "ok")]
        status: u16,
    },
    /// A redirect to elsewhere; nothing was done.
    Redirect,
    /// An answer of so many bytes that are no JSON, under status 200; nothing was done.
    Large {
        /// How many.
        bytes: usize,
    },
    /// The first half of a JSON answer, then the connection is dropped; the call was carried out.
    Truncate,
    /// Every token that was issued stops being valid, then the call goes on.
    RevokeTokens,
}

fn ok() -> u16 {
    200
}

/// How often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultTimes {
    /// The next so many calls.
    Next(u32),
    /// This share of the calls, by the seeded sequence, until the faults are cleared; above 0, at most 1.
    Ratio(f64),
}

impl Default for FaultTimes {
    fn default() -> Self {
        Self::Next(1)
    }
}

/// Enough for any reader's limit, and no burden for the machine.
const MOST_BYTES: usize = 64 * 1_024 * 1_024;

/// An order that can not be carried out as it is written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FaultError {
    #[error("a status is 200 to 599, got {0}")]
    Status(u16),
    #[error("an answer has at most {MOST_BYTES} bytes, got {0}")]
    Large(usize),
    #[error("`next` is at least 1, got 0")]
    Never,
    #[error("a ratio is above 0 and at most 1, got {0}")]
    Ratio(f64),
}

impl Fault {
    /// Can it strike, and as it says?
    pub(crate) fn check(&self) -> Result<(), FaultError> {
        match self.effect {
            FaultEffect::Status { status } | FaultEffect::Code { status, .. }
                if !(200..=599).contains(&status) =>
            {
                return Err(FaultError::Status(status));
            }
            FaultEffect::Large { bytes } if bytes > MOST_BYTES => return Err(FaultError::Large(bytes)),
            _ => {}
        }
        match self.times {
            FaultTimes::Next(0) => Err(FaultError::Never),
            FaultTimes::Ratio(share) if !(share > 0.0 && share <= 1.0) => Err(FaultError::Ratio(share)),
            FaultTimes::Next(_) | FaultTimes::Ratio(_) => Ok(()),
        }
    }
}

/// The faults that wait, and the sequence that decides by ratio.
pub(crate) struct Faults {
    waiting: Vec<Fault>,
    random: u64,
}

/// A fault that strikes this call.
pub(crate) struct Struck(pub(crate) FaultEffect);

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self { waiting: Vec::new(), random: seed }
    }

    pub(crate) fn order(&mut self, fault: Fault) {
        self.waiting.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    pub(crate) fn waiting(&self) -> &[Fault] {
        &self.waiting
    }

    /// The first fault that waits for such a call and strikes now.
    pub(crate) fn strike(&mut self, platform: Platform, place: Place) -> Option<Struck> {
        let mut random = self.random;
        let struck = self.waiting.iter_mut().find_map(|fault| {
            if fault.platform != platform || fault.place != place {
                return None;
            }
            let strikes = match &mut fault.times {
                FaultTimes::Next(0) => false,
                FaultTimes::Next(left) => {
                    *left -= 1;
                    true
                }
                FaultTimes::Ratio(share) => next_fraction(&mut random) < *share,
            };
            strikes.then(|| Struck(fault.effect.clone()))
        });
        self.random = random;
        self.waiting.retain(|fault| fault.times != FaultTimes::Next(0));
        struck
    }
}

/// `SplitMix64`, as a fraction below 1.
fn next_fraction(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    let upper = u32::try_from(mixed >> 32).unwrap_or(u32::MAX);
    f64::from(upper) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(times: FaultTimes) -> Fault {
        Fault { platform: Platform::Wecom, place: Place::Send, effect: FaultEffect::Html, times }
    }

    #[test]
    fn a_fault_strikes_its_own_calls_and_so_often() {
        let mut faults = Faults::new(1);
        faults.order(fault(FaultTimes::Next(2)));
        assert!(faults.strike(Platform::Feishu, Place::Send).is_none());
        assert!(faults.strike(Platform::Wecom, Place::Token).is_none());
        assert!(faults.strike(Platform::Wecom, Place::Send).is_some());
        assert!(faults.strike(Platform::Wecom, Place::Send).is_some());
        assert!(faults.strike(Platform::Wecom, Place::Send).is_none());
        assert!(faults.waiting().is_empty());
    }

    #[test]
    fn a_ratio_is_kept_and_repeats_with_its_seed() {
        let run = |seed| {
            let mut faults = Faults::new(seed);
            faults.order(fault(FaultTimes::Ratio(0.25)));
            (0..4_000).map(|_| faults.strike(Platform::Wecom, Place::Send).is_some()).collect::<Vec<_>>()
        };
        let strikes = run(7).into_iter().filter(|struck| *struck).count();
        assert!((900..1_100).contains(&strikes), "{strikes} of 4000");
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn faults_are_written_as_json() {
        let text = r#"{"platform":"feishu","effect":{"kind":"code","code":11232},"times":{"next":3}}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(fault.effect, FaultEffect::Code { code: 11_232, status: 200 });
        assert_eq!((fault.place, fault.times), (Place::Send, FaultTimes::Next(3)));
    }
}
