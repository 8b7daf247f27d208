//! A rule pack as it is written, with the place of everything that can be wrong.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;
use sluice_domain::id::{RuleId, RulePackId};
use sluice_domain::rules::{
    Case, DefaultSource, DisableSource, Mode, OverrideSource, PackSource, Place, RulePackError, RuleSource,
};

use crate::Problem;

/// [`PackSource`] with places.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PackFile {
    id: RulePackId,
    version: String,
    #[serde(default)]
    extends: Vec<Spanned<String>>,
    #[serde(default)]
    mode: Option<Mode>,
    #[serde(default)]
    lexicons: Vec<String>,
    #[serde(default)]
    default: Option<Spanned<DefaultSource>>,
    #[serde(default)]
    rules: Vec<Spanned<RuleSource>>,
    #[serde(default)]
    overrides: Vec<Spanned<OverrideSource>>,
    #[serde(default)]
    disable: Vec<Spanned<DisableSource>>,
    #[serde(default)]
    tests: Vec<Spanned<Case>>,
}

impl PackFile {
    /// The pack, where its parts stand, and what it extends.
    pub(crate) fn split(self, file: &str) -> (PackSource, Places, Vec<Spanned<String>>) {
        let mut places = Places::default();
        let rule = |rule: &RuleSource| Place::Rule(rule.id.clone());
        // What an override changes is read where the override stands.
        let changed = |change: &OverrideSource| Place::Rule(change.id.clone());
        for change in &self.overrides {
            places.note(file, change, changed(&change.value));
        }
        let source = PackSource {
            id: self.id,
            version: self.version,
            extends: self.extends.iter().map(|pack| pack.value.clone()).collect(),
            mode: self.mode,
            lexicons: self.lexicons,
            default: self.default.map(|default| places.take(file, default, |_| Place::Default)),
            rules: self.rules.into_iter().map(|item| places.take(file, item, rule)).collect(),
            overrides: places.all(file, self.overrides, |change| Place::Override(change.id.clone())),
            disable: places.all(file, self.disable, |off| Place::Disable(off.id.clone())),
            tests: Vec::new(),
        };
        let tests = self.tests.into_iter().enumerate();
        let tests = tests
            .map(|(number, test)| places.take(file, test, |test| Place::Test(number, test.name.clone())));
        let tests = tests.collect();
        (PackSource { tests, ..source }, places, self.extends)
    }
}

/// Where the parts of a pack stand: file, line, column.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places(BTreeMap<Place, (String, u64, u64)>);

impl Places {
    fn note<T>(&mut self, file: &str, item: &Spanned<T>, place: Place) {
        let at = item.referenced;
        // Of two rules of one name the second is the mistake.
        self.0.insert(place, (file.to_owned(), at.line(), at.column()));
    }

    fn take<T>(&mut self, file: &str, item: Spanned<T>, place: impl Fn(&T) -> Place) -> T {
        self.note(file, &item, place(&item.value));
        item.value
    }

    fn all<T>(&mut self, file: &str, items: Vec<Spanned<T>>, place: impl Fn(&T) -> Place) -> Vec<T> {
        items.into_iter().map(|item| self.take(file, item, &place)).collect()
    }

    /// Those of a pack above take the place of the same parts below; tests below are not the pack's.
    pub(crate) fn extend(&mut self, upper: Self) {
        self.0.retain(|place, _| !matches!(place, Place::Test(..)));
        self.0.extend(upper.0);
    }

    /// An error of the pack, told with its place if it has one.
    pub(crate) fn problem(&self, file: &str, error: &RulePackError) -> Problem {
        let rule = |rule: &RuleId| self.0.get(&Place::Rule(rule.clone()));
        let found = self.0.get(&error.place).or_else(|| match &error.place {
            Place::Exception(of, _) => rule(of),
            _ => None,
        });
        let message = error.to_string();
        match found {
            Some((file, line, column)) if *line > 0 => Problem {
                file: file.clone(),
                line: Some(*line),
                column: Some(*column),
                code: error.fault.code(),
                message,
            },
            _ => Problem::unplaced(file, error.fault.code(), message),
        }
    }
}
