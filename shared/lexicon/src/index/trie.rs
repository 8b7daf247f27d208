//! Sorted words to blocks of siblings and tails.

use super::build::BuildError;
use super::format::{block, link};

/// A word: sixteen bytes, because there may be ten million.
#[derive(Clone, Copy)]
pub(super) struct Word {
    /// The first four codes, so that most comparisons need not look at the arena.
    key: u64,
    start: u32,
    pub(super) tag: u16,
    length: u8,
}

impl Word {
    /// The word at `start..end` of the arena.
    pub(super) fn new(arena: &[u16], start: u32, end: u32, tag: u16) -> Self {
        let codes = arena.get(start as usize..end as usize).unwrap_or_default();
        let four = codes.iter().chain(std::iter::repeat(&0)).take(4);
        let key = four.fold(0, |key, code| key << 16 | u64::from(*code));
        Self { key, start, tag, length: codes.len().min(255) as u8 }
    }

    /// Its length in units.
    pub(super) fn length(self) -> usize {
        usize::from(self.length)
    }

    /// Its codes.
    pub(super) fn codes(self, arena: &[u16]) -> &[u16] {
        let start = self.start as usize;
        arena.get(start..start + self.length()).unwrap_or_default()
    }

    /// One code.
    pub(super) fn code(self, depth: usize, arena: &[u16]) -> Option<u16> {
        match depth {
            _ if depth >= self.length() => None,
            0..4 => Some((self.key >> (48 - 16 * depth)) as u16),
            _ => arena.get(self.start as usize + depth).copied(),
        }
    }

    /// The order of the trie: by codes, a prefix before what it begins.
    pub(super) fn order(self, other: Self, arena: &[u16]) -> std::cmp::Ordering {
        self.key.cmp(&other.key).then_with(|| self.codes(arena).cmp(other.codes(arena)))
    }
}

/// Writes the pool.
pub(super) struct Pool<'a> {
    arena: &'a [u16],
    bytes: Vec<u8>,
}

impl<'a> Pool<'a> {
    pub(super) fn new(arena: &'a [u16], room: usize) -> Self {
        Self { arena, bytes: Vec::with_capacity(room) }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The link to what goes on after the first `depth` units, which all `words` (sorted, distinct, at least one) have in common.
    pub(super) fn subtree(&mut self, words: &[Word], depth: usize) -> Result<u32, BuildError> {
        let (end, rest) = match words.split_first() {
            Some((first, rest)) if first.length() == depth => (Some(first.tag), rest),
            _ => (None, words),
        };
        match (end, rest) {
            (Some(tag), []) => Ok(link::make(link::LEAF, u32::from(tag))),
            (None, [only]) => self.tail(only.codes(self.arena).get(depth..).unwrap_or_default(), only.tag),
            _ => {
                let mut children = Vec::new();
                let arena = self.arena;
                for group in rest.chunk_by(|a, b| a.code(depth, arena) == b.code(depth, arena)) {
                    let code = group.first().and_then(|word| word.code(depth, arena)).unwrap_or_default();
                    children.push((code, self.subtree(group, depth + 1)?));
                }
                let kind = if end.is_some() { link::NODE_END } else { link::NODE };
                let place = self.block(&children, end.unwrap_or(0))?;
                Ok(link::make(kind, place))
            }
        }
    }

    fn tail(&mut self, codes: &[u16], tag: u16) -> Result<u32, BuildError> {
        if let [one] = codes {
            return Ok(link::make(link::TAIL_ONE, u32::from(*one) << link::TAG_BITS | u32::from(tag)));
        }
        let place = self.place()?;
        self.word(u32::from(tag) | (codes.len() as u32) << link::TAG_BITS);
        self.bytes.extend(codes.iter().flat_map(|code| code.to_le_bytes()));
        Ok(link::make(link::TAIL, place))
    }

    fn block(&mut self, children: &[(u16, u32)], tag: u16) -> Result<u32, BuildError> {
        let slots = if children.len() > block::LISTED { scattered(children) } else { children.to_vec() };
        let hashed = if children.len() > block::LISTED { block::HASHED } else { 0 };
        let first = children.first().map_or(0, |(_, link)| *link);
        let leaves = first >> link::SHIFT == link::LEAF && children.iter().all(|(_, link)| *link == first);
        let flags = if leaves { hashed | block::LEAVES } else { hashed };
        let place = self.place()?;
        self.word(u32::from(tag) | flags | (slots.len() as u32) << block::SLOTS_SHIFT);
        if leaves {
            self.bytes.extend(((first & link::TAG) as u16).to_le_bytes());
        }
        self.bytes.extend(slots.iter().flat_map(|(code, _)| code.to_le_bytes()));
        if !leaves {
            self.align();
            for (_, link) in &slots {
                self.word(*link);
            }
        }
        Ok(place)
    }

    fn place(&mut self) -> Result<u32, BuildError> {
        self.align();
        let place = u32::try_from(self.bytes.len() / 4).ok().filter(|place| *place <= link::VALUE);
        place.ok_or(BuildError::TooLarge)
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn word(&mut self, word: u32) {
        self.bytes.extend(word.to_le_bytes());
    }
}

/// Children as a hash table that no look-up probes longer than allowed. Empty slots have code 0.
fn scattered(children: &[(u16, u32)]) -> Vec<(u16, u32)> {
    let mut slots = children.len() * 5 / 4;
    loop {
        let mut table = vec![(0, 0); slots];
        if children.iter().all(|child| put(&mut table, *child)) {
            return table;
        }
        slots += slots / 4;
    }
}

fn put(table: &mut [(u16, u32)], child: (u16, u32)) -> bool {
    let first = block::slot(child.0, table.len());
    for probe in 0..block::PROBES {
        let at = (first + probe) % table.len();
        if let Some(slot) = table.get_mut(at).filter(|slot| slot.0 == 0) {
            *slot = child;
            return true;
        }
    }
    false
}
