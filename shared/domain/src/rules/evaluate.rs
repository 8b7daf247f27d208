use super::compile::Rule;
use super::memo::Answer;
use super::slots::{Group, Slot, Snapshot};
use super::{Facts, Mode, Observed, RulePack, Stage};
use crate::decision::{Decision, EvidenceSpan, Reason, Shadow, Verdict};
use crate::link::LinkPolicy;
use crate::time::UnixMillis;

/// The name of a rendered text in evidence.
const MESSAGE: &str = "message";

/// The code of a rule whose condition had no value: what can not be decided is not sent.
pub const RULE_FAILED: &str = "rule_failed";
const RULE_FAILED_TITLE: &str = "规则无法求值,按不予发送处理";

impl RulePack {
    /// Scans the texts: what is left is all that the rules see.
    pub fn observe(&self, facts: &Facts<'_>) -> Observed {
        Observed::of(facts, self.lexicon(), &self.words)
    }

    /// Decides on facts, and keeps what is needed to decide again.
    pub fn evaluate(&self, facts: &Facts<'_>) -> Decision {
        let observed = self.observe(facts);
        let mut decision = self.decide(&observed);
        decision.inputs = Some(observed.inputs);
        decision
    }

    /// Decides on what was observed, now or when a record was written. The inputs are not repeated in the decision.
    pub fn decide(&self, observed: &Observed) -> Decision {
        let snapshot = self.slots.snapshot(observed);
        let (mut matched, mut reasons) = (Vec::new(), Vec::new());
        for rule in self.rules.iter().filter(|rule| rule.applies(observed.stage, observed.kind)) {
            match rule.when.ask(&self.slots, &snapshot) {
                Answer::No => continue,
                Answer::Yes => {
                    matched.push(rule.source.id.clone());
                    reasons.push(self.reason(rule, observed, &snapshot));
                }
                Answer::Failed => reasons.push(failed(rule)),
            }
            if self.mode == Mode::FirstMatch {
                break;
            }
        }
        if reasons.is_empty() {
            let default = &self.default;
            matched.push(default.id.clone());
            let reason = Reason {
                code: default.code.clone(),
                title: default.title.clone(),
                rule: default.id.clone(),
                exception: None,
                basis: default.basis.clone(),
                evidence: Vec::new(),
            };
            reasons.push((default.then, reason));
        }
        // The sort is stable: among equals the earlier rule comes first.
        reasons.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
        let verdict = reasons.first().map_or(self.default.then, |(verdict, _)| *verdict);
        // A refusal is not explained by what would have allowed it; `matched` shows that those rules held, too.
        let reasons = reasons.into_iter().filter(|(own, _)| own.allows() == verdict.allows());
        Decision {
            verdict,
            reasons: reasons.map(|(_, reason)| reason).collect(),
            path: Vec::new(),
            matched,
            pack: self.stamp.clone(),
            consent: observed.consent.clone(),
            inputs: None,
            shadow: None,
            finding: None,
        }
    }

    /// What this pack, as a candidate, says of an event that another pack decided on: `None` when it is the same verdict for the same code.
    /// The texts are scanned again only if the word lists differ.
    pub fn shadow_of(&self, decided: &Decision, facts: &Facts<'_>) -> Option<Shadow> {
        let mut observed = match &decided.inputs {
            Some(inputs) if inputs.words == self.words => {
                let texts = Facts { texts: &[], ..*facts };
                Observed { inputs: inputs.clone(), ..self.observe(&texts) }
            }
            _ => self.observe(facts),
        };
        observed.names_sender = facts.names_sender();
        let other = self.decide(&observed);
        let main = other.reasons.into_iter().next()?;
        let same = other.verdict == decided.verdict && main.code == decided.main_code();
        (!same).then_some(Shadow {
            pack: other.pack,
            verdict: other.verdict,
            code: main.code,
            rule: main.rule,
        })
    }

    /// Decides on a rendered text that is about to leave: the last look before a channel.
    pub fn scan_outgoing(&self, text: &str, links: &LinkPolicy, at: UnixMillis) -> Decision {
        self.evaluate(&Facts::outbound(&[(MESSAGE, text)], links, at))
    }

    /// Every rule of the stage in order, whether it was asked and what it answered: the long explanation.
    pub fn path(&self, observed: &Observed) -> Vec<Step> {
        let snapshot = self.slots.snapshot(observed);
        let mut decided = false;
        let stage = self.rules.iter().filter(|rule| rule.source.stages.contains(&observed.stage));
        stage
            .map(|rule| {
                let asked = rule.applies(observed.stage, observed.kind) && !decided;
                let answer = asked.then(|| rule.when.ask(&self.slots, &snapshot));
                decided |= self.mode == Mode::FirstMatch && answer.is_some_and(|answer| answer != Answer::No);
                self.step(rule, answer, &snapshot)
            })
            .collect()
    }

    fn step(&self, rule: &Rule, answer: Option<Answer>, snapshot: &Snapshot) -> Step {
        let values = rule.when.slots.iter().filter_map(|place| {
            let slot = self.slots.get(*place)?;
            Some((slot.name(), slot.shown(snapshot, *place)))
        });
        Step {
            rule: rule.source.id.clone(),
            when: rule.when.source().to_owned(),
            values: if answer.is_some() { values.collect() } else { Vec::new() },
            outcome: match answer {
                None => Outcome::NotAsked,
                Some(Answer::No) => Outcome::DoesNotHold,
                Some(Answer::Yes) => Outcome::Holds,
                Some(Answer::Failed) => {
                    Outcome::Failed(rule.when.failure(&self.slots, snapshot).unwrap_or_default())
                }
            },
        }
    }

    /// The reason of a rule that holds, or of its first exception that does.
    fn reason(&self, rule: &Rule, observed: &Observed, snapshot: &Snapshot) -> (Verdict, Reason) {
        let source = &rule.source;
        let mut reason = Reason {
            code: source.code.clone(),
            title: source.title.clone(),
            rule: source.id.clone(),
            exception: None,
            basis: source.basis.clone(),
            evidence: self.evidence(rule, observed, snapshot),
        };
        for (exception, when) in &rule.exceptions {
            match when.ask(&self.slots, snapshot) {
                // An exception that can not be asked is none: the rule stands.
                Answer::No | Answer::Failed => {}
                Answer::Yes => {
                    reason.code.clone_from(&exception.code);
                    reason.title.clone_from(&exception.title);
                    reason.exception = Some(exception.id.clone());
                    reason.basis.extend(exception.basis.iter().cloned());
                    return (exception.then, reason);
                }
            }
        }
        (source.then, reason)
    }

    /// What in the texts a rule rests on: the categories without which it would not hold (or which alone make it hold), with their places.
    /// What stands under a `not` proves nothing.
    fn evidence(&self, rule: &Rule, observed: &Observed, snapshot: &Snapshot) -> Vec<EvidenceSpan> {
        let found: Vec<(usize, Group, &str)> = rule
            .when
            .slots
            .iter()
            .filter(|place| snapshot.code(**place) > 0)
            .filter_map(|place| match self.slots.get(*place)? {
                Slot::Found { group, category } => Some((*place, *group, category.as_str())),
                Slot::Fact(_) => None,
            })
            .collect();
        let places = || found.iter().map(|(place, ..)| *place);
        let holds = |snapshot: &Snapshot| rule.when.ask(&self.slots, snapshot) == Answer::Yes;
        let alone = |place: usize| snapshot.without(places().filter(|other| *other != place));
        // A rule that holds without any of them rests on none of them.
        if found.is_empty() || holds(&snapshot.without(places())) {
            return Vec::new();
        }
        let mut evidence = Vec::new();
        for (place, group, category) in &found {
            if holds(&snapshot.without([*place])) && !holds(&alone(*place)) {
                continue;
            }
            evidence.extend(
                observed
                    .inputs
                    .found
                    .iter()
                    .filter(|found| found.category == *category && group.has(&found.field))
                    .map(|found| EvidenceSpan {
                        field: found.field.clone(),
                        category: found.category.clone(),
                        start: found.start,
                        end: found.end,
                    }),
            );
        }
        evidence.sort_by(|a, b| {
            (&a.field, a.start, a.end, &a.category).cmp(&(&b.field, b.start, b.end, &b.category))
        });
        evidence.dedup();
        evidence
    }
}

fn failed(rule: &Rule) -> (Verdict, Reason) {
    let reason = Reason {
        code: RULE_FAILED.to_owned(),
        title: RULE_FAILED_TITLE.to_owned(),
        rule: rule.source.id.clone(),
        exception: None,
        basis: rule.source.basis.clone(),
        evidence: Vec::new(),
    };
    (Verdict::Block, reason)
}

/// One rule of a long explanation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Step {
    /// The rule.
    pub rule: crate::id::RuleId,
    /// Its condition.
    pub when: String,
    /// What the condition names, with the values of this event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(String, String)>,
    /// What came out.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What a rule answered.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "outcome", content = "cause", rename_all = "snake_case")]
pub enum Outcome {
    /// It is of other kinds, or an earlier rule had decided.
    NotAsked,
    /// It does not hold.
    DoesNotHold,
    /// It holds.
    Holds,
    /// Its condition has no value; in the interpreter's words.
    Failed(String),
}

impl Stage {
    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}
