//! Building an index: words in, a file out. Offline, and for small lists at start.

use std::collections::HashMap;
use std::io::{self, Write};

use super::codes::Numbers;
use super::format::{self, ALIGN, Header, LONGEST_WORD, Place, SHORTEST_WORD, Section, line, link};
use super::trie::{Pool, Word};

/// Why a word or a list does not become an index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Nothing is left of a word when what is interposed is gone, or too little to be meant.
    #[error("fewer than {SHORTEST_WORD} characters that count")]
    Short,
    /// The cost of matching grows with the longest word.
    #[error("more than {LONGEST_WORD} characters that count")]
    Long,
    /// More than 65,000 different characters, 8,192 tags, or 2 GiB of blocks.
    #[error("the lists are too large for one index")]
    TooLarge,
}

/// Collects words.
pub struct IndexBuilder {
    numbers: Numbers,
    /// The words' characters, by number, one word after another.
    arena: Vec<u16>,
    /// One past each word's last.
    ends: Vec<u32>,
    tags: Vec<u16>,
    longest: usize,
}

/// What was built, except what is kept beside it.
pub struct Built {
    header: Header,
    sections: [Vec<u8>; Section::ALL.len()],
    /// For each tag that matches carry, the tags that the word was added with.
    pub tags: Vec<Vec<u16>>,
}

impl IndexBuilder {
    /// An empty one that folds.
    pub fn new() -> Self {
        Self::with(Numbers::new(true))
    }

    /// An empty one that takes every character as it is. For measurements: it shows what folding costs.
    pub fn without_folding() -> Self {
        Self::with(Numbers::new(false))
    }

    fn with(numbers: Numbers) -> Self {
        Self { numbers, arena: Vec::new(), ends: Vec::new(), tags: Vec::new(), longest: 0 }
    }

    /// Adds a word. The same word may come with several tags; [`Built::tags`] tells which.
    ///
    /// # Errors
    /// [`BuildError`]; the builder is as before.
    pub fn add(&mut self, word: &str, tag: u16) -> Result<(), BuildError> {
        let start = self.arena.len();
        let numbered = self.numbers.word(word, &mut self.arena);
        let length = self.arena.len() - start;
        let end = u32::try_from(self.arena.len()).ok();
        let error = match (numbered, end) {
            (Some(()), Some(end)) if (SHORTEST_WORD..=LONGEST_WORD).contains(&length) => {
                self.ends.push(end);
                self.tags.push(tag);
                self.longest = self.longest.max(length);
                return Ok(());
            }
            (None, _) | (_, None) => BuildError::TooLarge,
            _ if length < SHORTEST_WORD => BuildError::Short,
            _ => BuildError::Long,
        };
        self.arena.truncate(start);
        Err(error)
    }

    /// Sorts, merges and lays out.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`].
    pub fn build(self) -> Result<Built, BuildError> {
        let Self { numbers, mut arena, ends, tags, longest } = self;
        let codes = numbers.codes();
        for unit in &mut arena {
            *unit = codes.get(usize::from(*unit)).copied().unwrap_or_default();
        }
        let (words, tagsets) = sorted(&arena, &ends, &tags)?;
        drop((ends, tags));
        let count = words.len() as u64;
        let (entries, pool) = blocks(&words, &arena)?;
        drop(words);
        let filter = filter(&entries);
        let bigrams = table(&entries);
        let [plane, beyond, others, expansions, expanded] = numbers.sections(&codes);
        let flags = if numbers.folds() { 0 } else { format::UNFOLDED };
        let header = Header { words: count, longest: longest as u32, flags, ..Header::default() };
        let sections = [Vec::new(), plane, beyond, others, expansions, expanded, filter, bigrams, pool];
        Ok(Built { header, sections, tags: tagsets })
    }
}

impl Default for IndexBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl Built {
    /// Distinct words.
    pub fn words(&self) -> u64 {
        self.header.words
    }

    /// Writes the file, with bytes of the caller's beside.
    ///
    /// # Errors
    /// The writer's.
    pub fn write(mut self, meta: Vec<u8>, out: &mut impl Write) -> io::Result<()> {
        if let Some(first) = self.sections.first_mut() {
            *first = meta;
        }
        let mut at = (format::HEADER + Section::ALL.len() * format::ENTRY).next_multiple_of(ALIGN);
        for (place, section) in self.header.places.iter_mut().zip(&self.sections) {
            *place = Place { offset: at, length: section.len(), crc: format::checksum(&[section]) };
            at = (at + section.len()).next_multiple_of(ALIGN);
        }
        let head = self.header.bytes();
        out.write_all(&head)?;
        let mut written = head.len();
        for (place, section) in self.header.places.iter().zip(&self.sections) {
            out.write_all([0; ALIGN].get(..place.offset - written).unwrap_or_default())?;
            out.write_all(section)?;
            written = place.offset + section.len();
        }
        Ok(())
    }

    /// The file in memory.
    pub fn into_bytes(self, meta: Vec<u8>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.sections.iter().map(|section| section.len() + ALIGN).sum());
        // A vector takes everything.
        drop(self.write(meta, &mut bytes));
        bytes
    }
}

/// Distinct words in order, each with one tag that stands for all that it came with.
fn sorted(arena: &[u16], ends: &[u32], tags: &[u16]) -> Result<(Vec<Word>, Vec<Vec<u16>>), BuildError> {
    let mut words = Vec::with_capacity(ends.len());
    let mut start = 0;
    for (end, tag) in ends.iter().zip(tags) {
        words.push(Word::new(arena, start, *end, *tag));
        start = *end;
    }
    words.sort_unstable_by(|a, b| a.order(*b, arena).then(a.tag.cmp(&b.tag)));
    let mut tagsets = Tagsets::default();
    let (mut write, mut read) = (0, 0);
    let mut set = Vec::new();
    while let Some(first) = words.get(read).copied() {
        set.clear();
        while let Some(same) = words.get(read).filter(|word| word.order(first, arena).is_eq()) {
            if set.last() != Some(&same.tag) {
                set.push(same.tag);
            }
            read += 1;
        }
        let tag = tagsets.tag(&set)?;
        if let Some(slot) = words.get_mut(write) {
            *slot = first;
            slot.tag = tag;
        }
        write += 1;
    }
    words.truncate(write);
    Ok((words, tagsets.sets))
}

/// The combinations of tags that words came with, numbered.
#[derive(Default)]
struct Tagsets {
    sets: Vec<Vec<u16>>,
    known: HashMap<Vec<u16>, u16>,
}

impl Tagsets {
    fn tag(&mut self, set: &[u16]) -> Result<u16, BuildError> {
        if let Some(tag) = self.known.get(set) {
            return Ok(*tag);
        }
        let tag = u16::try_from(self.sets.len()).ok().filter(|tag| u32::from(*tag) <= link::TAG);
        let tag = tag.ok_or(BuildError::TooLarge)?;
        self.known.insert(set.to_vec(), tag);
        self.sets.push(set.to_vec());
        Ok(tag)
    }
}

/// Tables of fewer entries are small: they have twice the room that they need, for a look-up that ends with its first line.
const SMALL: usize = 1 << 16;

/// Key, link, mask of third codes, tag and one: by the first two units.
type Entry = [u32; 4];

fn blocks(words: &[Word], arena: &[u16]) -> Result<(Vec<Entry>, Vec<u8>), BuildError> {
    let mut pool = Pool::new(arena, words.len() * 8);
    let mut entries = Vec::new();
    let two = |word: &Word| [word.code(0, arena), word.code(1, arena)];
    for group in words.chunk_by(|a, b| two(a) == two(b)) {
        let Some([Some(first), Some(second)]) = group.first().map(two) else { continue };
        let (link, tag) = match pool.subtree(group, SHORTEST_WORD)? {
            link if link >> link::SHIFT == link::LEAF => (0, (link & link::TAG) + 1),
            link if link >> link::SHIFT == link::NODE_END => {
                let tag = group.first().map_or(0, |word| u32::from(word.tag));
                (link::make(link::NODE, link & link::VALUE), tag + 1)
            }
            link => (link, 0),
        };
        let thirds = group.iter().filter_map(|word| word.code(SHORTEST_WORD, arena));
        let mask = thirds.fold(0, |mask, code| mask | 1_u32 << (code & 31));
        entries.push([format::bigram(first, second), link, mask, tag]);
    }
    Ok((entries, pool.into_bytes()))
}

/// A bit for each entry's hash, sixteen to thirty-two bits an entry.
fn filter(entries: &[Entry]) -> Vec<u8> {
    let words = (entries.len() / 2).next_power_of_two().clamp(2, 1 << 26);
    let mut filter = vec![0_u32; words];
    for [key, ..] in entries {
        let hash = format::hash(*key);
        if let Some(word) = filter.get_mut((hash >> 5) as usize & (words - 1)) {
            *word |= 1 << (hash & 31);
        }
    }
    filter.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// The entries as a hash table in which no look-up reads more lines than allowed: in the order of their hashes, each in its first line or as soon after it
/// as there is room. A look-up ends with the line that has room or a greater hash, most often the first.
fn table(entries: &[Entry]) -> Vec<u8> {
    let mut ordered: Vec<(u32, &Entry)> =
        entries.iter().map(|entry| (format::hash(entry[0]), entry)).collect();
    ordered.sort_unstable_by_key(|(hash, _)| *hash);
    let slots = if entries.len() < SMALL { entries.len() * 2 } else { entries.len() * 4 / 3 };
    let mut lines = slots / line::ENTRIES + 1;
    'wider: loop {
        let mut table: Vec<Entry> = vec![[0; 4]; (lines + line::PROBES) * line::ENTRIES];
        let mut next = 0;
        for (hash, entry) in &ordered {
            let first = format::first_line(*hash, lines + line::PROBES) * line::ENTRIES;
            let at = first.max(next);
            let Some(slot) = table.get_mut(at).filter(|_| at - first < line::PROBES * line::ENTRIES) else {
                lines += lines / 4 + 1;
                continue 'wider;
            };
            *slot = **entry;
            next = at + 1;
        }
        return table.into_iter().flatten().flat_map(u32::to_le_bytes).collect();
    }
}
