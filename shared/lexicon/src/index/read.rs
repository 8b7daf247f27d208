//! Reading a text: folded into units in one pass, and these looked up in the filter in another. Both without a branch on what a character is:
//! whether it counts and whether a pair passes can not be foretold.

use zerocopy::little_endian::U32;

use super::View;
use super::format::{self, Section, code};
use super::units::Unit;

/// How far a text is folded.
#[derive(Clone, Copy, Default)]
struct Read {
    /// Bytes of the text.
    at: usize,
    /// Units.
    count: usize,
}

impl Read {
    /// One more character. It stays in its place for good only if it counts.
    #[inline]
    fn take(&mut self, at: usize, code: u16, units: &mut [Unit]) {
        self.take_if(true, at, code, units);
    }

    /// As [`Read::take`]; but no character at all if `is` says so.
    #[inline]
    fn take_if(&mut self, is: bool, at: usize, code: u16, units: &mut [Unit]) {
        if let Some(slot) = units.get_mut(self.count) {
            *slot = Unit { at: at as u32, code };
        }
        self.count += usize::from(is) & usize::from(code >= code::OTHER);
    }
}

/// How far units are filtered.
struct Filtered<'a> {
    filter: &'a [U32],
    places: &'a mut [u32],
    passed: usize,
    before: u16,
}

impl Filtered<'_> {
    /// One more pair: that of `before` at `start` and its neighbour.
    #[inline]
    fn take(&mut self, start: u32, code: u16) {
        let hash = format::hash(format::bigram(self.before, code));
        let mask = self.filter.len().wrapping_sub(1);
        let word = self.filter.get((hash >> 5) as usize & mask).map_or(0, |word| word.get());
        if let Some(slot) = self.places.get_mut(self.passed) {
            *slot = start;
        }
        self.passed += (word >> (hash & 31) & 1) as usize;
        self.before = code;
    }
}

/// Where a run stopped.
enum Stop {
    /// At the end of the text.
    End,
    /// At a character that expands.
    Expand,
}

impl View<'_> {
    /// The code of a character; of one that expands, that of expanding.
    #[inline]
    pub fn code(&self, char: char) -> u16 {
        match u16::try_from(u32::from(char)) {
            Ok(low) => self.low(low),
            Err(_) => self.beyond_plane(u32::from(char)),
        }
    }

    /// The code of a character of the basic plane.
    #[inline]
    fn low(&self, char: u16) -> u16 {
        self.codes.get(usize::from(char)).map_or(code::GAP, |code| code.get())
    }

    /// Folds a text; gives the number of units, which are the first of `units`. Texts beyond 4 GiB are cut.
    pub(super) fn fold(&self, text: &str, units: &mut Vec<Unit>) -> usize {
        let text = text.get(..text.floor_char_boundary(u32::MAX as usize)).unwrap_or_default();
        let mut read = Read::default();
        loop {
            // A unit a byte.
            let room = read.count + text.len() - read.at;
            if units.len() < room {
                units.resize(room, Unit::default());
            }
            let stop;
            (read, stop) = self.run(text, read, units);
            match stop {
                Stop::End => return read.count,
                Stop::Expand => read = self.expand(text, read, units),
            }
        }
    }

    /// Up to the next character that expands.
    fn run(&self, text: &str, mut read: Read, units: &mut [Unit]) -> (Read, Stop) {
        let bytes = text.as_bytes();
        loop {
            // Nearly all of a Chinese text are characters of three bytes: four at once.
            while let Some(group) = bytes.get(read.at..).and_then(|rest| rest.first_chunk::<12>()) {
                let (chars, three) = four(group);
                let codes = chars.map(|char| self.low(char));
                if codes.contains(&code::EXPAND) {
                    break;
                }
                if three < codes.len() {
                    // Only so many are: the others are written, too, which costs less than to tell, and do not count.
                    for (nth, code) in (0..).zip(codes) {
                        read.take_if(nth < three, read.at + 3 * nth, code, units);
                    }
                    read.at += 3 * three;
                    break;
                }
                for (at, code) in (read.at..).step_by(3).zip(codes) {
                    read.take(at, code, units);
                }
                read.at += group.len();
            }
            while let Some([ascii @ ..0x80, ..]) = bytes.get(read.at..) {
                // None of them expands.
                read.take(read.at, self.low(u16::from(*ascii)), units);
                read.at += 1;
            }
            let (code, width) = match bytes.get(read.at..) {
                Some([first, second, third, ..]) if first & 0xF0 == 0xE0 => {
                    (self.low(three([*first, *second, *third])), 3)
                }
                _ => match text.get(read.at..).and_then(|rest| rest.chars().next()) {
                    Some(char) => (self.code(char), char.len_utf8()),
                    None => return (read, Stop::End),
                },
            };
            if code == code::EXPAND {
                return (read, Stop::Expand);
            }
            read.take(read.at, code, units);
            read.at += width;
        }
    }

    #[cold]
    fn expand(&self, text: &str, mut read: Read, units: &mut Vec<Unit>) -> Read {
        let Some(char) = text.get(read.at..).and_then(|rest| rest.chars().next()) else { return read };
        let expansions = self.pairs(Section::Expansions).unwrap_or_default();
        let found = expansions.binary_search_by_key(&u32::from(char), |[char, _]| char.get());
        let place = found.ok().and_then(|found| expansions.get(found)).map_or(0, |[_, place]| place.get());
        let start = (place >> 8) as usize;
        let codes = self.expanded().unwrap_or_default();
        let codes = codes.get(start..start + usize::from(place.to_le_bytes()[0])).unwrap_or_default();
        units.resize(units.len().max(read.count + codes.len()), Unit::default());
        for code in codes {
            read.take(read.at, code.get(), units);
        }
        read.at += char.len_utf8();
        read
    }

    /// The units that may begin a word, by the filter; gives their number, which are the first of `places`.
    pub(super) fn filter(&self, units: &[Unit], places: &mut Vec<u32>) -> usize {
        if places.len() < units.len() {
            places.resize(units.len(), 0);
        }
        let Some((first, seconds)) = units.split_first() else { return 0 };
        let mut filtered = Filtered { filter: self.filter, places, passed: 0, before: first.code };
        let (groups, rest) = seconds.as_chunks::<4>();
        let mut start = 0;
        for group in groups {
            for (nth, unit) in (0..).zip(group) {
                filtered.take(start + nth, unit.code);
            }
            start += 4;
        }
        for (nth, unit) in (0..).zip(rest) {
            filtered.take(start + nth, unit.code);
        }
        filtered.passed
    }

    fn beyond_plane(&self, char: u32) -> u16 {
        // Emoji: most of what is beyond the basic plane, and never in a word.
        if matches!(char, 0x1F300..0x1F700 | 0x1F900..0x1FB00) {
            return code::GAP;
        }
        let beyond = self.pairs(Section::Beyond).unwrap_or_default();
        if let Ok(found) = beyond.binary_search_by_key(&char, |[char, _]| char.get()) {
            let code = beyond.get(found).map_or(0, |[_, code]| code.get());
            return u16::try_from(code).unwrap_or(code::OTHER);
        }
        let others = self.pairs(Section::Others).unwrap_or_default();
        let after = others.partition_point(|[first, _]| first.get() <= char);
        let inside =
            after.checked_sub(1).and_then(|at| others.get(at)).is_some_and(|[_, last]| char <= last.get());
        if inside { code::OTHER } else { code::GAP }
    }
}

/// Twelve bytes as characters of three, and how many of them, from the first on, are such. The lead bytes say enough: the bytes are those of a `str`.
#[inline]
#[expect(
    clippy::many_single_char_names,
    reason = "twelve bytes by their places; as arrays in an array they cost a seventh more"
)]
fn four(bytes: &[u8; 12]) -> ([u16; 4], usize) {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *bytes;
    let others = (u32::from_le_bytes([a, d, g, j]) & 0xF0F0_F0F0) ^ 0xE0E0_E0E0;
    let chars = [three([a, b, c]), three([d, e, f]), three([g, h, i]), three([j, k, l])];
    (chars, (others.trailing_zeros() / 8) as usize)
}

/// The character of three bytes. Their marks are taken off as a sum, which is one operation less for each.
#[inline]
fn three([lead, second, third]: [u8; 3]) -> u16 {
    let sum = (u32::from(lead) << 12) + (u32::from(second) << 6) + u32::from(third);
    sum.wrapping_sub(0xE_2080) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_bytes_are_the_character_that_they_encode() {
        for char in ('\u{800}'..='\u{ffff}').filter(|char| char.len_utf8() == 3) {
            let mut bytes = [0; 12];
            for at in [0, 3, 6, 9] {
                char.encode_utf8(&mut bytes[at..]);
            }
            let code = u16::try_from(u32::from(char)).unwrap();
            assert_eq!(four(&bytes), ([code; 4], 4));
        }
        for (text, three) in
            [("abcabcabcabc", 0), ("微信é12微信", 2), ("𝐀微信a微", 0), ("微信好a微", 3), ("微𝐀信a微", 1)]
        {
            assert_eq!(four(text.as_bytes().first_chunk().unwrap()).1, three, "{text}");
        }
    }
}
