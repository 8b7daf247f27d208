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
    /// Sends of messages.
    #[default]
    Send,
    /// Issue of access tokens.
    Token,
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
    /// This share of the calls, by the seeded sequence, until the faults are cleared; 0 to 1.
    Ratio(f64),
}

impl Default for FaultTimes {
    fn default() -> Self {
        Self::Next(1)
    }
}
