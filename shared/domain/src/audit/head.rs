use serde::{Deserialize, Serialize};

use super::leaves::LeafList;
use super::signature::{HeadSignature, SignatureError, TrustedKeys};
use super::tree::{self, CompactRange, Hash};
use super::{canonical, records};
use crate::failure::FailureKind;
use crate::id::TenantId;
use crate::time::{BusinessDay, UnixMillis};

/// What is hashed and how; another way gets another name. It is part of what is signed, so that a signature over anything else never counts as
/// one over a head.
pub const FORMAT: &str = "sluice-audit-head-1";

/// What a tenant's day adds up to: it shows later that no audit record of the day was changed, added or taken away, and that no earlier
/// day was.
///
/// It holds no personal value: counts and hashes only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayHead {
    /// [`FORMAT`].
    pub format: String,
    /// Whose day.
    pub tenant: TenantId,
    /// The day, in China Standard Time.
    pub day: BusinessDay,
    /// How many records: the size of the day's tree.
    pub records: u64,
    /// The root of the day's tree (RFC 6962) over the records' canonical bytes.
    pub root: Hash,
    /// The head of the hash chain over the same records.
    pub chain: Hash,
    /// The SHA-256 of the day's leaf list, which is stored under it.
    pub leaves: Hash,
    /// The document before it; none at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Link>,
    /// The tenant's log as it stood before this head.
    pub log: LogState,
    /// When it was sealed.
    pub sealed_at: UnixMillis,
}

/// The document of an earlier day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Which day.
    pub day: BusinessDay,
    /// The SHA-256 of its bytes.
    pub sha256: Hash,
}

/// A tenant's log: the RFC 6962 tree whose leaves are the documents of the days that were sealed, in order. It only ever grows; a consistency
/// proof between two of its sizes shows that no day in between was rewritten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "RawLog", into = "RawLog")]
pub struct LogState(CompactRange);

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLog {
    size: u64,
    root: Hash,
    peaks: Vec<Hash>,
}

impl TryFrom<RawLog> for LogState {
    type Error = &'static str;
    fn try_from(raw: RawLog) -> Result<Self, &'static str> {
        let range =
            CompactRange::of(raw.size, raw.peaks).ok_or("a log has as many peaks as its size has ones")?;
        if range.root() == raw.root {
            Ok(Self(range))
        } else {
            Err("the log's root is not that of its peaks")
        }
    }
}

impl From<LogState> for RawLog {
    fn from(log: LogState) -> Self {
        Self { size: log.0.size(), root: log.0.root(), peaks: log.0.peaks().to_vec() }
    }
}

impl LogState {
    /// A log without days.
    pub fn empty() -> Self {
        Self(CompactRange::default())
    }

    /// How many days are in it.
    pub fn size(&self) -> u64 {
        self.0.size()
    }

    /// Its root.
    pub fn root(&self) -> Hash {
        self.0.root()
    }
}

/// A head and its signature: the document that is stored for a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedHead {
    /// What was signed.
    pub head: DayHead,
    /// By whom, over [`DayHead::to_bytes`].
    pub signature: HeadSignature,
}

/// Why stored bytes are no head of a day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHead {
    /// They are not JSON of its shape.
    #[error("it is no signed head: line {line}, column {column}")]
    Shape {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Its format is another.
    #[error("expected format `{FORMAT}`, got another")]
    Format,
    /// It says the same in other bytes than it was stored in.
    #[error("it is not in canonical form")]
    NotCanonical,
    /// It belongs elsewhere.
    #[error("it is of tenant `{0}` on {1}")]
    Elsewhere(TenantId, BusinessDay),
}

impl InvalidHead {
    /// It never heals.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Permanent
    }
}

impl DayHead {
    /// The bytes that are signed: canonical JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        canonical_json(self)
    }

    /// Are these the leaves that it was computed over?
    pub fn is_over(&self, leaves: &LeafList) -> bool {
        let computed = (leaves.count(), leaves.root(), records::chain(self.previous.as_ref(), leaves));
        computed == (self.records, self.root, self.chain)
    }
}

impl SignedHead {
    /// The document as it is stored: canonical JSON, so that `sha256sum` of the file is the hash that the next day names.
    pub fn to_bytes(&self) -> Vec<u8> {
        canonical_json(self)
    }

    /// Reads a document, whoever's it is.
    ///
    /// # Errors
    /// [`InvalidHead`].
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidHead> {
        let signed: Self = serde_json::from_slice(bytes)
            .map_err(|error| InvalidHead::Shape { line: error.line(), column: error.column() })?;
        if signed.head.format != FORMAT {
            return Err(InvalidHead::Format);
        }
        if signed.to_bytes() != bytes {
            return Err(InvalidHead::NotCanonical);
        }
        Ok(signed)
    }

    /// Reads the document of this tenant and day.
    ///
    /// # Errors
    /// [`InvalidHead`], also when it is another's.
    pub fn parse_of(bytes: &[u8], tenant: &TenantId, day: BusinessDay) -> Result<Self, InvalidHead> {
        let signed = Self::parse(bytes)?;
        if (&signed.head.tenant, signed.head.day) != (tenant, day) {
            return Err(InvalidHead::Elsewhere(signed.head.tenant, signed.head.day));
        }
        Ok(signed)
    }

    /// Is it signed by a key that counts?
    ///
    /// # Errors
    /// [`SignatureError`] when it is not.
    pub fn verify(&self, keys: &TrustedKeys) -> Result<(), SignatureError> {
        keys.verify(&self.signature, &self.head.to_bytes())
    }

    /// What the document after it names.
    pub fn link(&self) -> Link {
        Link { day: self.head.day, sha256: Hash::of(&self.to_bytes()) }
    }

    /// The leaf that it is in the tenant's log.
    pub fn log_leaf(&self) -> Hash {
        tree::leaf(&self.to_bytes())
    }

    /// The tenant's log with this day at its end, as the next day's head has it.
    pub fn log_after(&self) -> LogState {
        let LogState(mut range) = self.head.log.clone();
        range.push(self.log_leaf());
        LogState(range)
    }
}

/// Canonical JSON of a document of texts and integers, which always has a JSON value.
pub(super) fn canonical_json(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::with_capacity(1_024);
    if let Ok(value) = serde_json::to_value(value) {
        canonical::write(&value, &mut out);
    }
    out
}
