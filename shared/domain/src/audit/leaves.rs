use std::collections::HashMap;

use super::tree::{self, Hash};
use crate::failure::FailureKind;
use crate::id::TraceId;

/// What a leaf list begins with.
const MAGIC: &[u8; 16] = b"sluice-leaves-1\n";
const TRACE: usize = 16;
const LEAF: usize = TRACE + 32;

/// One record of a day: enough to find it again and to see whether it is still the same, and nothing of what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leaf {
    /// The trace that decided it.
    pub trace_id: TraceId,
    /// The hash of its canonical bytes, as a leaf of the tree.
    pub hash: Hash,
}

/// The leaves of a day's tree in order. Sealed beside the head, it tells **which** record is not what it was, where the head alone tells
/// that one is not.
///
/// As a file: the 16 bytes `sluice-leaves-1\n`, then 48 bytes a record: trace id (16), leaf hash (32).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeafList(Vec<Leaf>);

/// Why bytes are no leaf list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLeaves {
    /// They begin otherwise.
    #[error("expected a file that begins with `sluice-leaves-1`")]
    Magic,
    /// The last record is cut off.
    #[error("expected 48 bytes a record, got {0} bytes more")]
    Length(usize),
    /// A record without trace.
    #[error("record {0} has no trace id")]
    Trace(usize),
}

impl InvalidLeaves {
    /// It never heals.
    pub fn kind(self) -> FailureKind {
        FailureKind::Permanent
    }
}

/// How a record differs from what was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// It is there with other content.
    Changed,
    /// It was not there.
    Added,
    /// It is gone.
    Removed,
}

/// One record that is not as it was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Differing {
    /// Where it stands: among the sealed ones, or, if it was added, among those that are there now. Counted from 0.
    pub index: usize,
    /// Its trace.
    pub trace_id: TraceId,
    /// What became of it.
    pub difference: Difference,
}

impl LeafList {
    /// These leaves, in this order.
    pub fn new(leaves: Vec<Leaf>) -> Self {
        Self(leaves)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`InvalidLeaves`].
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidLeaves> {
        let leaves = bytes.strip_prefix(MAGIC).ok_or(InvalidLeaves::Magic)?;
        let (leaves, rest) = leaves.as_chunks::<LEAF>();
        if !rest.is_empty() {
            return Err(InvalidLeaves::Length(rest.len()));
        }
        let leaf = |(index, bytes): (usize, &[u8; LEAF])| {
            let (trace, hash) = bytes.split_at(TRACE);
            let trace_id = trace.try_into().ok().and_then(TraceId::from_bytes);
            let hash = hash.try_into().map(Hash);
            match (trace_id, hash) {
                (Some(trace_id), Ok(hash)) => Ok(Leaf { trace_id, hash }),
                _ => Err(InvalidLeaves::Trace(index)),
            }
        };
        leaves.iter().enumerate().map(leaf).collect::<Result<_, _>>().map(Self)
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(MAGIC.len() + self.0.len() * LEAF);
        out.extend_from_slice(MAGIC);
        for leaf in &self.0 {
            out.extend_from_slice(leaf.trace_id.as_bytes());
            out.extend_from_slice(&leaf.hash.0);
        }
        out
    }

    /// The leaves.
    pub fn leaves(&self) -> &[Leaf] {
        &self.0
    }

    /// How many.
    pub fn count(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap_or(u64::MAX)
    }

    /// Their hashes in order.
    pub fn hashes(&self) -> impl Iterator<Item = Hash> + '_ {
        self.0.iter().map(|leaf| leaf.hash)
    }

    /// The root of the tree over them.
    pub fn root(&self) -> Hash {
        tree::root(&self.hashes().collect::<Vec<_>>())
    }

    /// Where the record of this trace and hash stands.
    pub fn position(&self, wanted: Leaf) -> Option<usize> {
        self.0.iter().position(|leaf| *leaf == wanted)
    }

    /// What differs between these, which were sealed, and those that are there `now`, in order of their places.
    pub fn differences(&self, now: &Self) -> Vec<Differing> {
        if self == now {
            return Vec::new();
        }
        let mut there: HashMap<TraceId, Vec<(usize, Hash)>> = HashMap::with_capacity(now.0.len());
        for (index, leaf) in now.0.iter().enumerate() {
            there.entry(leaf.trace_id).or_default().push((index, leaf.hash));
        }
        let mut unmatched = Vec::new();
        for (index, leaf) in self.0.iter().enumerate() {
            let same = there.get_mut(&leaf.trace_id).and_then(|there| {
                let place = there.iter().position(|(_, hash)| *hash == leaf.hash)?;
                Some(there.swap_remove(place))
            });
            if same.is_none() {
                unmatched.push((index, leaf.trace_id));
            }
        }
        let mut differing = Vec::new();
        for (index, trace_id) in unmatched {
            let other = there.get_mut(&trace_id).and_then(Vec::pop);
            let difference = if other.is_some() { Difference::Changed } else { Difference::Removed };
            differing.push(Differing { index, trace_id, difference });
        }
        for (trace_id, left) in there {
            let added = |(index, _)| Differing { index, trace_id, difference: Difference::Added };
            differing.extend(left.into_iter().map(added));
        }
        differing.sort_by_key(|found| (found.index, found.trace_id));
        differing
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaf(trace: u8, content: u8) -> Leaf {
        Leaf { trace_id: TraceId::from_bytes([trace; 16]).unwrap(), hash: tree::leaf(&[content]) }
    }

    fn list(leaves: &[(u8, u8)]) -> LeafList {
        LeafList::new(leaves.iter().map(|(trace, content)| leaf(*trace, *content)).collect())
    }

    fn told(sealed: &[(u8, u8)], now: &[(u8, u8)]) -> Vec<(usize, u8, Difference)> {
        let found = list(sealed).differences(&list(now));
        found.into_iter().map(|it| (it.index, it.trace_id.as_bytes()[0], it.difference)).collect()
    }

    #[test]
    fn what_was_changed_added_and_removed_is_told_in_order() {
        use Difference::{Added, Changed, Removed};
        let sealed = [(1, 1), (2, 2), (3, 3), (4, 4)];
        assert_eq!(told(&sealed, &sealed), []);
        assert_eq!(told(&sealed, &[(1, 1), (2, 9), (3, 3), (4, 4)]), [(1, 2, Changed)]);
        assert_eq!(told(&sealed, &[(1, 1), (3, 3), (4, 4)]), [(1, 2, Removed)]);
        assert_eq!(told(&sealed, &[(1, 1), (2, 2), (9, 9), (3, 3), (4, 4)]), [(2, 9, Added)]);
        assert_eq!(
            told(&sealed, &[(7, 7), (2, 2), (3, 8), (5, 4)]),
            [(0, 1, Removed), (0, 7, Added), (2, 3, Changed), (3, 4, Removed), (3, 5, Added)]
        );
        // A record that is there twice under one trace.
        assert_eq!(told(&[(1, 1)], &[(1, 1), (1, 1)]), [(1, 1, Added)]);
        assert_eq!(told(&[(1, 1), (1, 2)], &[(1, 2)]), [(0, 1, Removed)]);
    }

    proptest! {
        #[test]
        fn a_file_reads_back_and_a_cut_one_does_not(leaves in prop::collection::vec((1_u8.., any::<u8>()), 1..20), cut in 1_usize..48) {
            let list = list(&leaves);
            let bytes = list.to_bytes();
            prop_assert_eq!(LeafList::parse(&bytes), Ok(list));
            prop_assert!(LeafList::parse(bytes.get(..bytes.len() - cut).unwrap()).is_err());
        }

        #[test]
        fn two_lists_differ_when_their_leaves_do(one in prop::collection::vec((1_u8..4, 0_u8..3), 0..8), two in prop::collection::vec((1_u8..4, 0_u8..3), 0..8)) {
            let sorted = |mut leaves: Vec<(u8, u8)>| { leaves.sort_unstable(); leaves };
            prop_assert_eq!(told(&one, &two).is_empty(), sorted(one) == sorted(two));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut file = MAGIC.to_vec();
            file.extend(&bytes);
            let _either = (LeafList::parse(&bytes), LeafList::parse(&file));
        }
    }
}
