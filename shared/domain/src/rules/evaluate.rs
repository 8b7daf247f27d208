use super::{Condition, Facts, FormStanding, RulePack, RuleSource, TextCondition};
use crate::consent::{ConsentKey, Standing};
use crate::decision::{Decision, EvidenceSpan, Reason, RuleStep, Verdict};
use crate::lexicon::Hit;
use crate::link::{LinkPolicy, find_links};

/// The name of a rendered text in evidence.
const MESSAGE: &str = "message";
/// The category of links in evidence.
const LINK: &str = "link";

impl RulePack {
    /// Decides.
    pub fn evaluate(&self, facts: &Facts<'_>) -> Decision {
        let scanned = Scanned::of(self, facts);
        let mut path = Vec::with_capacity(self.rules.len());
        let mut reasons: Vec<(Verdict, Reason)> = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.stages.contains(&facts.stage)) {
            let mut evidence = Vec::new();
            let matched = scanned.holds(&rule.when, facts, &mut evidence);
            path.push(RuleStep { rule: rule.id.clone(), matched });
            if matched {
                reasons.push((rule.then, reason(rule, evidence)));
            }
        }
        if reasons.is_empty() {
            path.push(RuleStep { rule: self.default.id.clone(), matched: true });
            reasons.push((self.default.then, reason(&self.default, Vec::new())));
        }
        // The sort is stable: among equals the earlier rule comes first.
        reasons.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
        let verdict = reasons.first().map_or(self.default.then, |(verdict, _)| *verdict);
        // A refusal is not explained by what would have allowed it; the path shows that those rules held, too.
        let reasons = reasons
            .into_iter()
            .filter(|(own, _)| own.allows() == verdict.allows())
            .map(|(_, reason)| reason)
            .collect();
        Decision { verdict, reasons, path, pack: self.stamp.clone(), consent: facts.consent.cloned() }
    }

    /// Decides on a rendered text that is about to leave: the last look before a channel.
    pub fn scan_outgoing(&self, text: &str, links: &LinkPolicy) -> Decision {
        self.evaluate(&Facts::outbound(&[(MESSAGE, text)], links))
    }
}

fn reason(rule: &RuleSource, mut evidence: Vec<EvidenceSpan>) -> Reason {
    evidence.sort_by(|a, b| {
        (&a.field, a.start, a.end, &a.category).cmp(&(&b.field, b.start, b.end, &b.category))
    });
    evidence.dedup();
    Reason {
        code: rule.code.clone(),
        title: rule.title.clone(),
        rule: rule.id.clone(),
        basis: rule.basis.clone(),
        evidence,
    }
}

/// The texts, scanned once for all rules.
struct Scanned<'a> {
    words: Vec<(&'a str, Vec<Hit>)>,
    foreign_links: Vec<EvidenceSpan>,
}

impl<'a> Scanned<'a> {
    fn of(pack: &RulePack, facts: &Facts<'a>) -> Self {
        let mut scanned = Self { words: Vec::with_capacity(facts.texts.len()), foreign_links: Vec::new() };
        for (field, text) in facts.texts {
            let mut hits = pack.lexicon.scan(text).hits;
            for link in find_links(text) {
                if facts.links.check(link.text).is_err() {
                    scanned.foreign_links.push(EvidenceSpan {
                        field: (*field).to_owned(),
                        category: LINK.to_owned(),
                        start: link.start,
                        end: link.end,
                    });
                } else {
                    // `work.weixin.qq.com` and a signature's letters are no words of a text.
                    hits.retain(|hit| !(link.start..link.end).contains(&hit.start));
                }
            }
            scanned.words.push((field, hits));
        }
        scanned
    }

    /// Does the condition hold? Adds the evidence of every text condition that did; what stands under a `not` proves nothing.
    fn holds(&self, condition: &Condition, facts: &Facts<'_>, evidence: &mut Vec<EvidenceSpan>) -> bool {
        let key = facts.consent.map(|check| &check.key);
        match condition {
            Condition::Always => true,
            Condition::All(inner) => {
                let mut together = Vec::new();
                let held = inner.iter().all(|inner| self.holds(inner, facts, &mut together));
                if held {
                    evidence.append(&mut together);
                }
                held
            }
            // Every branch is looked at, so that the evidence is whole.
            Condition::Any(inner) => {
                inner.iter().map(|inner| self.holds(inner, facts, evidence)).filter(|held| *held).count() > 0
            }
            Condition::Not(inner) => !self.holds(inner, facts, &mut Vec::new()),
            Condition::Kind(kinds) => facts.kind.is_some_and(|kind| kinds.contains(&kind)),
            Condition::Scheme(schemes) => facts.scheme.is_some_and(|scheme| schemes.contains(&scheme)),
            Condition::Consent(standings) => {
                standings.contains(&facts.consent.map_or(Standing::Missing, |check| check.standing))
            }
            Condition::Purpose(purposes) => {
                key.is_some_and(|ConsentKey { purpose, .. }| purposes.contains(purpose))
            }
            Condition::Recipient(recipients) => {
                key.is_some_and(|ConsentKey { recipient, .. }| recipients.contains(recipient))
            }
            Condition::Text(text) => self.text_holds(text, evidence),
            Condition::ForeignLink => {
                evidence.extend(self.foreign_links.iter().cloned());
                !self.foreign_links.is_empty()
            }
            Condition::Outgoing => facts.outgoing,
            Condition::ByApplication => facts.by_application,
            Condition::UnknownForm => facts.form == FormStanding::Unknown,
            Condition::Anonymous => !facts.has_person,
        }
    }

    fn text_holds(&self, condition: &TextCondition, evidence: &mut Vec<EvidenceSpan>) -> bool {
        let before = evidence.len();
        let fields = self.words.iter().filter(|(field, _)| in_fields(field, &condition.fields));
        for (field, hit) in fields.flat_map(|(field, hits)| hits.iter().map(move |hit| (field, hit))) {
            if hit.category == condition.category && hit.severity >= condition.min_severity {
                evidence.push(EvidenceSpan {
                    field: (*field).to_owned(),
                    category: hit.category.clone(),
                    start: hit.start,
                    end: hit.end,
                });
            }
        }
        evidence.len() > before
    }
}

/// `form` stands for every `form.…`; no names at all stand for every field.
fn in_fields(field: &str, wanted: &[String]) -> bool {
    wanted.is_empty()
        || wanted.iter().any(|name| {
            field.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
}
