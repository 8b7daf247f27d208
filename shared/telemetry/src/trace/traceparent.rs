//! W3C Trace Context, header `traceparent` (<https://www.w3.org/TR/trace-context/#traceparent-header>).

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::str::FromStr;

use sluice_domain::failure::FailureKind;
use sluice_domain::id::TraceId;

/// The length of version 00, in bytes: `00-`, 32, `-`, 16, `-`, 2.
const LENGTH: usize = 55;

/// The id of one step's work on one event: eight bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId([u8; 8]);

impl SpanId {
    /// A new id. It names and protects nothing, so it needs to be different, not secret: the standard library's randomly keyed hash
    /// gives that without asking the operating system again.
    pub fn fresh() -> Self {
        let bits = RandomState::new().build_hasher().finish();
        Self::from_bytes(bits.to_be_bytes()).unwrap_or(Self([1; 8]))
    }

    /// The id of eight bytes; `None` when they are all zero.
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        (bytes != [0; 8]).then_some(Self(bytes))
    }

    /// The eight bytes.
    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

/// Sixteen lower-case hexadecimal digits.
impl fmt::Display for SpanId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SpanId({self})")
    }
}

/// Where an event's trace is: which trace, and the step that sent it on.
///
/// The trace id of the header is the 16 bytes of our own [`TraceId`], so the two can be searched for as one.
///
/// ```
/// use sluice_telemetry::trace::Traceparent;
///
/// let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let parsed: Traceparent = header.parse()?;
/// assert_eq!(parsed.to_string(), header);
/// assert!(parsed.sampled);
/// # Ok::<(), sluice_telemetry::trace::TraceparentError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traceparent {
    /// The event's trace.
    pub trace_id: TraceId,
    /// The span that sent it (the specification's `parent-id`).
    pub span_id: SpanId,
    /// The caller may have recorded it. The only flag that version 00 defines; others are not passed on, as the specification asks.
    pub sampled: bool,
}

/// Why a text is no `traceparent`. The text itself is not repeated: it comes from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceparentError {
    /// Too short, too long, or not divided by `-` where it must be.
    #[error("traceparent must be `00-`, 32, `-`, 16, `-`, 2 hexadecimal digits, got another shape")]
    Shape,
    /// A digit is none of `0-9a-f`.
    #[error("traceparent must have lower-case hexadecimal digits only")]
    Digit,
    /// Version `ff` is forbidden.
    #[error("traceparent has the forbidden version ff")]
    Version,
    /// The trace id is all zero.
    #[error("traceparent has a trace id of zeroes")]
    ZeroTrace,
    /// The parent id is all zero.
    #[error("traceparent has a parent id of zeroes")]
    ZeroParent,
}

impl TraceparentError {
    /// A trace that can not be read never will be; the event itself goes on.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Permanent
    }
}

impl FromStr for Traceparent {
    type Err = TraceparentError;

    /// Reads version 00 strictly. Of a later version it reads the four fields of version 00 and passes over what follows them, as
    /// the specification asks.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (head, rest) = text.as_bytes().split_at_checked(LENGTH).ok_or(TraceparentError::Shape)?;
        let mut fields = head.split(|byte| *byte == b'-');
        let mut field = |length| fields.next().filter(|it| it.len() == length).ok_or(TraceparentError::Shape);
        let (version, trace, parent, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
        let [version] = digits(version)?;
        let fits = match version {
            0xff => return Err(TraceparentError::Version),
            0 => rest.is_empty(),
            _ => matches!(rest, [] | [b'-', ..]),
        };
        if !fits {
            return Err(TraceparentError::Shape);
        }
        let trace: [u8; 16] = digits(trace)?;
        let span_id = SpanId::from_bytes(digits(parent)?).ok_or(TraceparentError::ZeroParent)?;
        let [flags] = digits(flags)?;
        let trace_id = TraceId::from_bytes(trace).ok_or(TraceparentError::ZeroTrace)?;
        Ok(Self { trace_id, span_id, sampled: flags & 1 == 1 })
    }
}

/// Version 00.
impl fmt::Display for Traceparent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("00-")?;
        self.trace_id.as_bytes().iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
        write!(out, "-{}-{:02x}", self.span_id, u8::from(self.sampled))
    }
}

fn digits<const N: usize>(text: &[u8]) -> Result<[u8; N], TraceparentError> {
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        for digit in pair {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                // Upper case is invalid by the specification.
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return Err(TraceparentError::Digit),
            };
            *byte = *byte << 4 | value;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sluice_domain::time::UnixMillis;

    use super::*;

    /// Headers that the specification and its conformance tests call valid, with what goes on from them.
    const VALID: [(&str, &str); 8] = [
        // Section 3.2.3, the two examples.
        (
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
        (
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        ),
        // Section 2.2.
        (
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        // Unknown flags are read past, and not sent on.
        (
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        (
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        ),
        // Later versions: the fields of version 00, alone or before others.
        (
            "cc-12345678901234567890123456789012-1234567890123456-01",
            "00-12345678901234567890123456789012-1234567890123456-01",
        ),
        (
            "cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like",
            "00-12345678901234567890123456789012-1234567890123456-01",
        ),
        (
            "01-12345678901234567890123456789012-1234567890123456-00-",
            "00-12345678901234567890123456789012-1234567890123456-00",
        ),
    ];

    /// Headers that they call invalid.
    const INVALID: [(&str, TraceparentError); 19] = [
        ("", TraceparentError::Shape),
        ("foo", TraceparentError::Shape),
        ("00-12345678901234567890123456789012-1234567890123456", TraceparentError::Shape),
        ("00-12345678901234567890123456789012-1234567890123456-1", TraceparentError::Shape),
        ("00-12345678901234567890123456789012-1234567890123456-01.", TraceparentError::Shape),
        ("00-12345678901234567890123456789012-1234567890123456-01-what-the-future", TraceparentError::Shape),
        ("00-1234567890123456789012345678901-1234567890123456-001", TraceparentError::Shape),
        ("00-123456789012345678901234567890123-123456789012345-01", TraceparentError::Shape),
        ("0-12345678901234567890123456789012-1234567890123456-001", TraceparentError::Shape),
        ("00_12345678901234567890123456789012_1234567890123456_01", TraceparentError::Shape),
        ("cc-12345678901234567890123456789012-1234567890123456-01.what", TraceparentError::Shape),
        ("ff-12345678901234567890123456789012-1234567890123456-01", TraceparentError::Version),
        (".0-12345678901234567890123456789012-1234567890123456-01", TraceparentError::Digit),
        ("00-.2345678901234567890123456789012-1234567890123456-01", TraceparentError::Digit),
        ("00-ABCDEF78901234567890123456789012-1234567890123456-01", TraceparentError::Digit),
        ("00-12345678901234567890123456789012-123456789012345X-01", TraceparentError::Digit),
        ("00-12345678901234567890123456789012-1234567890123456-.0", TraceparentError::Digit),
        ("00-00000000000000000000000000000000-1234567890123456-01", TraceparentError::ZeroTrace),
        ("00-12345678901234567890123456789012-0000000000000000-01", TraceparentError::ZeroParent),
    ];

    #[test]
    fn reads_and_writes_the_specifications_valid_headers() {
        for (header, onward) in VALID {
            assert_eq!(
                header.parse::<Traceparent>().map(|it| it.to_string()),
                Ok(onward.to_owned()),
                "{header}"
            );
        }
    }

    #[test]
    fn refuses_the_specifications_invalid_headers() {
        for (header, error) in INVALID {
            assert_eq!(header.parse::<Traceparent>(), Err(error), "{header}");
        }
    }

    #[test]
    fn fresh_span_ids_differ() {
        let ids: std::collections::BTreeSet<_> = (0..10_000).map(|_| SpanId::fresh()).collect();
        assert_eq!(ids.len(), 10_000);
    }

    proptest! {
        #[test]
        fn comes_back_as_it_was_written(at in 1..1_i64 << 40, random: [u8; 10], span: [u8; 8], sampled: bool) {
            let Some(span_id) = SpanId::from_bytes(span) else { return Ok(()) };
            let sent = Traceparent { trace_id: TraceId::from_parts(UnixMillis(at), random), span_id, sampled };
            prop_assert_eq!(sent.to_string().len(), LENGTH);
            prop_assert_eq!(sent.to_string().parse(), Ok(sent));
        }

        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,70}", nearly in "[0-9a-f-]{53,57}") {
            let _ = text.parse::<Traceparent>();
            let _ = nearly.parse::<Traceparent>();
        }
    }
}
