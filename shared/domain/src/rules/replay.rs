use std::collections::BTreeMap;

use serde::Serialize;

use super::{Observed, RulePack};
use crate::audit::{AuditRecord, Disposition};
use crate::decision::Verdict;
use crate::event::EventKind;
use crate::id::{RuleId, TraceId};

/// A decision that another pack makes otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The event.
    pub trace_id: TraceId,
    /// Its kind.
    pub kind: EventKind,
    /// What was decided.
    pub from: Outcome,
    /// What would be.
    pub to: Outcome,
    /// Word lists differ between the two: this one may have missed words that the new lists would find.
    pub other_words: bool,
}

/// Verdict, code and rule of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// The main reason's code.
    pub code: String,
    /// The main reason's rule.
    pub rule: RuleId,
}

/// What came of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Records that were decided on and keep their inputs.
    pub replayed: u64,
    /// Of these, those with another verdict or main code.
    pub changed: u64,
    /// Of these, those that would be sent and were not.
    pub newly_allowed: u64,
    /// And those that were sent and would not be.
    pub newly_refused: u64,
    /// Replayed with what other word lists found: words that only the new lists have are not seen.
    pub other_words: u64,
    /// Decided, but without inputs: of records older than these.
    pub without_inputs: u64,
    /// Recorded without a decision.
    pub not_decided: u64,
    /// `allow_masked consented_lead → review phone_number`, with how many.
    pub by_change: BTreeMap<String, u64>,
}

/// Asks a pack what it would have decided.
#[derive(Debug)]
pub struct Replay<'a> {
    pack: &'a RulePack,
    /// So far.
    pub totals: Totals,
}

impl<'a> Replay<'a> {
    /// With this pack.
    pub fn with(pack: &'a RulePack) -> Self {
        Self { pack, totals: Totals::default() }
    }

    /// Takes a record; gives the change, if the pack decides otherwise.
    pub fn take(&mut self, record: &AuditRecord) -> Option<Changed> {
        let totals = &mut self.totals;
        let Disposition::Decided { decision } = &record.disposition else {
            totals.not_decided += 1;
            return None;
        };
        let (Some(observed), Some(reason)) = (Observed::of_record(record), decision.reasons.first()) else {
            totals.without_inputs += 1;
            return None;
        };
        totals.replayed += 1;
        let other_words = observed.inputs.words != self.pack.words();
        totals.other_words += u64::from(other_words);
        let now = self.pack.decide(&observed);
        if now.verdict == decision.verdict && now.main_code() == reason.code {
            return None;
        }
        let main = now.reasons.into_iter().next()?;
        let from =
            Outcome { verdict: decision.verdict, code: reason.code.clone(), rule: reason.rule.clone() };
        let to = Outcome { verdict: now.verdict, code: main.code, rule: main.rule };
        totals.changed += 1;
        totals.newly_allowed += u64::from(to.verdict.allows() && !from.verdict.allows());
        totals.newly_refused += u64::from(from.verdict.allows() && !to.verdict.allows());
        let change = format!("{} {} → {} {}", from.verdict, from.code, to.verdict, to.code);
        *totals.by_change.entry(change).or_default() += 1;
        Some(Changed { trace_id: record.trace_id, kind: record.kind, from, to, other_words })
    }
}
