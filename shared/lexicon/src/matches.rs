//! What the index found in one text, sorted by what it means.

use crate::Form;
use crate::description::{Class, Description, Role};
use crate::index::{Match, Unit, Units};
use crate::lexicon::{Found, ListId, Source};

/// How many characters may be skipped between two of a match: `加·微·信` is one word, half a sentence apart is not.
const WIDEST_GAP: usize = 8;
/// A Latin cue may be glued to what follows if a digit follows within so many units: `vxabc12345`.
const DIGIT_SOON: usize = 12;

#[derive(Default)]
pub(crate) struct Matches {
    pub(crate) words: Vec<Found>,
    pub(crate) cues: Vec<Found>,
    pub(crate) contexts: Vec<Found>,
    allowed: Vec<Found>,
    /// For each allowed word, by start: the farthest end of it and all before it.
    reaches: Vec<usize>,
}

impl Matches {
    /// Takes matches that count.
    pub(crate) fn add(&mut self, (part, lists): (usize, &Description), units: &Units<'_>, found: &[Match]) {
        for found in found {
            let (start, end) = (found.start as usize, found.end as usize);
            if !holds(units, start, end) {
                continue;
            }
            for class in lists.classes(found.tag) {
                let here = Found {
                    start,
                    end,
                    source: Source::List(ListId { part, list: class.list }),
                    form: class.form,
                };
                match class.role {
                    Role::Word => self.words.push(here),
                    Role::Cue => self.cues.push(here),
                    Role::Context => self.contexts.push(here),
                    Role::Allow => self.allowed.push(here),
                }
            }
        }
    }

    /// Takes matches in which characters are repeated, of the lists that ask for them.
    pub(crate) fn add_repeated(
        &mut self,
        (part, lists): (usize, &Description),
        units: &Units<'_>,
        found: &[Match],
    ) {
        for found in found {
            let (start, end) = (found.start as usize, found.end as usize);
            if !holds(units, start, end) {
                continue;
            }
            let asked = |class: &Class| lists.list(class.list).is_some_and(|list| list.repeated);
            for class in lists.classes(found.tag).filter(asked) {
                let here = Found {
                    start,
                    end,
                    source: Source::List(ListId { part, list: class.list }),
                    form: Form::Repeated,
                };
                match class.role {
                    Role::Word => self.words.push(here),
                    Role::Cue => self.cues.push(here),
                    Role::Context | Role::Allow => {}
                }
            }
        }
    }

    /// Orders what is searched by place.
    pub(crate) fn settle(&mut self) {
        self.contexts.sort_by_key(|found| found.start);
        self.allowed.sort_by_key(|found| found.start);
        // Farthest end so far: a hit is inside an allowed word only if some word that starts at or before it ends at or after it.
        self.reaches = self
            .allowed
            .iter()
            .scan(0, |far, word| {
                *far = word.end.max(*far);
                Some(*far)
            })
            .collect();
    }

    /// Does the hit lie wholly inside an allowed word? (Equal counts: a list may allow what another forbids.)
    pub(crate) fn shields(&self, hit: Found) -> bool {
        let before = self.allowed.partition_point(|word| word.start <= hit.start);
        before.checked_sub(1).and_then(|last| self.reaches.get(last)).is_some_and(|far| hit.end <= *far)
    }
}

/// Is this match one that counts: not stretched, and no part of a longer Latin word?
fn holds(units: &Units<'_>, start: usize, end: usize) -> bool {
    let Some(matched) = units.all().get(start..end) else { return false };
    if !(start + 1..end).all(|at| units.gap(at) <= WIDEST_GAP) {
        return false;
    }
    if !matched.iter().all(|unit| unit.is_id()) {
        return true;
    }
    let letter = |at: usize| units.get(at).is_some_and(Unit::is_letter);
    let glued_before = start.checked_sub(1).is_some_and(letter) && units.gap(start) == 0;
    let glued_after = letter(end) && units.gap(end) == 0;
    let soon = units.all().get(end..).unwrap_or_default().iter().take(DIGIT_SOON);
    let digit_soon = || soon.take_while(|unit| unit.is_id()).any(|unit| unit.is_digit());
    !glued_before && (!glued_after || digit_soon())
}
