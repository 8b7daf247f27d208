//! Word lists, compiled: which words of which category a text holds, and where.
//!
//! A text is folded once (see `fold`: width, case, digits, invisible and interposed characters) and matched by one
//! Aho-Corasick automaton; detectors for telephone numbers and contact diversion read the same folded text. Every hit is
//! reported in characters of the *original*, so that evidence shows what the person really wrote.
//!
//! The cost is linear in the text times the number of listed words that end at one place, which is at most the longest word.

mod contact;
mod error;
mod fold;
mod list;
mod matcher;
mod phone;
mod traditional;

pub use error::LexiconError;
pub use list::{Severity, WordList};
pub use matcher::Lexicon;

/// The category of telephone numbers; a detector's, not a list's.
pub const PHONE_NUMBER: &str = "phone_number";

/// What a scan found, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// The hits. Two of one category never overlap: the leftmost, then the longest, is kept.
    pub hits: Vec<Hit>,
}

/// One hit.
#[derive(Clone, PartialEq, Eq)]
pub struct Hit {
    /// The category of the list, or [`PHONE_NUMBER`].
    pub category: String,
    /// First character (Unicode scalar value) in the original text.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// The original characters, with everything interposed. It may be personal: never log it.
    pub matched: String,
    /// How grave.
    pub severity: Severity,
}

/// Without the matched text, which may be personal.
impl std::fmt::Debug for Hit {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Hit({} {}..{} {:?})", self.category, self.start, self.end, self.severity)
    }
}

#[cfg(test)]
mod tests;
