//! What the template must hold to, one named rule each.

mod alarms;
mod functions;
mod key;
mod network;
mod permissions;
mod portable;
mod queues;
mod rollout;
mod storage;
#[cfg(test)]
mod tests;

use super::model::Template;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The rule's name.
    pub(crate) rule: &'static str,
    /// The resource, or the path below it.
    pub(crate) place: String,
    /// What is expected and what is there.
    pub(crate) wrong: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {} [{}]", self.place, self.wrong, self.rule)
    }
}

/// What a rule notes while it looks.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<(String, String)>);

impl Findings {
    /// Notes that something at a place is wrong.
    fn note(&mut self, place: impl Into<String>, wrong: impl Into<String>) {
        self.0.push((place.into(), wrong.into()));
    }

    /// Notes it unless the condition holds.
    fn expect(&mut self, holds: bool, place: impl Into<String>, wrong: impl Into<String>) {
        if !holds {
            self.note(place, wrong);
        }
    }
}

/// One rule.
pub(crate) struct Rule {
    /// How it is called.
    pub(crate) name: &'static str,
    check: fn(&Template, &mut Findings),
}

/// All of them.
pub(crate) const RULES: &[&[Rule]] = &[
    functions::RULES,
    queues::RULES,
    storage::RULES,
    permissions::RULES,
    key::RULES,
    alarms::RULES,
    rollout::RULES,
    network::RULES,
    portable::RULES,
];

/// Everything that is wrong with a template.
pub(crate) fn check(template: &Template) -> Vec<Finding> {
    let mut all = Vec::new();
    for rule in RULES.iter().copied().flatten() {
        let mut findings = Findings::default();
        (rule.check)(template, &mut findings);
        all.extend(findings.0.into_iter().map(|(place, wrong)| Finding { rule: rule.name, place, wrong }));
    }
    all
}
