//! The file: little-endian throughout, sections aligned to 64 bytes.
//!
//! ```text
//! 0   magic            "SLUICELX"
//! 8   version          u32
//! 12  sections         u32
//! 16  file length      u64
//! 24  words            u64   distinct, folded
//! 32  longest word     u32   in units
//! 36  flags            u32   bit 0: characters are matched as they are, nothing is folded
//! 40  reserved, zero
//! 60  CRC-32 of the header up to here and of the section table
//! 64  section table    per section: id u32, CRC-32 u32, offset u64, length u64, reserved u64
//! ```
//!
//! Sections: `meta` (the user's own bytes), `codes` (u16 per character of the basic plane), `beyond` (character, code), `others`
//! (ranges beyond the basic plane that count, but are in no word), `expansions` and `expanded` (characters that fold to several),
//! `filter` (bits), `bigrams` (lines of four times key, link, mask, tag), `pool` (blocks of siblings and tails).

use super::IndexError;

pub(super) const MAGIC: [u8; 8] = *b"SLUICELX";
pub(super) const VERSION: u32 = 2;
pub(super) const HEADER: usize = 64;
pub(super) const ENTRY: usize = 32;
pub(super) const ALIGN: usize = 64;
/// The flag of an index that folds nothing.
pub(super) const UNFOLDED: u32 = 1;

/// Units of a word, at most. The cost of a hostile text is its length times the longest word, so that must be bounded.
pub const LONGEST_WORD: usize = 64;
/// Units of a word, at least: one character says nothing.
pub const SHORTEST_WORD: usize = 2;

/// Values of `codes` below those that are matched.
pub(super) mod code {
    /// Seen, not matched.
    pub(crate) const GAP: u16 = 0;
    /// Neither.
    pub(crate) const DROPPED: u16 = 1;
    /// Look the character up in `expansions`.
    pub(crate) const EXPAND: u16 = 2;
    /// It counts, but is in no word.
    pub(crate) const OTHER: u16 = 3;
    /// `0` to `9`.
    pub(crate) const DIGITS: u16 = 4;
    /// `a` to `z`.
    pub(crate) const LETTERS: u16 = 14;
    /// The commonest character of the words; the rest follow.
    pub(crate) const FIRST: u16 = 40;
}

/// A link: three bits say what it leads to, the others where.
pub(super) mod link {
    /// A word ends; the value is its tag.
    pub(crate) const LEAF: u32 = 1;
    /// A block of siblings; the value is its place in the pool, in four bytes.
    pub(crate) const NODE: u32 = 2;
    /// The same, and a word ends, whose tag is in the block's header.
    pub(crate) const NODE_END: u32 = 3;
    /// One word goes on alone; the value is a place in the pool.
    pub(crate) const TAIL: u32 = 4;
    /// One word goes on alone for one unit: the value is that and the tag.
    pub(crate) const TAIL_ONE: u32 = 5;

    pub(crate) const SHIFT: u32 = 29;
    pub(crate) const VALUE: u32 = (1 << SHIFT) - 1;
    /// Bits of a tag.
    pub(crate) const TAG_BITS: u32 = 13;
    pub(crate) const TAG: u32 = (1 << TAG_BITS) - 1;

    pub(crate) fn make(kind: u32, value: u32) -> u32 {
        kind << SHIFT | value
    }
}

/// The header of a block of siblings: tag, flags, number of slots.
pub(super) mod block {
    use super::link;

    /// Slots are a hash table.
    pub(crate) const HASHED: u32 = 1 << link::TAG_BITS;
    /// All children are leaves of one tag, which stands before the codes; there are no links.
    pub(crate) const LEAVES: u32 = 1 << (link::TAG_BITS + 1);
    pub(crate) const SLOTS_SHIFT: u32 = link::TAG_BITS + 2;
    /// More children than this are hashed.
    pub(crate) const LISTED: usize = 16;
    /// A look-up tries so many slots, at most; the builder widens the table until that is enough.
    pub(crate) const PROBES: usize = 32;

    /// The first slot of a code.
    pub(crate) fn slot(code: u16, slots: usize) -> usize {
        (usize::from(code.wrapping_mul(0x9E37)) * slots) >> 16
    }
}

/// The key of two codes, and its hash.
#[inline]
pub(super) fn bigram(first: u16, second: u16) -> u32 {
    u32::from(first) << 16 | u32::from(second)
}

/// The middle of the product: every bit of the key is in each of its bits, the low ones too, which the filter takes.
#[inline]
pub(super) fn hash(key: u32) -> u32 {
    (u64::from(key).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32
}

/// The table of first two codes, in lines of 64 bytes.
pub(super) mod line {
    /// Entries of a line: key, link, mask, tag.
    pub(crate) const ENTRIES: usize = 4;
    /// A look-up reads so many lines, at most; the builder widens the table until that is enough.
    pub(crate) const PROBES: usize = 8;
}

/// The first line of a hash in a table of so many; the last ones are nobody's first, so that no look-up goes round the end.
#[inline]
pub(super) fn first_line(hash: u32, lines: usize) -> usize {
    let firsts = lines.saturating_sub(line::PROBES);
    usize::try_from((u64::from(hash) * firsts as u64) >> 32).unwrap_or(0)
}

/// The sections, in the order of the file: what every text touches comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    Meta,
    Codes,
    Beyond,
    Others,
    Expansions,
    Expanded,
    Filter,
    Bigrams,
    Pool,
}

impl Section {
    pub(super) const ALL: [Self; 9] = [
        Self::Meta,
        Self::Codes,
        Self::Beyond,
        Self::Others,
        Self::Expansions,
        Self::Expanded,
        Self::Filter,
        Self::Bigrams,
        Self::Pool,
    ];

    pub(super) fn id(self) -> u32 {
        self as u32 + 1
    }

    /// Its name in errors and reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Codes => "codes",
            Self::Beyond => "beyond",
            Self::Others => "others",
            Self::Expansions => "expansions",
            Self::Expanded => "expanded",
            Self::Filter => "filter",
            Self::Bigrams => "bigrams",
            Self::Pool => "pool",
        }
    }
}

/// Where a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) offset: usize,
    pub(super) length: usize,
    pub(super) crc: u32,
}

impl Place {
    /// The bytes there; none if they are not in the file.
    pub(super) fn of(self, file: &[u8]) -> &[u8] {
        file.get(self.offset..self.offset + self.length).unwrap_or_default()
    }
}

/// The header, read and written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Header {
    pub(super) words: u64,
    pub(super) longest: u32,
    pub(super) flags: u32,
    pub(super) places: [Place; Section::ALL.len()],
}

impl Header {
    pub(super) fn place(&self, section: Section) -> Place {
        self.places.get(section as usize).copied().unwrap_or_default()
    }

    /// Header and section table.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let end = self.places.iter().map(|place| place.offset + place.length).max().unwrap_or(HEADER);
        let mut out = MAGIC.to_vec();
        out.extend(VERSION.to_le_bytes());
        out.extend((Section::ALL.len() as u32).to_le_bytes());
        out.extend((end as u64).to_le_bytes());
        out.extend(self.words.to_le_bytes());
        out.extend(self.longest.to_le_bytes());
        out.extend(self.flags.to_le_bytes());
        out.resize(HEADER - 4, 0);
        let mut table = Vec::with_capacity(Section::ALL.len() * ENTRY);
        for (section, place) in Section::ALL.iter().zip(&self.places) {
            table.extend(section.id().to_le_bytes());
            table.extend(place.crc.to_le_bytes());
            table.extend((place.offset as u64).to_le_bytes());
            table.extend((place.length as u64).to_le_bytes());
            table.extend([0; 8]);
        }
        out.extend(checksum(&[&out, &table]).to_le_bytes());
        out.extend(table);
        out
    }

    /// Reads and checks header and section table; the sections themselves are not looked at.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, IndexError> {
        let head = bytes.get(..HEADER).ok_or(IndexError::Truncated { length: bytes.len() as u64 })?;
        if head.get(..8) != Some(&MAGIC) {
            return Err(IndexError::NotAnIndex);
        }
        let version = u32_at(head, 8);
        if version != VERSION {
            return Err(IndexError::Version { version });
        }
        let length = u64_at(head, 16);
        if length != bytes.len() as u64 {
            return Err(IndexError::Length { stated: length, length: bytes.len() as u64 });
        }
        let table = bytes.get(HEADER..HEADER + Section::ALL.len() * ENTRY);
        let table = table.ok_or(IndexError::Truncated { length })?;
        let counted = u32_at(head, 12) as usize == Section::ALL.len();
        if !counted || checksum(&[head.get(..HEADER - 4).unwrap_or_default(), table]) != u32_at(head, 60) {
            return Err(IndexError::Damaged { section: "header" });
        }
        let mut header = Self {
            words: u64_at(head, 24),
            longest: u32_at(head, 32),
            flags: u32_at(head, 36),
            ..Self::default()
        };
        let places = table.chunks_exact(ENTRY).zip(Section::ALL).zip(&mut header.places);
        for ((entry, section), place) in places {
            *place = place_of(entry, section, bytes.len())?;
        }
        Ok(header)
    }
}

fn place_of(entry: &[u8], section: Section, file: usize) -> Result<Place, IndexError> {
    let damaged = IndexError::Damaged { section: section.name() };
    let offset = usize::try_from(u64_at(entry, 8)).ok();
    let length = usize::try_from(u64_at(entry, 16)).ok();
    let (Some(offset), Some(length)) = (offset, length) else { return Err(damaged) };
    let inside = offset.checked_add(length).is_some_and(|end| end <= file);
    if u32_at(entry, 0) != section.id() || offset % ALIGN != 0 || !inside {
        return Err(damaged);
    }
    Ok(Place { offset, length, crc: u32_at(entry, 4) })
}

pub(super) fn checksum(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

/// Zero beyond the end: callers have checked the length.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map_or(0, u64::from_le_bytes)
}
