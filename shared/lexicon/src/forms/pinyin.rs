//! The commonest reading of a character, without its tone.
//!
//! The table is generated (`cargo xtask lexicon-tables`) and read in place: magic `SLPINY1\0` · for each character from U+4E00 to U+9FFF the
//! number of its syllable, from 1, or 0, u16 little-endian · syllables, six letters each, filled with spaces.

use zerocopy::FromBytes as _;
use zerocopy::little_endian::U16;

const TABLE: &[u8] = include_bytes!("../../data/pinyin.bin");
const MAGIC: &[u8] = b"SLPINY1\0";
const FIRST: char = '\u{4e00}';
const CHARACTERS: usize = 0x9FFF - 0x4E00 + 1;
/// 装 is `zhuang`, and none is longer.
const LETTERS: usize = 6;

pub(super) fn of(char: char) -> Option<&'static str> {
    let (characters, syllables) =
        <[U16]>::ref_from_prefix_with_elems(TABLE.strip_prefix(MAGIC)?, CHARACTERS).ok()?;
    let place = u32::from(char).checked_sub(u32::from(FIRST))?;
    let number = characters.get(usize::try_from(place).ok()?)?.get().checked_sub(1)?;
    let start = usize::from(number) * LETTERS;
    let syllable = std::str::from_utf8(syllables.get(start..start + LETTERS)?).ok()?;
    Some(syllable.trim_ascii_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_knows_the_characters() {
        for (char, reading) in [('微', "wei"), ('信', "xin"), ('装', "zhuang"), ('绿', "lv"), ('啊', "a")]
        {
            assert_eq!(of(char), Some(reading), "{char}");
        }
        for char in ['a', '\u{4dff}', '\u{a000}', '𠮷'] {
            assert_eq!(of(char), None, "{char}");
        }
        let read = ('\u{4e00}'..='\u{9fff}').filter_map(of);
        let mut known = 0;
        for reading in read {
            assert!(
                reading.bytes().all(|byte| byte.is_ascii_lowercase()) && !reading.is_empty(),
                "{reading}"
            );
            known += 1;
        }
        assert!(known > 20_000, "{known}");
    }
}
