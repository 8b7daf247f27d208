//! The Merkle tree of RFC 6962 (section 2.1; again in RFC 9162, section 2.1) over SHA-256. A tree rather than a chain of hashes alone,
//! so that one record can be shown to be in the day with a few dozen hashes and without showing anybody else's.

mod proof;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use proof::{ProofError, consistency_path, inclusion_path, verify_consistency, verify_inclusion};

/// A SHA-256; 64 lower-case hex digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(pub [u8; 32]);

/// A text that is no hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a hash must be 64 lower-case hex digits, got {0} bytes")]
pub struct InvalidHash(usize);

impl Hash {
    /// The plain SHA-256 of bytes, as `sha256sum` shows it.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl FromStr for Hash {
    type Err = InvalidHash;
    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        let mut hash = [0; 32];
        // One spelling only: a document has one form.
        let lower = text.bytes().all(|byte| !byte.is_ascii_uppercase());
        match hex::decode_to_slice(text, &mut hash) {
            Ok(()) if lower => Ok(Self(hash)),
            _ => Err(InvalidHash(text.len())),
        }
    }
}

impl TryFrom<String> for Hash {
    type Error = InvalidHash;
    fn try_from(text: String) -> Result<Self, InvalidHash> {
        text.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hex::encode(hash.0)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The hash of a leaf.
pub fn leaf(data: &[u8]) -> Hash {
    Hash(Sha256::new_with_prefix([0]).chain_update(data).finalize().into())
}

/// The hash of a node over its two children.
pub(super) fn node(left: Hash, right: Hash) -> Hash {
    Hash(Sha256::new_with_prefix([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The root over leaves in order; that of none is the hash of nothing.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of(&[]),
        [only] => *only,
        more => {
            let (left, right) = more.split_at(split(more.len()));
            node(root(left), root(right))
        }
    }
}

/// How many of two or more leaves are on the left: the largest power of two that leaves something for the right.
fn split(leaves: usize) -> usize {
    leaves.next_power_of_two() / 2
}

/// A tree that grows, as the roots of its perfect subtrees, largest first: as many as the size has ones in binary. It is enough to add
/// leaves and to tell the root, and has no more than 64 hashes for any size. (`compact range` in transparency-dev/merkle.)
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompactRange {
    size: u64,
    peaks: Vec<Hash>,
}

impl CompactRange {
    /// A tree of `size` leaves from its peaks; `None` when they are not as many as the size asks for.
    pub fn of(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (usize::try_from(size.count_ones()) == Ok(peaks.len())).then_some(Self { size, peaks })
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the perfect subtrees, largest first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Each trailing one of the size is a perfect tree as large as the one that ends here.
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            hash = node(left, hash);
        }
        self.peaks.push(hash);
        self.size = self.size.saturating_add(1);
    }

    /// The root; that of no leaves is the hash of nothing.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return Hash::of(&[]) };
        peaks.fold(*last, |right, left| node(*left, right))
    }
}
