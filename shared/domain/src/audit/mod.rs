//! The audit record: written once per event, read by compliance staff and by reconciliation.

pub(crate) mod canonical;
mod commitment;
mod finding;
mod head;
mod leaves;
mod proof;
mod records;
mod signature;
#[cfg(test)]
mod tests;
pub mod tree;

use serde::{Deserialize, Serialize};

use crate::decision::Decision;
use crate::event::EventKind;
use crate::id::{EventKey, PersonId, TraceId};
use crate::time::UnixMillis;

pub use commitment::{Commitment, Salt};
pub use finding::Finding;
pub use head::{DayHead, FORMAT, InvalidHead, Link, LogState, SignedHead};
pub use leaves::{Difference, Differing, InvalidLeaves, Leaf, LeafList};
pub use proof::{Consistency, Inclusion, InvalidProof, LARGEST_PROOF, PROOF_FORMAT, ProofFile};
pub use records::{DayRecords, DayTree, LATEST_DECISION_DAYS, canonical_bytes, leaf_hash};
#[cfg(feature = "sm2")]
pub use signature::SM2_IDENTIFIER;
pub use signature::{
    HeadSignature, InvalidKey, PublicKey, SignatureAlgorithm, SignatureBytes, SignatureError, TrustedKeys,
};

/// What became of an event at compliance-check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "disposition", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly every record is the large one")]
pub enum Disposition {
    /// The engine decided on it.
    Decided {
        /// The decision and its explanation.
        decision: Decision,
    },
    /// It changed consent or the order book; there is nothing to send.
    Recorded {
        /// What it changed: `consent_withdrawn`, `order_book`, …
        effect: String,
        /// The trace of the earlier event that led to it: of the message by which a contact came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<TraceId>,
    },
    /// Genuine, but of a name Sluice does not act on.
    Unhandled,
}

impl Disposition {
    /// Recorded, with this effect and nothing earlier that led to it.
    pub fn recorded(effect: impl Into<String>) -> Self {
        Self::Recorded { effect: effect.into(), about: None }
    }

    /// As shown in tables and metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Decided { decision } => decision.verdict.as_str(),
            Self::Recorded { .. } => "recorded",
            Self::Unhandled => "unhandled",
        }
    }
}

/// What was decided on one event, when, and why. It holds no personal value: pseudonyms, hashes and offsets only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// The event: the record's key, so it can be written once only.
    #[serde(flatten)]
    pub key: EventKey,
    /// The trace that decided it.
    pub trace_id: TraceId,
    /// The event's kind.
    pub kind: EventKind,
    /// The platform's name of the event.
    pub name: String,
    /// Who.
    pub person: Option<PersonId>,
    /// When it happened, if the platform said so.
    pub occurred_at: Option<UnixMillis>,
    /// When the callback arrived.
    pub received_at: UnixMillis,
    /// When it was decided.
    pub decided_at: UnixMillis,
    /// The commitment to the raw callback body ([`crate::tenant::TenantKeys::payload`]), in lower-case hex. (In records of earlier builds the
    /// body's plain SHA-256; the name is theirs.)
    pub payload_sha256: String,
    /// What became of it.
    #[serde(flatten)]
    pub disposition: Disposition,
}

/// A callback that was acknowledged, as reconciliation sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The event.
    #[serde(flatten)]
    pub key: EventKey,
    /// Its trace; a replay of the same event has another one.
    pub trace_id: TraceId,
    /// Its kind.
    pub kind: EventKind,
    /// When it arrived.
    pub received_at: UnixMillis,
}
