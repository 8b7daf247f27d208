//! Identifiers that must not be mixed up, parsed once at the edge.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is wrong with a text that should have been an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be 1 to {limit} characters of [A-Za-z0-9._:@/+=-], got {got}")]
pub struct InvalidId {
    /// Which identifier was expected.
    pub what: &'static str,
    /// The most bytes it may have.
    pub limit: usize,
    /// The length that came, never the text: it may be personal.
    pub got: String,
}

fn checked(what: &'static str, limit: usize, text: String) -> Result<String, InvalidId> {
    let fits = !text.is_empty() && text.len() <= limit;
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:@/+=-".contains(&b));
    if fits && plain {
        return Ok(text);
    }
    let got = if fits { "other characters".to_owned() } else { format!("{} bytes", text.len()) };
    Err(InvalidId { what, limit, got })
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $limit:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses the identifier.
            ///
            /// # Errors
            /// [`InvalidId`] when the text is empty, too long or has other characters.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                checked($what, $limit, text.into()).map(Self)
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// One company that uses Sluice; nothing is ever shared between two of them.
    TenantId, "tenant id", 64
);
text_id!(
    /// One configured origin of callbacks; the last part of `/callbacks/{source}`.
    SourceId, "source id", 64
);
text_id!(
    /// The platform's de-duplication id of a callback (`Msg-Id`, `msg_id`, `message_id`), or a digest where it has none.
    MessageId, "message id", 256
);
text_id!(
    /// A person as Sluice knows them: a keyed hash of the platform's open id, never the open id itself.
    PersonId, "person id", 64
);
text_id!(
    /// One configured lead form, card or component whose consent text is known.
    FormId, "form id", 128
);
text_id!(
    /// One configured endpoint on a channel.
    DestinationId, "destination id", 64
);
text_id!(
    /// One experiment on scripts.
    ExperimentId, "experiment id", 64
);
text_id!(
    /// One arm of an experiment.
    VariantId, "variant id", 64
);
text_id!(
    /// One versioned message template (话术).
    ScriptId, "script id", 64
);
text_id!(
    /// One rule pack.
    RulePackId, "rule pack id", 64
);
text_id!(
    /// One rule of a pack, unique in it.
    RuleId, "rule id", 96
);

impl PersonId {
    /// What every reference begins with.
    const REFERENCE: &str = "erased-";

    /// The name under which the records of an erased person are put away that law says to keep: random, so that it leads back to nobody.
    #[expect(clippy::missing_panics_doc, reason = "it can not panic")]
    pub fn reference(random: [u8; 16]) -> Self {
        #[expect(clippy::expect_used, reason = "39 characters of [a-z0-9-] are always a person id")]
        Self::new(format!("{}{}", Self::REFERENCE, hex::encode(random))).expect("prefix and hex")
    }

    /// Is it the reference of an erased person?
    pub fn is_reference(&self) -> bool {
        self.0.starts_with(Self::REFERENCE)
    }
}

/// The id that follows one event through every step: a UUID version 7 (RFC 9562), so that ids sort by time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TraceId(uuid::Uuid);

impl TraceId {
    /// Builds the id of a moment from ten random bytes.
    pub fn from_parts(at: crate::time::UnixMillis, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(at.as_u64(), &random).into_uuid())
    }

    /// The id of 16 bytes; `None` when they are all zero, which is no id.
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        (bytes != [0; 16]).then(|| Self(uuid::Uuid::from_bytes(bytes)))
    }

    /// The moment in the id, in whole milliseconds.
    pub fn at(self) -> crate::time::UnixMillis {
        let millis = self.0.as_u128() >> 80;
        crate::time::UnixMillis(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    /// The 16 bytes; they sort as the ids do.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(out)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TraceId({self})")
    }
}

impl std::str::FromStr for TraceId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        uuid::Uuid::try_parse(text).map(Self).map_err(|_| InvalidId {
            what: "trace id",
            limit: 36,
            got: format!("{} bytes that are no UUID", text.len()),
        })
    }
}

/// What names an event for ever, whatever its trace: the key of every step's record.
///
/// A platform that repeats a callback repeats this key, which is how a replay is caught where the scheme has no timestamp.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventKey {
    /// Whose event.
    pub tenant: TenantId,
    /// Where it came in.
    pub source: SourceId,
    /// The platform's id of it.
    pub message: MessageId,
}

impl fmt::Display for EventKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}/{}", self.tenant, self.source, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::UnixMillis;

    #[test]
    fn trace_ids_sort_by_time_and_keep_it() {
        let early = TraceId::from_parts(UnixMillis(1_000), [0xff; 10]);
        let late = TraceId::from_parts(UnixMillis(1_001), [0; 10]);
        assert!(early < late);
        assert_eq!(late.at(), UnixMillis(1_001));
        assert_eq!(late.to_string().parse::<TraceId>(), Ok(late));
    }

    #[test]
    fn ids_take_the_characters_platforms_use_and_no_others() {
        assert!(MessageId::new("@9Vxc1/yDU8sqaS+gN4koEc7912foPPiLPZVyrQ==").is_ok());
        assert!(MessageId::new("04288::100:1618990587:6837").is_ok());
        assert!(MessageId::new("").is_err());
        assert!(MessageId::new("a b").is_err());
        assert!(MessageId::new("é").is_err());
        assert!(TenantId::new("x".repeat(65)).is_err());
    }
}
