//! A text as units: the folded characters that count, as codes, each with its place in the original.

use super::View;
use super::format::code;

/// One folded character. Several may share a place: `⑩` is `1` and `0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unit {
    /// The first byte of the original character.
    pub at: u32,
    /// Its code in the index.
    pub(super) code: u16,
}

impl Unit {
    /// Is it `0` to `9`?
    pub fn is_digit(self) -> bool {
        (code::DIGITS..code::LETTERS).contains(&self.code)
    }

    /// Is it `a` to `z`?
    pub fn is_letter(self) -> bool {
        (code::LETTERS..code::FIRST).contains(&self.code)
    }

    /// Is it a Latin letter or a digit?
    pub fn is_id(self) -> bool {
        (code::DIGITS..code::FIRST).contains(&self.code)
    }

    /// The digit or letter, if it is one.
    pub fn ascii(self) -> Option<u8> {
        let low = self.code.to_le_bytes()[0];
        match self.code {
            code::DIGITS..code::LETTERS => Some(b'0' + (low - 4)),
            code::LETTERS..code::FIRST => Some(b'a' + (low - 14)),
            _ => None,
        }
    }

    /// Is the other one the same, and no digit?
    pub fn repeats(self, other: Self) -> bool {
        self.code == other.code && self.code >= code::LETTERS
    }
}

/// A folded text.
#[derive(Clone, Copy)]
pub struct Units<'a> {
    text: &'a str,
    all: &'a [Unit],
    view: View<'a>,
}

impl<'a> Units<'a> {
    pub(super) fn new(text: &'a str, units: &'a [Unit], view: View<'a>) -> Self {
        Self { text, all: units, view }
    }

    /// The units.
    pub fn all(&self) -> &'a [Unit] {
        self.all
    }

    /// One unit.
    pub fn get(&self, at: usize) -> Option<Unit> {
        self.all.get(at).copied()
    }

    /// How many characters were skipped since the unit before; those that nobody sees do not count.
    pub fn gap(&self, at: usize) -> usize {
        let Some(end) = self.all.get(at).map(|unit| unit.at as usize) else { return 0 };
        let start = match at.checked_sub(1).and_then(|before| self.all.get(before)) {
            Some(before) if before.at as usize == end => return 0,
            Some(before) => before.at as usize + self.width(before.at as usize),
            None => 0,
        };
        let skipped = self.text.get(start..end).unwrap_or_default();
        skipped.chars().filter(|char| self.view.code(*char) == code::GAP).count()
    }

    /// The first character that was skipped since the unit before and is seen.
    pub fn skipped(&self, at: usize) -> Option<char> {
        let end = self.all.get(at)?.at as usize;
        let before = self.all.get(at.checked_sub(1)?)?.at as usize;
        if before == end {
            return None;
        }
        let skipped = self.text.get(before + self.width(before)..end)?;
        skipped.chars().find(|char| self.view.code(*char) == code::GAP)
    }

    /// The folded character of a unit; `None` for one of an expanded character.
    pub fn char(&self, at: usize) -> Option<char> {
        let unit = self.all.get(at)?;
        if let Some(ascii) = unit.ascii() {
            return Some(char::from(ascii));
        }
        let original = self.text.get(unit.at as usize..)?.chars().next()?;
        match crate::fold::fold(original) {
            crate::fold::Folded::One(char) => Some(char),
            _ => None,
        }
    }

    /// The original bytes of the units `start..end`, with all that is interposed.
    pub fn bytes(&self, start: usize, end: usize) -> Option<std::ops::Range<usize>> {
        let first = self.all.get(start)?.at as usize;
        let last = self.all.get(end.checked_sub(1)?)?.at as usize;
        Some(first..last + self.width(last))
    }

    /// Bytes of the character that begins here.
    fn width(&self, at: usize) -> usize {
        self.text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
    }
}
