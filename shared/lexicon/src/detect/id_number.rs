//! Citizen identification numbers (GB 11643-1999): a province, a date of birth, a check character.
//!
//! The old numbers of fifteen digits are not looked for: they have no check, and too many order numbers look like them.

use crate::index::{Unit, Units};

const LENGTH: usize = 18;
/// `110105 19491231 002X`: so many characters may be skipped between two groups.
const WIDEST_GAP: usize = 3;
const WEIGHTS: [u32; LENGTH - 1] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS: [u8; 11] = *b"10x98765432";

/// The numbers among the units, as ranges, without overlap.
pub(super) fn find(units: &Units<'_>) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(unit) = units.get(at) {
        let end = at + LENGTH;
        if unit.is_digit() && begins(units, at) && is_number(units, at, end) {
            found.push((at, end));
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

fn begins(units: &Units<'_>, at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| units.get(before));
    !before.is_some_and(Unit::is_digit) || units.gap(at) > 0
}

fn is_number(units: &Units<'_>, start: usize, end: usize) -> bool {
    let Some(all) = units.all().get(start..end) else { return false };
    let Some((last, digits)) = all.split_last() else { return false };
    let digits: Vec<u32> = digits
        .iter()
        .filter_map(|unit| unit.ascii())
        .filter(u8::is_ascii_digit)
        .map(|d| u32::from(d - b'0'))
        .collect();
    let Some(last) = last.ascii().filter(|_| digits.len() == LENGTH - 1) else { return false };
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    let number = |from: usize, to: usize| {
        digits.get(from..to).unwrap_or_default().iter().fold(0, |number, digit| number * 10 + digit)
    };
    let joined = || (start + 1..end).all(|at| units.gap(at) <= WIDEST_GAP);
    let ends = || !units.get(end).is_some_and(Unit::is_digit) || units.gap(end) > 0;
    CHECKS.get(sum as usize % 11) == Some(&last)
        && is_province(number(0, 2))
        && is_date(number(6, 10), number(10, 12), number(12, 14))
        && joined()
        && ends()
}

/// GB/T 2260: provinces and what is like them.
fn is_province(code: u32) -> bool {
    matches!(code, 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83)
}

/// A date on which a holder may have been born: the standard's own example is of 1880.
fn is_date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    (1800..2100).contains(&year) && (1..=days).contains(&day)
}
