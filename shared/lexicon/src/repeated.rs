//! A text without its repetitions: `加加微微信` is read as `加微信`.

use crate::index::{Match, Unit};

/// Units of which each run is one, with the way back.
pub(crate) struct Collapsed {
    pub(crate) units: Vec<Unit>,
    /// For each, the first unit of its run; and one past the last run.
    runs: Vec<u32>,
}

impl Collapsed {
    /// `None` when nothing is repeated. Digits are never collapsed: 1388 is not 138.
    pub(crate) fn of(units: &[Unit]) -> Option<Self> {
        let repeats = |pair: &[Unit]| matches!(pair, [a, b] if a.repeats(*b));
        if !units.windows(2).any(repeats) {
            return None;
        }
        let mut collapsed =
            Self { units: Vec::with_capacity(units.len()), runs: Vec::with_capacity(units.len() + 1) };
        for (at, unit) in (0..).zip(units) {
            if !collapsed.units.last().is_some_and(|last| last.repeats(*unit)) {
                collapsed.units.push(*unit);
                collapsed.runs.push(at);
            }
        }
        collapsed.runs.push(u32::try_from(units.len()).unwrap_or(u32::MAX));
        Some(collapsed)
    }

    /// A match in the original units, the runs at its edges whole; `None` when nothing within is repeated, as then it is found anyway.
    pub(crate) fn original(&self, found: Match) -> Option<Match> {
        let run = |at: u32| self.runs.get(at as usize).copied();
        let (start, end) = (run(found.start)?, run(found.end)?);
        let shortest = run(found.start + 1)?.saturating_sub(1)..run(found.end.checked_sub(1)?)?;
        (shortest.end - shortest.start >= found.end - found.start).then_some(Match { start, end, ..found })
    }
}
