//! Mobile numbers of mainland China in running text.
//!
//! The shape is `1[3-9]` and nine digits. Number plans of libraries are not used to refuse one: they lag behind the ministry's
//! assignments (140, 144, 149, 154, 179 and 194 are missing in widespread data), and a missed number is the graver mistake here.

use crate::index::{Unit, Units};

const LENGTH: usize = 11;
/// `138-0000 / 1234`: so many characters may be skipped between two groups of digits.
const WIDEST_GAP: usize = 3;
/// `+86`, `0086`: these may be written before the number without a space.
const PREFIXES: [&str; 2] = ["86", "0086"];

/// The mobile numbers among the units, as ranges of units, left to right without overlap.
///
/// A number begins where a group of digits begins (or after a country code) and ends where one ends, so that eleven digits out
/// of an order number are no telephone number.
pub(super) fn find(units: &Units<'_>) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < units.all().len() {
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
fn begins_group(units: &Units<'_>, at: usize) -> bool {
    if !units.get(at).is_some_and(Unit::is_digit) {
        return false;
    }
    let before = at.checked_sub(1).and_then(|before| units.get(before));
    before.is_none_or(|before| !before.is_digit()) || units.gap(at) > 0
}

/// The end of the number that begins here, its country code included.
fn number_at(units: &Units<'_>, at: usize) -> Option<usize> {
    let coded = PREFIXES.iter().filter(|prefix| {
        prefix.bytes().zip(at..).all(|(digit, here)| {
            let same = units.get(here).and_then(Unit::ascii) == Some(digit);
            same && (here == at || units.gap(here) == 0)
        })
    });
    std::iter::once(0)
        .chain(coded.map(|prefix| prefix.len()))
        .find_map(|code| plain_number_at(units, at.saturating_add(code)))
}

fn plain_number_at(units: &Units<'_>, at: usize) -> Option<usize> {
    let end = at.checked_add(LENGTH)?;
    let digits = units.all().get(at..end)?;
    let digit = |index: usize| digits.get(index).and_then(|unit| unit.ascii());
    let shaped = digit(0) == Some(b'1')
        && matches!(digit(1), Some(b'3'..=b'9'))
        && digits.iter().all(|unit| unit.is_digit());
    let joined = || (at + 1..end).all(|here| units.gap(here) <= WIDEST_GAP);
    let ends = || units.get(end).is_none_or(|next| !next.is_digit() || units.gap(end) > 0);
    (shaped && joined() && ends()).then_some(end)
}
