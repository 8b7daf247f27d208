//! A message as it lies in the file: a fixed header, then the JSON body as it was sent.

use sluice_domain::id::TraceId;
use sluice_domain::time::UnixMillis;
use sluice_ports::PortError;

use crate::fault::malformed;

const VERSION: u8 = 1;
const LENGTH: usize = 1 + 4 + 4 + 8 + 8 + 16;

/// What is known of a message beside its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Receives before this run of the program.
    pub(crate) receives: u32,
    /// How often it came back from the dead letters.
    pub(crate) redrives: u32,
    /// Not delivered before.
    pub(crate) not_before: UnixMillis,
    /// When it was sent.
    pub(crate) sent_at: UnixMillis,
    /// The event's trace, if the message has one.
    pub(crate) trace_id: Option<TraceId>,
}

impl Header {
    /// The whole stored value.
    pub(crate) fn with(&self, body: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(LENGTH + body.len());
        out.push(VERSION);
        out.extend_from_slice(&self.receives.to_be_bytes());
        out.extend_from_slice(&self.redrives.to_be_bytes());
        out.extend_from_slice(&self.not_before.0.to_be_bytes());
        out.extend_from_slice(&self.sent_at.0.to_be_bytes());
        // A UUID of zeroes is no trace: version 7 is never zero.
        out.extend_from_slice(self.trace_id.as_ref().map_or(&[0; 16][..], |trace| trace.as_bytes()));
        out.extend_from_slice(body.as_bytes());
        out
    }

    /// Takes a stored value apart.
    pub(crate) fn of(value: &[u8]) -> Result<(Self, &str), PortError> {
        Self::parse(value).ok_or_else(|| malformed("queue"))
    }

    fn parse(value: &[u8]) -> Option<(Self, &str)> {
        let (&version, rest) = value.split_first()?;
        let (receives, rest) = rest.split_first_chunk()?;
        let (redrives, rest) = rest.split_first_chunk()?;
        let (not_before, rest) = rest.split_first_chunk()?;
        let (sent_at, rest) = rest.split_first_chunk()?;
        let (trace, body) = rest.split_first_chunk::<16>()?;
        let header = Self {
            receives: u32::from_be_bytes(*receives),
            redrives: u32::from_be_bytes(*redrives),
            not_before: UnixMillis(i64::from_be_bytes(*not_before)),
            sent_at: UnixMillis(i64::from_be_bytes(*sent_at)),
            trace_id: trace_of(*trace),
        };
        (version == VERSION).then_some((header, std::str::from_utf8(body).ok()?))
    }
}

/// The trace in 16 bytes; zeroes are none.
pub(crate) fn trace_of(bytes: [u8; 16]) -> Option<TraceId> {
    if bytes == [0; 16] { None } else { hex::encode(bytes).parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_message_comes_back_as_it_was_stored(
            receives: u32, redrives: u32, at in 0..1_i64 << 40, random: [u8; 10], traced: bool, body in ".{0,300}",
        ) {
            let header = Header {
                receives,
                redrives,
                not_before: UnixMillis(at + 5),
                sent_at: UnixMillis(at),
                trace_id: traced.then(|| TraceId::from_parts(UnixMillis(at), random)),
            };
            let stored = header.with(&body);
            prop_assert_eq!(Header::of(&stored), Ok((header, body.as_str())));
            prop_assert!(Header::of(&stored[..LENGTH - 1]).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Header::of(&bytes);
        }
    }
}
