//! The queues: at-least-once delivery with a visibility timeout, a receive count, delays, dead letters and re-drive.
//!
//! The bodies are in the file; who holds which message until when is in memory (`state`). So receiving writes nothing, and a
//! restart makes every unfinished message visible again, as if its visibility timeout had run out.
//!
//! What each call promises when it returns:
//!
//! | call | on disk |
//! |---|---|
//! | `send`, `accept`, `bury`, `redrive`, and a move to the dead letters | yes |
//! | `receive` | only the count of a message that an earlier run of the program left behind: such a message may be what ended that run, so its receives must be counted even if it ends this one |
//! | `delete` | with the next batch, 20 ms later at the latest; a crash before means one more delivery |
//! | `postpone`, `fail` | no; after a crash the message is visible at once |
//!
//! One more delivery is harmless: every step's record is its idempotency record.

mod dead;
mod message;
mod receive;
mod send;
mod state;

pub use dead::{DeadLetter, Redrive};
pub use receive::ReceivedMessage;

pub(crate) use message::{Header, trace_of};
pub(crate) use send::{Outgoing, checked, enqueue};
pub(crate) use state::Queues;

/// How many messages a queue holds, by what they are doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Can be received now.
    pub visible: u64,
    /// Received and not finished.
    pub in_flight: u64,
    /// Sent, postponed or given back, and not due yet.
    pub delayed: u64,
    /// In the dead-letter queue.
    pub dead: u64,
}
