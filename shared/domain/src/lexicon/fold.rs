//! Folding: one pass over a text gives what is matched, with the way back to the original.
//!
//! Per character: compatibility decomposition (full width, circled and stylistic forms), lower case, simplified Chinese,
//! Chinese digits → `0`–`9`, plus signs → `加`. Invisible characters and combining marks vanish; spaces, punctuation, symbols
//! and emoji are skipped but counted, so that a match can not stretch over half a text.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::traditional::simplified;

/// One character that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    /// Folded.
    pub(super) char: char,
    /// Its first byte in the folded text.
    pub(super) folded: usize,
    /// Its place in the original, in characters. Several units of one expanded character (`⑩`) share it.
    pub(super) at: usize,
    /// Its place in the original, in bytes.
    pub(super) bytes: (usize, usize),
    /// How many characters were skipped since the unit before.
    pub(super) gap: usize,
}

impl Unit {
    pub(super) fn is_id(self) -> bool {
        self.char.is_ascii_alphanumeric()
    }

    pub(super) fn is_digit(self) -> bool {
        self.char.is_ascii_digit()
    }

    pub(super) fn is_letter(self) -> bool {
        self.char.is_ascii_alphabetic()
    }
}

/// A folded text.
#[derive(Debug, Clone, Default)]
pub(super) struct Folded {
    /// The units as text.
    pub(super) text: String,
    /// The units.
    pub(super) units: Vec<Unit>,
}

/// Folds a text: linear, because one character expands to 18 at most (Unicode, NFKD of U+FDFA).
pub(super) fn fold(original: &str) -> Folded {
    let mut folded =
        Folded { text: String::with_capacity(original.len()), units: Vec::with_capacity(original.len() / 2) };
    let mut gap = 0;
    for (at, (byte, char)) in original.char_indices().enumerate() {
        let place = Place { at, bytes: (byte, byte + char.len_utf8()) };
        if char.is_ascii() || is_plain_han(char) {
            folded.push(char, place, &mut gap);
            continue;
        }
        if is_invisible(char) || is_combining_mark(char) {
            continue;
        }
        let before = folded.units.len();
        for part in std::iter::once(char).nfkd().filter(|part| !is_combining_mark(*part)) {
            // A part that does not count (`⑴` is `(1)`) makes no gap of its own.
            let mut inside = 0;
            let gap = if folded.units.len() == before { &mut gap } else { &mut inside };
            for low in part.to_lowercase().filter(|low| counts(*low)) {
                folded.push(low, place, gap);
            }
        }
        if folded.units.len() == before {
            folded.skip(char, place, &mut gap);
        }
    }
    folded
}

#[derive(Clone, Copy)]
struct Place {
    at: usize,
    bytes: (usize, usize),
}

impl Folded {
    fn push(&mut self, char: char, place: Place, gap: &mut usize) {
        let char = digit(simplified(char.to_ascii_lowercase()));
        if char == '+' {
            return self.put('加', place, gap);
        }
        if !counts(char) {
            *gap = gap.saturating_add(1);
            return;
        }
        self.put(char, place, gap);
    }

    fn put(&mut self, char: char, place: Place, gap: &mut usize) {
        let unit = Unit { char, folded: self.text.len(), at: place.at, bytes: place.bytes, gap: *gap };
        self.units.push(unit);
        self.text.push(char);
        *gap = 0;
    }

    /// A character of which nothing counts: a plus in disguise, or a gap.
    fn skip(&mut self, char: char, place: Place, gap: &mut usize) {
        if matches!(char, '➕' | '＋' | '﹢' | '⁺' | '₊' | '✚' | '✛') {
            self.put('加', place, gap);
        } else {
            *gap = gap.saturating_add(1);
        }
    }
}

/// CJK ideographs have no decomposition and no case.
fn is_plain_han(char: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&char)
}

fn counts(char: char) -> bool {
    char.is_alphanumeric()
}

/// Zero-width and formatting characters, soft hyphen, variation selectors, tags.
fn is_invisible(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// Chinese digits, plain and formal, as digits. `十百千万` stay: they are no digits of a number that is read out.
fn digit(char: char) -> char {
    match char {
        '〇' | '零' | '⓿' => '0',
        '一' | '壹' | '幺' => '1',
        '二' | '贰' | '貳' => '2',
        '三' | '叁' | '參' => '3',
        '四' | '肆' => '4',
        '五' | '伍' => '5',
        '六' | '陆' | '陸' => '6',
        '七' | '柒' => '7',
        '八' | '捌' => '8',
        '九' | '玖' => '9',
        // Negative circled, dingbat and double circled digits and letters have no decomposition in Unicode.
        '❶'..='❾' => counted(char, '❶', '1'),
        '➀'..='➈' => counted(char, '➀', '1'),
        '➊'..='➒' => counted(char, '➊', '1'),
        '⓵'..='⓽' => counted(char, '⓵', '1'),
        '🅐'..='🅩' => counted(char, '🅐', 'a'),
        '🅰'..='🆉' => counted(char, '🅰', 'a'),
        other => other,
    }
}

/// The character as far from `to` as `char` is from `from`.
fn counted(char: char, from: char, to: char) -> char {
    let far = u32::from(char).saturating_sub(u32::from(from));
    char::from_u32(u32::from(to).saturating_add(far)).unwrap_or(char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_fold_to_the_plain_text() {
        for (disguised, plain) in [
            ("ＶＸ", "vx"),
            ("Ⓥ信", "v信"),
            ("𝐯𝐱", "vx"),
            ("①⑴⒈❶㊀", "11111"),
            ("壹三８", "138"),
            ("加\u{200b}微\u{fe0f}信", "加微信"),
            ("薇❤️信", "薇信"),
            ("微.信 号", "微信号"),
            ("＋v➕v+v", "加v加v加v"),
            ("電話號碼", "电话号码"),
            ("e\u{301}é", "ee"),
            ("⑩", "10"),
            ("", ""),
        ] {
            assert_eq!(fold(disguised).text, plain, "{disguised}");
        }
    }

    #[test]
    fn every_unit_knows_its_place_in_the_original() {
        let original = "a·微 ⑩\u{200b}b";
        for unit in fold(original).units {
            let slice = original.get(unit.bytes.0..unit.bytes.1).unwrap();
            assert_eq!(original.chars().nth(unit.at).map(String::from).as_deref(), Some(slice));
        }
    }
}
