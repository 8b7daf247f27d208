//! Mobile numbers of mainland China in running text.
//!
//! The shape is `1[3-9]` and nine digits. Number plans of libraries are not used to refuse one: they lag behind the ministry's
//! assignments (140, 144, 149, 154, 179 and 194 are missing in widespread data), and a missed number is the graver mistake here.

use super::fold::Unit;

const LENGTH: usize = 11;
/// `138-0000 / 1234`: so many characters may be skipped between two groups of digits.
const WIDEST_GAP: usize = 3;
/// `+86`, `0086`: these may be written before the number without a space.
const PREFIXES: [&str; 2] = ["86", "0086"];

/// The mobile numbers among the units, as ranges of units, left to right without overlap.
///
/// A number begins where a group of digits begins (or after a country code) and ends where one ends, so that eleven digits out
/// of an order number are no telephone number.
pub(super) fn find(units: &[Unit]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < units.len() {
        let Some(end) = begins_group(units, at).then(|| number_at(units, at)).flatten() else {
            at = at.saturating_add(1);
            continue;
        };
        found.push((at, end));
        at = end;
    }
    found
}

/// Does a group of digits begin here? A group is written without a gap.
fn begins_group(units: &[Unit], at: usize) -> bool {
    let Some(unit) = units.get(at).filter(|unit| unit.is_digit()) else { return false };
    let before = at.checked_sub(1).and_then(|before| units.get(before));
    unit.gap > 0 || before.is_none_or(|before| !before.is_digit())
}

/// The end of the number that begins here, its country code included.
fn number_at(units: &[Unit], at: usize) -> Option<usize> {
    let coded = PREFIXES.iter().filter(|prefix| {
        prefix.chars().enumerate().all(|(index, digit)| {
            units
                .get(at.saturating_add(index))
                .is_some_and(|unit| unit.char == digit && (index == 0 || unit.gap == 0))
        })
    });
    std::iter::once(0)
        .chain(coded.map(|prefix| prefix.len()))
        .find_map(|code| plain_number_at(units, at.saturating_add(code)))
}

fn plain_number_at(units: &[Unit], at: usize) -> Option<usize> {
    let end = at.checked_add(LENGTH)?;
    let digits = units.get(at..end)?;
    let joined = digits.iter().skip(1).all(|unit| unit.gap <= WIDEST_GAP);
    let shaped = digits.iter().all(|unit| unit.is_digit())
        && matches!(digits.first()?.char, '1')
        && matches!(digits.get(1)?.char, '3'..='9');
    let ends = units.get(end).is_none_or(|next| !next.is_digit() || next.gap > 0);
    (joined && shaped && ends).then_some(end)
}
