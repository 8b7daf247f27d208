//! Inclusion and consistency proofs: made as RFC 6962, 2.1.1 and 2.1.2 say, verified as RFC 9162, 2.1.3.2 and 2.1.4.2 say.

use super::{Hash, node, root, split};
use crate::failure::FailureKind;

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// There is no such leaf.
    #[error("leaf {index} is not in a tree of {size}")]
    NoSuchLeaf {
        /// Counted from 0.
        index: u64,
        /// Of the tree.
        size: u64,
    },
    /// A tree does not grow from nothing, nor shrink.
    #[error("a tree of {first} is not an earlier one of a tree of {second}")]
    NotEarlier {
        /// The size that should be the smaller one.
        first: u64,
        /// The size that should be the larger one.
        second: u64,
    },
    /// Hashes are missing or too many.
    #[error("the path has {got} hashes, which is not how many these sizes ask for")]
    Length {
        /// How many came.
        got: usize,
    },
    /// The hashes lead to another root.
    #[error("the path leads to another root")]
    Root,
}

impl ProofError {
    /// It never heals.
    pub fn kind(self) -> FailureKind {
        FailureKind::Permanent
    }
}

/// The hashes that lead from a leaf to the root, from the leaf's sibling upwards; `None` when there is no such leaf.
pub fn inclusion_path(index: usize, leaves: &[Hash]) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut index, mut leaves, mut path) = (index, leaves, Vec::new());
    while leaves.len() > 1 {
        let (left, right) = leaves.split_at(split(leaves.len()));
        match index.checked_sub(left.len()) {
            None => {
                path.push(root(right));
                leaves = left;
            }
            Some(further) => {
                path.push(root(left));
                (index, leaves) = (further, right);
            }
        }
    }
    path.reverse();
    Some(path)
}

/// The hashes that show that the tree over the first `first` leaves grew into that over all; `None` when there are fewer, or for an
/// empty tree, of which nothing can be shown.
pub fn consistency_path(first: usize, leaves: &[Hash]) -> Option<Vec<Hash>> {
    if first == 0 || first > leaves.len() {
        return None;
    }
    let (mut first, mut leaves, mut path) = (first, leaves, Vec::new());
    // Whether what is left is the first tree itself, whose root the verifier has.
    let mut whole = true;
    while first < leaves.len() {
        let (left, right) = leaves.split_at(split(leaves.len()));
        match first.checked_sub(left.len()) {
            None | Some(0) => {
                path.push(root(right));
                leaves = left;
            }
            Some(further) => {
                path.push(root(left));
                (first, leaves, whole) = (further, right, false);
            }
        }
    }
    if !whole {
        path.push(root(leaves));
    }
    path.reverse();
    Some(path)
}

/// Proves that `leaf` is the one at `index` of the tree of `size` leaves under `expected`.
///
/// # Errors
/// [`ProofError`] when it does not.
pub fn verify_inclusion(
    index: u64,
    size: u64,
    leaf: Hash,
    path: &[Hash],
    expected: Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::NoSuchLeaf { index, size });
    }
    let mut climb = Climb { place: index, last: size.saturating_sub(1) };
    let mut hash = leaf;
    for sibling in path {
        if climb.last == 0 {
            return Err(ProofError::Length { got: path.len() });
        }
        hash = if climb.has_left_sibling() { node(*sibling, hash) } else { node(hash, *sibling) };
        climb.up();
    }
    if climb.last != 0 {
        return Err(ProofError::Length { got: path.len() });
    }
    if hash == expected { Ok(()) } else { Err(ProofError::Root) }
}

/// Proves that the tree of `first` leaves under `first_root` is the beginning of that of `second` leaves under `second_root`.
///
/// # Errors
/// [`ProofError`] when it does not; also for `first` = 0, for an empty tree is the beginning of every tree.
pub fn verify_consistency(
    first: u64,
    second: u64,
    first_root: Hash,
    second_root: Hash,
    path: &[Hash],
) -> Result<(), ProofError> {
    if first == 0 || first > second {
        return Err(ProofError::NotEarlier { first, second });
    }
    let wrong_length = ProofError::Length { got: path.len() };
    if first == second {
        return match path {
            [] if first_root == second_root => Ok(()),
            [] => Err(ProofError::Root),
            _ => Err(wrong_length),
        };
    }
    let mut climb = Climb { place: first.saturating_sub(1), last: second.saturating_sub(1) };
    climb.skip(climb.place.trailing_ones());
    // A perfect first tree is a node of the second, whose hash the verifier has.
    let (start, rest) = match path {
        [_, ..] if first.is_power_of_two() => (first_root, path),
        [start, rest @ ..] => (*start, rest),
        [] => return Err(wrong_length),
    };
    let (mut of_first, mut of_second) = (start, start);
    for hash in rest {
        if climb.last == 0 {
            return Err(wrong_length);
        }
        if climb.has_left_sibling() {
            of_first = node(*hash, of_first);
            of_second = node(*hash, of_second);
        } else {
            of_second = node(of_second, *hash);
        }
        climb.up();
    }
    if climb.last != 0 {
        return Err(wrong_length);
    }
    if of_first == first_root && of_second == second_root { Ok(()) } else { Err(ProofError::Root) }
}

/// The way from a leaf to the root: `fn` and `sn` of RFC 9162.
struct Climb {
    place: u64,
    last: u64,
}

impl Climb {
    /// Is the hash at hand the right one of two? If not, the next hash of the path stands to its right.
    fn has_left_sibling(&self) -> bool {
        self.place & 1 == 1 || self.place == self.last
    }

    fn up(&mut self) {
        // The last node of a level without a sibling stands for its parents too, until it is a right child.
        if self.place & 1 == 0 && self.place == self.last {
            self.skip(self.place.trailing_zeros().min(63));
        }
        self.skip(1);
    }

    fn skip(&mut self, levels: u32) {
        self.place = self.place.checked_shr(levels).unwrap_or(0);
        self.last = self.last.checked_shr(levels).unwrap_or(0);
    }
}
