//! Proofs that somebody can check who has nothing but the file and a public key.

use serde::{Deserialize, Serialize};

use super::head::{SignedHead, canonical_json};
use super::leaves::{Leaf, LeafList};
use super::records::{canonical_bytes, leaf_hash};
use super::signature::{SignatureError, TrustedKeys};
use super::tree::{
    self, Hash, ProofError, consistency_path, inclusion_path, verify_consistency, verify_inclusion,
};
use super::{AuditRecord, FORMAT};
use crate::failure::FailureKind;

/// What a proof file is called.
pub const PROOF_FORMAT: &str = "sluice-audit-proof-1";
/// No proof file is larger: the largest record fits many times.
pub const LARGEST_PROOF: usize = 4 << 20;

/// A proof, as a file: one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofFile {
    /// [`PROOF_FORMAT`].
    pub format: String,
    /// Of a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inclusion: Option<Inclusion>,
    /// Of the days between two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
}

/// That a record is one of those that a day's head covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
    /// The day's head.
    pub head: SignedHead,
    /// Where the record stands among the day's, from 0.
    pub index: u64,
    /// The record's leaf hash: SHA-256(0x00 ‖ record).
    pub leaf: Hash,
    /// From the leaf's sibling to the root.
    pub path: Vec<Hash>,
    /// The record's canonical bytes, unless they are held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
}

/// That the tenant's log as a head had it is the beginning of that of a later head, and that the former head is in the latter's log at its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    /// The earlier head.
    pub from: SignedHead,
    /// The later one.
    pub to: SignedHead,
    /// From the log of `from` to that of `to`; empty when `from` was the first day of all.
    pub log: Vec<Hash>,
    /// From the document of `from`, as a leaf, to the root of the log of `to`.
    pub place: Vec<Hash>,
}

/// Why a file proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProof {
    /// It is larger than any of ours.
    #[error("a proof file has at most {LARGEST_PROOF} bytes, got {0}")]
    TooLarge(usize),
    /// It is not JSON of its shape.
    #[error("it is no proof file: line {line}, column {column}: {cause}")]
    Shape {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What was expected.
        cause: &'static str,
    },
    /// Its head was not signed by a key that counts.
    #[error("the head of {day}: {cause}")]
    Signature {
        /// Which head.
        day: crate::time::BusinessDay,
        /// What is wrong.
        cause: SignatureError,
    },
    /// The record is not the one whose hash the file gives.
    #[error("the record does not hash to its leaf: it was changed")]
    Record,
    /// The record is not in the day.
    #[error("the leaf is not in the day's tree: {0}")]
    Inclusion(ProofError),
    /// The two heads have nothing to do with one another.
    #[error("expected two heads of one tenant, the earlier one first")]
    Heads,
    /// The later log is no continuation of the earlier one.
    #[error("a day before {0} was rewritten: {1}")]
    Log(crate::time::BusinessDay, ProofError),
    /// The earlier head is not in the later one's log.
    #[error("the day {0} was rewritten: {1}")]
    Place(crate::time::BusinessDay, ProofError),
}

impl InvalidProof {
    /// What helps: a key, or nothing.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Signature { cause, .. } => cause.kind(),
            _ => FailureKind::Permanent,
        }
    }
}

impl ProofFile {
    /// The file of an inclusion proof.
    pub fn of_inclusion(inclusion: Inclusion) -> Self {
        Self { format: PROOF_FORMAT.to_owned(), inclusion: Some(inclusion), consistency: None }
    }

    /// The file of a consistency proof.
    pub fn of_consistency(consistency: Consistency) -> Self {
        Self { format: PROOF_FORMAT.to_owned(), inclusion: None, consistency: Some(consistency) }
    }

    /// Reads a file from anybody.
    ///
    /// # Errors
    /// [`InvalidProof::TooLarge`], [`InvalidProof::Shape`].
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidProof> {
        if bytes.len() > LARGEST_PROOF {
            return Err(InvalidProof::TooLarge(bytes.len()));
        }
        let shape = |line, column, cause| InvalidProof::Shape { line, column, cause };
        let file: Self = serde_json::from_slice(bytes)
            .map_err(|error| shape(error.line(), error.column(), "see docs/SECURITY.md for its members"))?;
        let heads = match (&file.inclusion, &file.consistency) {
            (Some(proof), None) => vec![&proof.head],
            (None, Some(proof)) => vec![&proof.from, &proof.to],
            _ => return Err(shape(1, 1, "expected either `inclusion` or `consistency`")),
        };
        if file.format != PROOF_FORMAT || heads.iter().any(|signed| signed.head.format != FORMAT) {
            return Err(shape(1, 1, "its format or that of a head is another"));
        }
        Ok(file)
    }

    /// The file: canonical JSON and a line's end.
    pub fn to_text(&self) -> String {
        let mut text = String::from_utf8(canonical_json(self)).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Does it prove what it says, to somebody who trusts these keys?
    ///
    /// # Errors
    /// [`InvalidProof`] says what does not hold.
    pub fn verify(&self, keys: &TrustedKeys) -> Result<(), InvalidProof> {
        self.inclusion.as_ref().map_or(Ok(()), |proof| proof.verify(keys))?;
        self.consistency.as_ref().map_or(Ok(()), |proof| proof.verify(keys))
    }
}

fn verify_head(signed: &SignedHead, keys: &TrustedKeys) -> Result<(), InvalidProof> {
    signed.verify(keys).map_err(|cause| InvalidProof::Signature { day: signed.head.day, cause })
}

impl Inclusion {
    /// That `record` is in the day of `head`, whose leaves are these; `None` when it is not. `redacted` holds back what the record says.
    pub fn of(head: SignedHead, leaves: &LeafList, record: &AuditRecord, redacted: bool) -> Option<Self> {
        let leaf = leaf_hash(record);
        let index = leaves.position(Leaf { trace_id: record.trace_id, hash: leaf })?;
        let path = inclusion_path(index, &leaves.hashes().collect::<Vec<_>>())?;
        let text = if redacted { None } else { Some(String::from_utf8(canonical_bytes(record)).ok()?) };
        Some(Self { head, index: u64::try_from(index).ok()?, leaf, path, record: text })
    }

    fn verify(&self, keys: &TrustedKeys) -> Result<(), InvalidProof> {
        verify_head(&self.head, keys)?;
        if self.record.as_ref().is_some_and(|record| tree::leaf(record.as_bytes()) != self.leaf) {
            return Err(InvalidProof::Record);
        }
        let head = &self.head.head;
        verify_inclusion(self.index, head.records, self.leaf, &self.path, head.root)
            .map_err(InvalidProof::Inclusion)
    }
}

impl Consistency {
    /// That nothing was rewritten between two heads. `documents` are the leaves of the log that `to` was sealed on; `None` when they are not,
    /// or `from` is not among them.
    pub fn of(from: SignedHead, to: SignedHead, documents: &[Hash]) -> Option<Self> {
        let place = usize::try_from(from.head.log.size()).ok()?;
        if documents.get(place) != Some(&from.log_leaf()) || tree::root(documents) != to.head.log.root() {
            return None;
        }
        let log = if place == 0 { Vec::new() } else { consistency_path(place, documents)? };
        let place = inclusion_path(place, documents)?;
        Some(Self { from, to, log, place })
    }

    fn verify(&self, keys: &TrustedKeys) -> Result<(), InvalidProof> {
        verify_head(&self.from, keys)?;
        verify_head(&self.to, keys)?;
        let (from, to) = (&self.from.head, &self.to.head);
        if from.tenant != to.tenant || from.day >= to.day || from.log.size() >= to.log.size() {
            return Err(InvalidProof::Heads);
        }
        let (first, second) = (from.log.size(), to.log.size());
        match (first, self.log.as_slice()) {
            // Before the first day there was nothing to rewrite.
            (0, []) => {}
            _ => verify_consistency(first, second, from.log.root(), to.log.root(), &self.log)
                .map_err(|cause| InvalidProof::Log(from.day, cause))?,
        }
        verify_inclusion(first, second, self.from.log_leaf(), &self.place, to.log.root())
            .map_err(|cause| InvalidProof::Place(from.day, cause))
    }
}
