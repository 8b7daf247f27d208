//! What is known of the attempts before this one.

use sluice_channels::Idempotency;
use sluice_domain::delivery::{Attempt, Delivery, Outcome};
use sluice_domain::time::UnixMillis;

/// The store keeps so many attempts; of a delivery that has them all, the first ones are forgotten.
const ATTEMPTS_KEPT: usize = 20;

/// The attempts before the one that the claim has just opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct History {
    /// How many there were.
    pub(crate) attempts: usize,
    /// When the first request left whose fate nobody knows.
    pub(crate) unclear_since: Option<UnixMillis>,
    /// The person said no to such messages.
    pub(crate) opted_out: bool,
}

impl History {
    /// Reads a delivery that was won: its last attempt is the one that begins now.
    pub(crate) fn of(delivery: &Delivery) -> Self {
        let earlier = delivery.attempts.split_last().map_or(&[][..], |(_, earlier)| earlier);
        let mut unclear_since = earlier.iter().find(|attempt| is_unclear(attempt)).map(|attempt| attempt.started_at);
        if unclear_since.is_some() && delivery.attempts.len() >= ATTEMPTS_KEPT {
            // An earlier one may have been forgotten: take the worst case.
            unclear_since = Some(delivery.opened_at);
        }
        let opted_out =
            earlier.iter().any(|attempt| attempt.outcome == Some(Outcome::RecipientRefused { opt_out: true }));
        Self { attempts: earlier.len(), unclear_since, opted_out }
    }

    /// May a request leave at this moment without risking a second message?
    ///
    /// What counts is the *first* unclear attempt: if that one was taken, the platform began to remember it then.
    pub(crate) fn may_repeat(&self, promise: Idempotency, at: UnixMillis) -> bool {
        match (self.unclear_since, promise) {
            (None, _) => true,
            (Some(_), Idempotency::None) => false,
            (Some(since), Idempotency::Window { ms }) => at < since.plus_ms(ms),
        }
    }

    /// The history with an unclear attempt more.
    pub(crate) fn and_unclear(self, started_at: UnixMillis) -> Self {
        Self { unclear_since: self.unclear_since.or(Some(started_at)), ..self }
    }
}

/// Did a request leave, or may it have left, without an answer that says what became of it?
///
/// An attempt without an end is one whose process died.
fn is_unclear(attempt: &Attempt) -> bool {
    match &attempt.outcome {
        None | Some(Outcome::Unclear) => true,
        Some(
            Outcome::Delivered { .. }
            | Outcome::Throttled { .. }
            | Outcome::Transient
            | Outcome::TokenExpired
            | Outcome::QuotaExhausted { .. }
            | Outcome::RecipientRefused { .. }
            | Outcome::ContentRefused { .. }
            | Outcome::EndpointRefused
            | Outcome::Withheld { .. },
        ) => false,
    }
}
