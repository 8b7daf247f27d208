use serde::Serialize;

use super::{RulePack, RuleSource};
use crate::decision::LegalBasis;
use crate::id::RuleId;

/// One difference between two packs, layers put together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Only the second has it.
    Added {
        /// The rule.
        rule: RuleId,
        /// What it decides.
        then: String,
        /// Its title.
        title: String,
    },
    /// Only the first has it.
    Removed {
        /// The rule.
        rule: RuleId,
        /// What it decided.
        then: String,
        /// Its title.
        title: String,
    },
    /// Both have it, with another value.
    Changed {
        /// The rule, `default`, or `pack` for what is of the whole.
        rule: String,
        /// Which part: `when`, `then`, …
        part: &'static str,
        /// In the first.
        from: String,
        /// In the second.
        to: String,
    },
}

/// What differs, rule by rule in the order of the first, then what only the second has. The ids, versions and tests of the packs don't count.
pub fn diff(first: &RulePack, second: &RulePack) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut pack = |part, from: String, to: String| {
        if from != to {
            changes.push(Change::Changed { rule: "pack".to_owned(), part, from, to });
        }
    };
    pack("mode", first.mode.as_str().to_owned(), second.mode.as_str().to_owned());
    pack("word_lists", first.words.clone(), second.words.clone());
    compare(&first.default, &second.default, &mut changes);
    for rule in first.rules() {
        match second.rules().find(|other| other.id == rule.id) {
            Some(other) => compare(rule, other, &mut changes),
            None => changes.push(Change::Removed {
                rule: rule.id.clone(),
                then: rule.then.to_string(),
                title: rule.title.clone(),
            }),
        }
    }
    for rule in second.rules().filter(|rule| first.rules().all(|other| other.id != rule.id)) {
        changes.push(Change::Added {
            rule: rule.id.clone(),
            then: rule.then.to_string(),
            title: rule.title.clone(),
        });
    }
    changes
}

fn compare(first: &RuleSource, second: &RuleSource, changes: &mut Vec<Change>) {
    for ((part, from), (_, to)) in parts(first).into_iter().zip(parts(second)) {
        if from != to {
            changes.push(Change::Changed { rule: first.id.to_string(), part, from, to });
        }
    }
}

/// Everything a rule says, as people read it.
fn parts(rule: &RuleSource) -> [(&'static str, String); 10] {
    let words = |words: Vec<&str>| words.join(", ");
    let exceptions = rule.exceptions.iter().map(|exception| {
        let basis = basis(&exception.basis);
        let (id, when, then) = (&exception.id, &exception.when, exception.then);
        format!("{id}: {then} `{}` when {when} 【{}】 {basis}", exception.code, exception.title)
    });
    [
        ("title", rule.title.clone()),
        ("code", rule.code.clone()),
        ("priority", rule.priority.to_string()),
        ("stages", words(rule.stages.iter().map(|stage| stage.as_str()).collect())),
        ("kinds", words(rule.kinds.iter().map(|kind| kind.as_str()).collect())),
        ("when", rule.when.clone()),
        ("then", rule.then.to_string()),
        ("severity", format!("{:?}", rule.severity).to_lowercase()),
        ("basis", basis(&rule.basis)),
        ("exceptions", exceptions.collect::<Vec<_>>().join("; ")),
    ]
}

fn basis(basis: &[LegalBasis]) -> String {
    let each = basis.iter().map(|basis| format!("《{}》{}", basis.document, basis.article));
    each.collect::<Vec<_>>().join(" ")
}
