//! Addresses of web pages, disguised ones too: `shop123点com`, `ｗｗｗ．ｔｂ．ｃｎ`, `xiaohongshu。com`. Only that there is one; which domains are
//! allowed is another question, and the tenant's.

use crate::index::{Unit, Units};

/// Endings that people put into comments. A list of all would find file names and prices.
const ENDINGS: [&str; 24] = [
    "com", "cn", "net", "org", "cc", "top", "xyz", "vip", "shop", "me", "io", "info", "link", "site", "club",
    "tk", "ru", "app", "tv", "la", "im", "biz", "online", "store",
];
const LONGEST_LABEL: usize = 63;
const DOTS: [char; 9] = ['.', '。', '．', '｡', '·', '・', '•', '﹒', '․'];

/// The addresses among the units, as ranges, without overlap.
pub(super) fn find(units: &Units<'_>) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < units.all().len() {
        let length = label(units, at);
        match length.checked_sub(1).and_then(|_| address(units, at, at + length)) {
            Some(end) => {
                found.push((at, end));
                at = end;
            }
            None => at += length.max(1),
        }
    }
    found
}

/// The length of the letters and digits that begin here, joined by nothing or one hyphen.
fn label(units: &Units<'_>, at: usize) -> usize {
    let all = units.all().get(at..).unwrap_or_default();
    let joined = |(here, unit): &(usize, &Unit)| {
        unit.is_id() && (*here == at || units.gap(*here) == 0 || units.skipped(*here) == Some('-'))
    };
    (at..).zip(all).take(LONGEST_LABEL).take_while(joined).count()
}

/// The end of the address whose first label is `start..end`.
fn address(units: &Units<'_>, start: usize, end: usize) -> Option<usize> {
    let (mut named, mut here, mut last) = (letters(units, start, end), end, None);
    for _ in 0..8 {
        let Some(next) = after_dot(units, here) else { break };
        let length = label(units, next);
        if length == 0 {
            break;
        }
        here = next + length;
        if is_ending(units, next, here) && (named || end - start > 2) {
            last = Some(here);
        }
        named |= letters(units, next, here);
    }
    last
}

/// Where the next label begins, if a dot follows: a sign of that shape, or 点 in its place.
fn after_dot(units: &Units<'_>, at: usize) -> Option<usize> {
    if units.skipped(at).is_some_and(|char| DOTS.contains(&char)) {
        return Some(at);
    }
    (units.char(at) == Some('点') && units.gap(at) <= 1 && units.gap(at + 1) <= 1).then_some(at + 1)
}

fn letters(units: &Units<'_>, start: usize, end: usize) -> bool {
    units.all().get(start..end).unwrap_or_default().iter().any(|unit| unit.is_letter())
}

fn is_ending(units: &Units<'_>, start: usize, end: usize) -> bool {
    let all = units.all().get(start..end).unwrap_or_default();
    ENDINGS.iter().any(|ending| {
        ending.len() == all.len()
            && all.iter().zip(ending.bytes()).all(|(unit, byte)| unit.ascii() == Some(byte))
    })
}
