//! Contact diversion by context: a cue counts beside something that can be dialled, added or searched for.

use crate::index::{Unit, Units};
use crate::lexicon::Found;

/// An account or number may begin so many characters after the cue.
const AFTER: usize = 10;
/// A number may end so many characters before the cue: `13800001234 加我`.
const BEFORE: usize = 6;
/// A context may be so many characters away: `v信同号`.
const CONTEXT: usize = 4;
/// `[A-Za-z][-_A-Za-z0-9]{5,19}` is what a WeChat id looks like; digits alone count from six, too.
const SHORTEST: usize = 6;
/// Longer runs are tokens of machines, and looking at all of them would not be linear.
const LONGEST: usize = 40;

/// What lies around the cues of one text.
pub(crate) struct Reach<'a> {
    units: Units<'a>,
    /// The code of 加, which invites.
    adds: u16,
}

impl<'a> Reach<'a> {
    pub(crate) fn new(units: Units<'a>, adds: u16) -> Self {
        Self { units, adds }
    }

    /// The hit that a cue makes with what is near it, if anything is. `contexts` are in order of their start.
    pub(crate) fn hit(&self, cue: Found, contexts: &[Found]) -> Option<Found> {
        let end = self.account_after(cue).or_else(|| context_after(cue, contexts));
        if let Some(end) = end {
            return Some(Found { end, ..cue });
        }
        self.number_before(cue).map(|start| Found { start, ..cue })
    }

    /// The end of an account or number that begins soon after the cue.
    fn account_after(&self, cue: Found) -> Option<usize> {
        let adds = self.units.get(cue.start).is_some_and(|unit| unit.is(self.adds));
        let end = self.units.all().len().min(cue.end.saturating_add(AFTER));
        let mut from = cue.end;
        while from < end {
            let length = self.run(from);
            let token = self.units.all().get(from..from + length)?;
            if is_account(token, adds) {
                return Some(from.saturating_add(length));
            }
            from = from.saturating_add(length.max(1));
        }
        None
    }

    /// The length of the run of Latin letters and digits that begins here; one interposed character within it is fine (`abc_123`).
    fn run(&self, from: usize) -> usize {
        let units = self.units.all().get(from..).unwrap_or_default();
        let joined = |(at, unit): &(usize, &Unit)| unit.is_id() && (*at == from || self.units.gap(*at) <= 1);
        (from..).zip(units).take(LONGEST).take_while(joined).count()
    }

    /// The start of a number that ends shortly before the cue.
    fn number_before(&self, cue: Found) -> Option<usize> {
        let before = self.units.all().get(cue.start.saturating_sub(BEFORE + LONGEST)..cue.start)?;
        let words = before.iter().rev().take_while(|unit| !unit.is_digit()).count();
        let digits = before.iter().rev().skip(words).take_while(|unit| unit.is_digit()).count();
        (words <= BEFORE && digits >= SHORTEST)
            .then(|| cue.start.saturating_sub(words.saturating_add(digits)))
    }
}

/// Can this be an account or a number? A word of letters alone counts only after an invitation to add somebody.
fn is_account(token: &[Unit], adds: bool) -> bool {
    let digits = token.iter().filter(|unit| unit.is_digit()).count();
    let shaped = token.first().is_some_and(|unit| unit.is_letter()) && (digits > 0 || adds);
    token.len() >= SHORTEST && (digits == token.len() || shaped || digits >= SHORTEST)
}

fn context_after(cue: Found, contexts: &[Found]) -> Option<usize> {
    let first = contexts.partition_point(|context| context.start < cue.end);
    let near = contexts.get(first)?;
    (near.list == cue.list && near.start <= cue.end.saturating_add(CONTEXT)).then_some(near.end)
}
