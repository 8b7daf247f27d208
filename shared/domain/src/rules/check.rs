//! What only shows when a pack is asked: conditions without meaning, rules that never decide, tests that don't come out.

use std::collections::BTreeSet;

use super::compile::Rule;
use super::expression::{Condition, quoted};
use super::memo::Answer;
use super::names::{Fact, is_decided};
use super::slots::{Slot, Snapshot};
use super::{Case, Fault, Mode, Place, RulePack, RulePackError, Stage};
use crate::event::EventKind;
use crate::id::RuleId;

/// Conditions whose names have more combinations of values are not gone through.
const MOST_COMBINATIONS: usize = 4_096;

impl RulePack {
    /// Everything that is wrong with the pack's meaning: conditions that never hold, always hold or always fail; rules that never decide; tests that
    /// don't come out. Conditions are asked for every combination of what they name, as long as there are at most 4096: beyond that nothing is claimed.
    ///
    /// To be called when a pack is written, published or loaded by a long-running process; a pack whose bytes passed it once passes it again.
    pub fn check(&self) -> Vec<RulePackError> {
        let mut errors = Vec::new();
        for rule in &self.rules {
            let place = Place::Rule(rule.source.id.clone());
            self.check_condition(&rule.when, &rule.source.kinds, place, &mut errors);
            for (exception, when) in &rule.exceptions {
                let place = Place::Exception(rule.source.id.clone(), exception.id.clone());
                self.check_condition(when, &rule.source.kinds, place, &mut errors);
            }
        }
        if errors.is_empty() {
            self.check_reach(&mut errors);
        }
        self.check_tests(&mut errors);
        errors
    }

    /// The rules that no own test has hold, in order.
    pub fn untested(&self) -> Vec<&RuleId> {
        let mut held = BTreeSet::new();
        for case in self.tests.iter().filter_map(|case| case.build().ok()) {
            held.extend(case.with(|facts| self.evaluate(facts)).matched);
        }
        self.rules().map(|rule| &rule.id).filter(|rule| !held.contains(*rule)).collect()
    }

    fn check_condition(
        &self,
        condition: &Condition,
        kinds: &[EventKind],
        place: Place,
        errors: &mut Vec<RulePackError>,
    ) {
        let literally = matches!(condition.source().trim(), "true" | "True");
        let Some(combinations) = self.combinations(&[condition], kinds) else { return };
        let mut seen = [false; 4];
        let mut failing = None;
        for snapshot in &combinations {
            let answer = condition.ask(&self.slots, snapshot);
            if answer == Answer::Failed {
                failing = failing.or(Some(snapshot));
            }
            if let Some(seen) = seen.get_mut(answer as usize) {
                *seen = true;
            }
        }
        let [_, no, yes, failed] = seen;
        let fault = match (no, yes, failed) {
            (false, false, true) => {
                let cause = failing.and_then(|snapshot| condition.failure(&self.slots, snapshot));
                Fault::AlwaysFails(cause.unwrap_or_default())
            }
            (_, false, _) => Fault::NeverHolds,
            (false, true, false) if !literally => Fault::AlwaysHolds,
            _ => return,
        };
        errors.push(place.with(fault));
    }

    /// Rules that another one makes pointless.
    fn check_reach(&self, errors: &mut Vec<RulePackError>) {
        for (place, rule) in self.rules.iter().enumerate() {
            let mut others = self.rules.iter();
            let by = match self.mode {
                Mode::FirstMatch => {
                    others.take(place).find(|other| covers(other, rule) && self.implies(rule, other))
                }
                // An allowing rule beside one that refuses; among refusals each is a reason of its own.
                Mode::StrictestWins if rule.source.then.allows() && rule.exceptions.is_empty() => others
                    .find(|other| {
                        !other.source.then.allows()
                            && other.exceptions.iter().all(|(exception, _)| !exception.then.allows())
                            && covers(other, rule)
                            && self.implies(rule, other)
                    }),
                Mode::StrictestWins => None,
            };
            let Some(by) = by.map(|by| by.source.id.clone()) else { continue };
            let fault = match self.mode {
                Mode::FirstMatch => Fault::Unreachable { by },
                Mode::StrictestWins => Fault::Overruled { by },
            };
            errors.push(Place::Rule(rule.source.id.clone()).with(fault));
        }
    }

    /// Does the second hold whenever the first does? Only if that is certain.
    fn implies(&self, one: &Rule, other: &Rule) -> bool {
        let Some(combinations) = self.combinations(&[&one.when, &other.when], &one.source.kinds) else {
            return false;
        };
        combinations.iter().all(|snapshot| {
            one.when.ask(&self.slots, snapshot) == Answer::No
                || other.when.ask(&self.slots, snapshot) != Answer::No
        })
    }

    /// Every combination of the values that these conditions name; `None` when there are too many.
    fn combinations(&self, conditions: &[&Condition], kinds: &[EventKind]) -> Option<Vec<Snapshot>> {
        let mut places: Vec<usize> =
            conditions.iter().flat_map(|condition| condition.slots.iter().copied()).collect();
        places.sort_unstable();
        places.dedup();
        let texts = texts(conditions);
        let mut all = vec![Snapshot { codes: vec![0; self.slots.len()], texts: Vec::new() }];
        for place in places {
            let slot = self.slots.get(place)?;
            let choices = match slot.codes() {
                Some(codes) => codes.filter(|code| in_kinds(slot, *code, kinds)).map(Choice::Code).collect(),
                None => texts.clone(),
            };
            if all.len().saturating_mul(choices.len()) > MOST_COMBINATIONS {
                return None;
            }
            all = all
                .iter()
                .flat_map(|snapshot| choices.iter().map(move |choice| choice.put(place, snapshot)))
                .collect();
        }
        Some(all)
    }

    fn check_tests(&self, errors: &mut Vec<RulePackError>) {
        for (number, case) in self.tests.iter().enumerate() {
            if let Err(fault) = self.try_case(case) {
                errors.push(Place::Test(number, case.name.clone()).with(fault));
            }
        }
    }

    /// Does a test come out?
    ///
    /// # Errors
    /// How not.
    pub fn try_case(&self, case: &Case) -> Result<(), Fault> {
        let Some(expected) = &case.expect else { return Err(Fault::NoExpectation) };
        let decision = case.build().map_err(Fault::BadCase)?.with(|facts| self.evaluate(facts));
        let rule = decision.reasons.first().map(|reason| &reason.rule);
        let named = expected.rule.as_ref().is_none_or(|wanted| Some(wanted) == rule);
        if decision.verdict == expected.verdict && decision.main_code() == expected.code && named {
            return Ok(());
        }
        let wanted = expected.rule.as_ref().map(|rule| format!(" by rule `{rule}`")).unwrap_or_default();
        Err(Fault::Failed {
            expected: format!("{} `{}`{wanted}", expected.verdict, expected.code),
            got: format!(
                "{} `{}` by rule `{}`",
                decision.verdict,
                decision.main_code(),
                rule.map_or("none", |rule| rule.as_str())
            ),
        })
    }
}

/// One value of a name.
#[derive(Clone)]
enum Choice {
    Code(u8),
    Text(Option<String>),
}

impl Choice {
    fn put(&self, place: usize, snapshot: &Snapshot) -> Snapshot {
        let mut snapshot = snapshot.clone();
        match self {
            Self::Code(code) => {
                if let Some(slot) = snapshot.codes.get_mut(place) {
                    *slot = *code;
                }
            }
            Self::Text(text) => snapshot.texts.push((place, text.clone())),
        }
        snapshot
    }
}

/// None, every text that is compared with, and one that is not.
fn texts(conditions: &[&Condition]) -> Vec<Choice> {
    let mut all: BTreeSet<Option<String>> = [None, Some("\u{1}another".to_owned())].into();
    for condition in conditions {
        all.extend(quoted(condition.source()).into_iter().map(Some));
    }
    all.into_iter().map(Choice::Text).collect()
}

/// A rule of some kinds meets no others, and the kinds that are never decided on are none.
fn in_kinds(slot: &Slot, code: u8, kinds: &[EventKind]) -> bool {
    let Slot::Fact(Fact::EventKind) = slot else { return true };
    if kinds.is_empty() {
        return true;
    }
    let decided = EventKind::ALL.into_iter().filter(|kind| is_decided(*kind));
    let kind = usize::from(code).checked_sub(1).and_then(|place| decided.into_iter().nth(place));
    kind.is_some_and(|kind| kinds.contains(&kind))
}

/// Is the first asked wherever the second is?
fn covers(one: &Rule, other: &Rule) -> bool {
    let stages = other.source.stages.iter().all(|stage: &Stage| one.source.stages.contains(stage));
    let kinds = one.source.kinds.is_empty()
        || (!other.source.kinds.is_empty()
            && other.source.kinds.iter().all(|kind| one.source.kinds.contains(kind)));
    stages && kinds
}
