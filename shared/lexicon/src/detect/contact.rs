//! Contact diversion by context: a cue counts beside something that can be dialled, added or searched for.

use super::account::{self, LONGEST, SHORTEST};
use crate::Form;
use crate::index::{Unit, Units};
use crate::lexicon::{Found, ListId, Source};

/// An account or number may begin so many characters after the cue.
const AFTER: usize = 10;
/// A number may end so many characters before the cue: `13800001234 加我`.
const BEFORE: usize = 6;
/// A context may be so many characters away: `v信同号`.
const CONTEXT: usize = 4;
/// Between a cue of one character and its account: `薇:`.
const CLOSE: usize = 3;
/// These stand between words by right; anything else inside a cue hides it: `微🌟信`.
const ORDINARY: &str = " \t\r\n\u{3000},.;:!?，。；：！？、…—~～\"'“”‘’()（）-_/";

/// What lies around the cues of one text.
pub(crate) struct Reach<'a> {
    units: Units<'a>,
}

impl<'a> Reach<'a> {
    pub(crate) fn new(units: Units<'a>) -> Self {
        Self { units }
    }

    /// Adds the hit that a cue makes with what is near it, if anything is, and the account. `contexts` are in order of their start.
    pub(crate) fn hits(&self, cue: Found, contexts: &[Found], out: &mut Vec<Found>) {
        if let Some((start, end)) = self.account_after(cue) {
            out.push(Found { end, ..cue });
            out.push(self.account(start, end));
            return;
        }
        if let Some((start, end)) = context_near(cue, contexts) {
            out.push(Found { start, end, ..cue });
        } else if self.is_hidden(cue) {
            out.push(cue);
        } else if let Some((start, end)) = self.number_before(cue) {
            out.push(Found { start, ..cue });
            out.push(self.account(start, end));
        }
    }

    /// Adds the hits of characters that are a cue only directly before an account: `薇:abc123456`, `v 13800138000`.
    pub(crate) fn marks(&self, marks: &[(char, ListId)], out: &mut Vec<Found>) {
        for (at, unit) in self.units.all().iter().enumerate() {
            let marked = || marks.iter().filter(|(char, _)| self.units.char(at) == Some(*char));
            // Most characters are none; only before Latin ones is it worth a look.
            if !self.units.get(at + 1).is_some_and(Unit::is_id) || marked().next().is_none() {
                continue;
            }
            let length = account::run(&self.units, at + 1);
            let end = at + 1 + length;
            let gap = self.units.gap(at + 1);
            let kind = account::kind(&self.units, at + 1, end);
            let apart = |at: usize| {
                at == 0 || self.units.gap(at) > 0 || !self.units.get(at - 1).is_some_and(Unit::is_id)
            };
            // `v20260101` is a version: glued to a letter, only a telephone number counts.
            let clear = !unit.is_letter() || apart(at) && (gap > 0 || kind == crate::PHONE_NUMBER);
            if clear && gap <= CLOSE && account::is_account(&self.units, at + 1, end, false) {
                out.extend(marked().map(|(_, list)| Found {
                    start: at,
                    end,
                    source: Source::List(*list),
                    form: Form::Plain,
                }));
                out.push(self.account(at + 1, end));
            }
        }
    }

    fn account(&self, start: usize, end: usize) -> Found {
        let kind = account::kind(&self.units, start, end);
        Found { start, end, source: Source::Shape(kind), form: Form::Plain }
    }

    /// The account or number that begins soon after the cue.
    fn account_after(&self, cue: Found) -> Option<(usize, usize)> {
        let adds = self.units.char(cue.start) == Some('加');
        let end = self.units.all().len().min(cue.end.saturating_add(AFTER));
        let mut from = cue.end;
        while from < end {
            let length = account::run(&self.units, from);
            if account::is_account(&self.units, from, from + length, adds) {
                return Some((from, from + length));
            }
            from = from.saturating_add(length.max(1));
        }
        None
    }

    /// The number that ends shortly before the cue.
    fn number_before(&self, cue: Found) -> Option<(usize, usize)> {
        let before = self.units.all().get(cue.start.saturating_sub(BEFORE + LONGEST)..cue.start)?;
        let words = before.iter().rev().take_while(|unit| !unit.is_digit()).count();
        let digits = before.iter().rev().skip(words).take_while(|unit| unit.is_digit()).count();
        let end = cue.start.saturating_sub(words);
        let start = end.saturating_sub(digits);
        (words <= BEFORE && digits >= SHORTEST && account::is_account(&self.units, start, end, false))
            .then_some((start, end))
    }

    /// Is a sign or an emoji put inside a Chinese cue?
    fn is_hidden(&self, cue: Found) -> bool {
        let units = self.units.all().get(cue.start..cue.end).unwrap_or_default();
        let within = |at: usize| self.units.skipped(at).is_some_and(|char| !ORDINARY.contains(char));
        units.iter().any(|unit| !unit.is_id()) && (cue.start + 1..cue.end).any(within)
    }
}

/// What a cue and a context of its list are together, if one is near.
fn context_near(cue: Found, contexts: &[Found]) -> Option<(usize, usize)> {
    let near = |context: &&Found| {
        context.source == cue.source
            && if context.start >= cue.end {
                context.start <= cue.end + CONTEXT
            } else {
                context.end <= cue.start && context.end + CONTEXT >= cue.start
            }
    };
    // Contexts are short: one that is near begins at most so far before the cue.
    let from =
        contexts.partition_point(|context| context.start + CONTEXT + crate::index::LONGEST_WORD < cue.start);
    let near =
        contexts.get(from..)?.iter().take_while(|context| context.start <= cue.end + CONTEXT).find(near)?;
    Some((cue.start.min(near.start), cue.end.max(near.end)))
}
