//! Which character has which code.

use std::collections::HashMap;

use super::format::code;
use crate::fold::{self, Folded};

/// Gives characters numbers as they come, counts them, and in the end gives the commonest the lowest codes.
pub(super) struct Numbers {
    folding: bool,
    plane: Vec<u16>,
    beyond: HashMap<char, u16>,
    chars: Vec<char>,
    counts: Vec<u32>,
}

impl Numbers {
    pub(super) fn new(folding: bool) -> Self {
        let mut numbers = Self {
            folding,
            plane: vec![0; 1 << 16],
            beyond: HashMap::new(),
            chars: vec!['\0'; usize::from(code::DIGITS)],
            counts: vec![0; usize::from(code::DIGITS)],
        };
        // Digits and letters first: their numbers are their codes.
        for char in ('0'..='9').chain('a'..='z') {
            numbers.number(char);
        }
        numbers
    }

    /// The numbers of a word's folded characters, appended. `None`: there are too many characters.
    pub(super) fn word(&mut self, word: &str, out: &mut Vec<u16>) -> Option<()> {
        for char in word.chars() {
            match self.fold(char) {
                Folded::Gap | Folded::Dropped => {}
                Folded::One(char) => out.push(self.number(char)?),
                Folded::Many(chars) => {
                    for char in chars.iter().filter_map(|char| char::from_u32(char.get())) {
                        out.push(self.number(char)?);
                    }
                }
            }
        }
        Some(())
    }

    fn fold(&self, char: char) -> Folded {
        if self.folding { fold::fold(char) } else { Folded::One(char) }
    }

    fn number(&mut self, char: char) -> Option<u16> {
        let known = match u16::try_from(u32::from(char)) {
            Ok(low) => self.plane.get_mut(usize::from(low))?,
            Err(_) => self.beyond.entry(char).or_insert(0),
        };
        if *known == 0 {
            *known = u16::try_from(self.chars.len()).ok()?;
            self.chars.push(char);
            self.counts.push(0);
        }
        let number = *known;
        if let Some(count) = self.counts.get_mut(usize::from(number)) {
            *count = count.saturating_add(1);
        }
        Some(number)
    }

    /// The code of each number.
    pub(super) fn codes(&self) -> Vec<u16> {
        let mut order: Vec<usize> = (usize::from(code::FIRST)..self.chars.len()).collect();
        order.sort_by_key(|number| std::cmp::Reverse(self.counts.get(*number).copied().unwrap_or(0)));
        let mut codes: Vec<u16> = (0..code::FIRST).collect();
        codes.resize(self.chars.len(), 0);
        for (number, code) in order.into_iter().zip(code::FIRST..) {
            if let Some(slot) = codes.get_mut(number) {
                *slot = code;
            }
        }
        codes
    }

    /// The sections `codes`, `beyond`, `others`, `expansions`, `expanded`.
    pub(super) fn sections(&self, codes: &[u16]) -> [Vec<u8>; 5] {
        let code_of = |char: char| {
            let number = match u16::try_from(u32::from(char)) {
                Ok(low) => self.plane.get(usize::from(low)),
                Err(_) => self.beyond.get(&char),
            };
            let number = number.copied().filter(|number| *number > 0);
            number.and_then(|number| codes.get(usize::from(number)).copied()).unwrap_or(code::OTHER)
        };
        let value = |char: char| match self.fold(char) {
            Folded::Gap => code::GAP,
            Folded::Dropped => code::DROPPED,
            Folded::One(char) => code_of(char),
            Folded::Many(_) => code::EXPAND,
        };
        let plane = (0..=0xFFFF_u32).map(|low| char::from_u32(low).map_or(code::GAP, value));
        let plane = plane.flat_map(u16::to_le_bytes).collect();
        let [beyond, others] = self.beyond_plane(value);
        let [expansions, expanded] = self.expansions(code_of);
        [plane, beyond, others, expansions, expanded]
    }

    fn beyond_plane(&self, value: impl Fn(char) -> u16) -> [Vec<u8>; 2] {
        let (known, others) = fold::beyond_basic_plane();
        let mut chars: Vec<char> = self.beyond.keys().copied().collect();
        let others: Vec<(u32, u32)> =
            if self.folding { others.collect() } else { vec![(0x1_0000, u32::from(char::MAX))] };
        if self.folding {
            chars.extend(known);
        }
        chars.sort_unstable();
        chars.dedup();
        let pairs = chars.into_iter().flat_map(|char| [u32::from(char), u32::from(value(char))]);
        let ranges = others.into_iter().flat_map(|(first, last)| [first, last]);
        [pairs.flat_map(u32::to_le_bytes).collect(), ranges.flat_map(u32::to_le_bytes).collect()]
    }

    fn expansions(&self, code_of: impl Fn(char) -> u16) -> [Vec<u8>; 2] {
        let (mut table, mut expanded) = (Vec::new(), Vec::<u8>::new());
        for char in fold::expanding().filter(|_| self.folding) {
            let Folded::Many(parts) = fold::fold(char) else { continue };
            let place = (expanded.len() as u32 / 2) << 8 | parts.len() as u32;
            table.extend(u32::from(char).to_le_bytes().into_iter().chain(place.to_le_bytes()));
            let parts = parts.iter().filter_map(|part| char::from_u32(part.get()));
            expanded.extend(parts.flat_map(|part| code_of(part).to_le_bytes()));
        }
        [table, expanded]
    }

    /// The code of a character that words have.
    pub(super) fn folds(&self) -> bool {
        self.folding
    }
}
