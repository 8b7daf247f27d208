//! The compact index: words to tags, built once, used where it lies.
//!
//! A text becomes *units* (folded characters as dense codes, see [`crate::fold`]) in one pass. Every pair of neighbouring units is
//! looked up in a small bit filter; what passes, in a hash table of the words' first two units; what is left goes down blocks of
//! siblings, **all candidates one level at a time**, so that their cache misses overlap instead of waiting for each other.
//!
//! The file is mapped and used as it is. Every read is checked: a damaged file gives [`IndexError`], never a panic or a wrong read.

#![expect(
    clippy::cast_possible_truncation,
    reason = "the layout packs codes of 16 and tags of 13 bits into words, and bounds every length far below 2^32"
)]

mod build;
mod codes;
mod find;
mod format;
mod read;
mod trie;
mod units;

use std::sync::Arc;

pub use build::{BuildError, Built, IndexBuilder};
pub use find::{Match, Mode, Scratch};
pub use format::{LONGEST_WORD, SHORTEST_WORD};
pub use units::{Unit, Units};

use format::{Header, Section};
use zerocopy::FromBytes as _;
use zerocopy::little_endian::{U16, U32};

/// The bytes of an index: owned, or shared with whoever maps the file.
#[derive(Clone)]
pub struct Bytes(Arc<dyn AsRef<[u8]> + Send + Sync>);

impl Bytes {
    /// Of anything that holds bytes: a vector, a mapped file.
    pub fn new(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self(Arc::new(bytes))
    }
}

/// Why bytes are no usable index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// Something else.
    #[error("not a compiled lexicon: its first 8 bytes must be `SLUICELX`")]
    NotAnIndex,
    /// Made by another version.
    #[error(
        "a compiled lexicon of version {version}; this program reads version {}: build it again",
        format::VERSION
    )]
    Version {
        /// The file's.
        version: u32,
    },
    /// Too short even for what it must begin with.
    #[error("a compiled lexicon cut off at {length} bytes")]
    Truncated {
        /// What is there.
        length: u64,
    },
    /// Shorter or longer than it says.
    #[error("a compiled lexicon of {length} bytes that must have {stated}")]
    Length {
        /// What the header says.
        stated: u64,
        /// What is there.
        length: u64,
    },
    /// A checksum or a place is wrong.
    #[error("a compiled lexicon whose part `{section}` is damaged")]
    Damaged {
        /// Which part.
        section: &'static str,
    },
}

/// A compiled word list.
#[derive(Clone)]
pub struct Index {
    bytes: Bytes,
    header: Header,
}

/// What an index is made of: `sluice lexicon inspect`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Distinct folded words.
    pub words: u64,
    /// Units of the longest.
    pub longest: u32,
    /// Bytes of the file.
    pub bytes: u64,
    /// Names and bytes of its sections.
    pub sections: Vec<(&'static str, u64)>,
}

impl Index {
    /// Reads the header and checks every bound; the parts' checksums are [`Index::verify`]'s work.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn open(bytes: Bytes) -> Result<Self, IndexError> {
        let header = Header::read((*bytes.0).as_ref())?;
        let index = Self { bytes, header };
        let view = index.view()?;
        for section in [Section::Beyond, Section::Others, Section::Expansions] {
            view.pairs(section)?;
        }
        view.expanded()?;
        Ok(index)
    }

    /// Compares every section with its checksum: reads the whole file.
    ///
    /// # Errors
    /// [`IndexError::Damaged`], naming the first bad section.
    pub fn verify(&self) -> Result<(), IndexError> {
        let wrong = Section::ALL
            .into_iter()
            .find(|section| format::checksum(&[self.section(*section)]) != self.header.place(*section).crc);
        wrong.map_or(Ok(()), |section| Err(IndexError::Damaged { section: section.name() }))
    }

    /// Does it take characters as they are? Such an index is for measurements.
    pub fn is_unfolded(&self) -> bool {
        self.header.flags & format::UNFOLDED != 0
    }

    /// The bytes that the builder was given to keep.
    pub fn meta(&self) -> &[u8] {
        self.section(Section::Meta)
    }

    /// What it is made of.
    pub fn shape(&self) -> Shape {
        let length = |section: Section| self.header.place(section).length as u64;
        Shape {
            words: self.header.words,
            longest: self.header.longest,
            bytes: (*self.bytes.0).as_ref().len() as u64,
            sections: Section::ALL.map(|section| (section.name(), length(section))).to_vec(),
        }
    }

    /// The sections, ready for matching. Cheap: no byte is copied.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] when a section has an impossible length; not after [`Index::open`] succeeded.
    pub fn view(&self) -> Result<View<'_>, IndexError> {
        // Asked for once: it is a call that the compiler can not see through.
        let file = (*self.bytes.0).as_ref();
        let part = |section| self.header.place(section).of(file);
        let filter = <[U32]>::ref_from_bytes(part(Section::Filter)).map_err(|_| damaged(Section::Filter))?;
        if !filter.len().is_power_of_two() || filter.len() > 1 << 27 {
            return Err(damaged(Section::Filter));
        }
        Ok(View {
            codes: <[U16; 1 << 16]>::ref_from_bytes(part(Section::Codes))
                .map_err(|_| damaged(Section::Codes))?,
            filter,
            bigrams: <[Line]>::ref_from_bytes(part(Section::Bigrams))
                .map_err(|_| damaged(Section::Bigrams))?,
            pool: part(Section::Pool),
            file,
            header: &self.header,
        })
    }

    fn section(&self, section: Section) -> &[u8] {
        self.header.place(section).of((*self.bytes.0).as_ref())
    }
}

fn damaged(section: Section) -> IndexError {
    IndexError::Damaged { section: section.name() }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Index({} words)", self.header.words)
    }
}

/// A line of the table of first two codes.
type Line = [[U32; 4]; format::line::ENTRIES];

/// The sections of an index: at hand what every text needs, the others by their places.
#[derive(Clone, Copy)]
pub struct View<'a> {
    codes: &'a [U16; 1 << 16],
    filter: &'a [U32],
    bigrams: &'a [Line],
    pool: &'a [u8],
    file: &'a [u8],
    header: &'a Header,
}

impl<'a> View<'a> {
    /// A section of pairs.
    fn pairs(&self, section: Section) -> Result<&'a [[U32; 2]], IndexError> {
        <[[U32; 2]]>::ref_from_bytes(self.header.place(section).of(self.file)).map_err(|_| damaged(section))
    }

    /// What characters that fold to several become.
    fn expanded(&self) -> Result<&'a [U16], IndexError> {
        let section = self.header.place(Section::Expanded).of(self.file);
        <[U16]>::ref_from_bytes(section).map_err(|_| damaged(Section::Expanded))
    }
}

#[cfg(test)]
mod tests;
