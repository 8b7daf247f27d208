//! Folding, per character: what of a character is matched.
//!
//! Compatibility forms (full width, circled and stylistic letters) become plain, letters lower case and without marks, traditional
//! characters simplified, digits of any script and Chinese ones `0`–`9`, look-alikes of other scripts Latin, plus signs 加. Zero-width
//! characters and combining marks vanish; spaces, punctuation, symbols and emoji are gaps.
//!
//! The table is generated (`cargo xtask lexicon-tables`), little-endian:
//! magic `SLFOLD1\0` · counts (pages, mapped, ranges, expansions, expanded, 0) u32 × 6 · page of each 256 characters, u8 × 256 · pages, u16 × 256
//! each · mapped (character, target) u32 × 2 · ranges (first, last, class) u32 × 3 · expansions (character, start << 8 | length) u32 × 2 ·
//! expanded characters, u32. Page 0 means "itself". Values 0, 1, 2: gap, dropped, expanded; above: the character.

use std::sync::LazyLock;

use zerocopy::FromBytes as _;
use zerocopy::little_endian::{U16, U32};

const TABLE: &[u8] = include_bytes!("../data/fold.bin");
const HEADER: usize = 8 + 6 * 4;
const PAGE: usize = 256;

/// What becomes of one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folded {
    /// It is seen, but not matched: a space, a sign, an emoji.
    Gap,
    /// It is not seen and not matched.
    Dropped,
    /// This is matched.
    One(char),
    /// These are matched: `⑩` is `10`.
    Many(&'static [U32]),
}

/// The parts of the table.
struct Parts {
    page_of: &'static [u8],
    pages: &'static [U16],
    mapped: &'static [[U32; 2]],
    ranges: &'static [[U32; 3]],
    expansions: &'static [[U32; 2]],
    expanded: &'static [U32],
}

static PARTS: LazyLock<Parts> = LazyLock::new(|| parts().unwrap_or(Parts::NONE));

impl Parts {
    /// A table that cannot be read would fold nothing; a test shows that the one that is carried can.
    const NONE: Self =
        Self { page_of: &[], pages: &[], mapped: &[], ranges: &[], expansions: &[], expanded: &[] };
}

fn parts() -> Option<Parts> {
    let (header, rest) = TABLE.split_at_checked(HEADER)?;
    let counts = <[U32]>::ref_from_bytes(header.get(8..)?).ok()?;
    let count = |at: usize| counts.get(at).and_then(|count| usize::try_from(count.get()).ok());
    let (page_of, rest) = rest.split_at_checked(PAGE)?;
    let (pages, rest) = <[U16]>::ref_from_prefix_with_elems(rest, count(0)? * PAGE).ok()?;
    let (mapped, rest) = <[[U32; 2]]>::ref_from_prefix_with_elems(rest, count(1)?).ok()?;
    let (ranges, rest) = <[[U32; 3]]>::ref_from_prefix_with_elems(rest, count(2)?).ok()?;
    let (expansions, rest) = <[[U32; 2]]>::ref_from_prefix_with_elems(rest, count(3)?).ok()?;
    let (expanded, rest) = <[U32]>::ref_from_prefix_with_elems(rest, count(4)?).ok()?;
    rest.is_empty().then_some(Parts { page_of, pages, mapped, ranges, expansions, expanded })
}

/// Folds one character.
pub fn fold(char: char) -> Folded {
    let parts = &*PARTS;
    let code = u32::from(char);
    let value = match u16::try_from(code) {
        Ok(code) => plane(parts, code),
        Err(_) => beyond(parts, code),
    };
    match value {
        0 => Folded::Gap,
        1 => Folded::Dropped,
        2 => many(parts, code).map_or(Folded::Gap, Folded::Many),
        code => char::from_u32(code).map_or(Folded::Gap, Folded::One),
    }
}

/// Every character beyond the basic plane that is matched as another one or dropped, and the ranges of those that are themselves or
/// dropped; all others there are gaps.
pub(crate) fn beyond_basic_plane() -> (impl Iterator<Item = char>, impl Iterator<Item = (u32, u32)>) {
    let parts = &*PARTS;
    let mapped = parts.mapped.iter().filter_map(|[char, _]| char::from_u32(char.get()));
    let itself = parts.ranges.iter().filter(|[_, _, class]| class.get() != 1);
    let dropped = parts.ranges.iter().filter(|[_, _, class]| class.get() == 1);
    let dropped = dropped.flat_map(|[first, last, _]| first.get()..=last.get()).filter_map(char::from_u32);
    (mapped.chain(dropped), itself.map(|[first, last, _]| (first.get(), last.get())))
}

/// Every character that folds to several.
pub(crate) fn expanding() -> impl Iterator<Item = char> {
    PARTS.expansions.iter().filter_map(|[char, _]| char::from_u32(char.get()))
}

fn plane(parts: &Parts, code: u16) -> u32 {
    let [high, low] = code.to_be_bytes();
    match parts.page_of.get(usize::from(high)) {
        Some(0) => u32::from(code),
        Some(page) => {
            let at = (usize::from(*page) - 1) * PAGE + usize::from(low);
            parts.pages.get(at).map_or(0, |value| u32::from(value.get()))
        }
        None => 0,
    }
}

fn beyond(parts: &Parts, code: u32) -> u32 {
    if let Ok(at) = parts.mapped.binary_search_by_key(&code, |[char, _]| char.get()) {
        return parts.mapped.get(at).map_or(0, |[_, target]| target.get());
    }
    let after = parts.ranges.partition_point(|[first, _, _]| first.get() <= code);
    match after.checked_sub(1).and_then(|at| parts.ranges.get(at)) {
        Some([_, last, class]) if last.get() >= code => {
            if class.get() == 1 {
                1
            } else {
                code
            }
        }
        _ => 0,
    }
}

fn many(parts: &'static Parts, code: u32) -> Option<&'static [U32]> {
    let at = parts.expansions.binary_search_by_key(&code, |[char, _]| char.get()).ok()?;
    let place = parts.expansions.get(at)?[1].get();
    let start = usize::try_from(place >> 8).ok()?;
    parts.expanded.get(start..start + usize::from(place.to_le_bytes()[0]))
}

/// The folded text: for people and tests; matching folds in its own pass, see `units`.
pub fn fold_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match fold(char) {
            Folded::Gap | Folded::Dropped => {}
            Folded::One(char) => out.push(char),
            Folded::Many(chars) => out.extend(chars.iter().filter_map(|char| char::from_u32(char.get()))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_fold_to_the_plain_text() {
        for (disguised, plain) in [
            ("ＶＸ", "vx"),
            ("Ⓥ信", "v信"),
            ("𝐯𝐱 𝟏𝟑𝟖", "vx138"),
            ("①⑴⒈❶㊀", "11111"),
            ("壹三８", "138"),
            ("٣۸", "38"),
            ("加\u{200b}微\u{fe0f}信", "加微信"),
            ("薇❤️信", "薇信"),
            ("微.信 号", "微信号"),
            ("＋v➕v+v", "加v加v加v"),
            ("電話號碼聯繫", "电话号码联系"),
            ("e\u{301}é", "ee"),
            ("⑩", "10"),
            ("1️⃣3️⃣", "13"),
            // Cyrillic х, Greek ν, Cyrillic а
            ("νх аbс", "vxabc"),
            ("🅥🆇", "vx"),
            ("ﷺ".get(0..0).unwrap(), ""),
        ] {
            assert_eq!(fold_text(disguised), plain, "{disguised}");
        }
    }

    #[test]
    fn folding_what_is_folded_changes_nothing() {
        for char in '\0'..=char::MAX {
            let once = fold_text(char.encode_utf8(&mut [0; 4]));
            assert_eq!(fold_text(&once), once, "{char:?}");
        }
    }

    #[test]
    fn the_carried_table_is_whole() {
        let parts = parts().unwrap();
        let changed = ('\0'..='\u{ffff}')
            .filter(|char| char.is_alphanumeric() && fold(*char) != Folded::One(*char))
            .count();
        assert!(changed > 5_000 && parts.expansions.len() > 500, "{changed} {}", parts.expansions.len());
    }
}
