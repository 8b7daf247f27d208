use std::collections::BTreeSet;
use std::sync::Arc;

use super::expression::Condition;
use super::names::is_decided;
use super::observed::FOREIGN_LINK;
use super::slots::Slots;
use super::{
    Case, DefaultSource, ExceptionSource, Fault, Mode, PackSource, Place, RulePackError, RuleSource, Stage,
};
use crate::decision::{LegalBasis, PackStamp, Verdict};
use crate::event::EventKind;
use crate::id::RuleId;
use crate::lexicon::Lexicon;

/// What a pack and its word lists are known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Lower-case hex SHA-256 of its file, the packs below it and the word lists: records name it.
    pub pack: String,
    /// The first 16 hex digits of the SHA-256 of the word lists alone: stored inputs name it.
    pub words: String,
}

/// A compiled rule pack with its lexicon.
#[derive(Debug)]
pub struct RulePack {
    pub(super) stamp: PackStamp,
    pub(super) words: String,
    pub(super) mode: Mode,
    /// The default, as a rule that always holds; asked last and only alone.
    pub(super) default: RuleSource,
    /// In the order in which they are asked.
    pub(super) rules: Vec<Rule>,
    pub(super) slots: Arc<Slots>,
    pub(super) tests: Vec<Case>,
    lexicon: Lexicon,
}

/// A compiled rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) source: RuleSource,
    pub(super) when: Condition,
    pub(super) exceptions: Vec<(ExceptionSource, Condition)>,
}

impl Rule {
    /// Is the rule asked at all?
    pub(super) fn applies(&self, stage: Stage, kind: Option<EventKind>) -> bool {
        let RuleSource { stages, kinds, .. } = &self.source;
        stages.contains(&stage) && (kinds.is_empty() || kind.is_some_and(|kind| kinds.contains(&kind)))
    }
}

impl RulePack {
    /// Compiles a pack that [`super::layer`] made whole.
    ///
    /// # Errors
    /// Everything that is wrong with it, as far as no event is needed to see it; [`RulePack::check`] asks further.
    pub fn compile(
        source: PackSource,
        lexicon: Lexicon,
        fingerprint: Fingerprint,
    ) -> Result<Self, Vec<RulePackError>> {
        let mut errors = Vec::new();
        if source.rules.is_empty() {
            errors.push(Place::Pack.with(Fault::NoRules));
        }
        let Some((mode, default)) = ground(&source, &mut errors) else { return Err(errors) };
        let mut slots = Slots::over(categories(&lexicon));
        let (mut ids, mut rules) = (BTreeSet::new(), Vec::new());
        for rule in source.rules {
            let place = Place::Rule(rule.id.clone());
            if rule.id == default.id {
                errors.push(place.clone().with(Fault::Reserved));
            }
            if !ids.insert(rule.id.clone()) {
                errors.push(place.clone().with(Fault::Duplicate));
            }
            if mode == Mode::FirstMatch && rule.priority == 0 {
                errors.push(place.clone().with(Fault::NoPriority));
            }
            check(&rule, &place, &mut errors);
            rules.extend(compile_rule(rule, &mut slots, &mut errors));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        // Stable: rules of one priority stay in the order of writing.
        rules.sort_by_key(|rule: &Rule| std::cmp::Reverse(rule.source.priority));
        let stamp = PackStamp { id: source.id, version: source.version, sha256: fingerprint.pack };
        let (words, slots) = (fingerprint.words, Arc::new(slots));
        Ok(Self { stamp, words, mode, default, rules, slots, tests: source.tests, lexicon })
    }

    /// A pack for who knows which one is in force but never decides: none of its rules is compiled, and it has no words. Should it be asked all
    /// the same, its default, which allows nothing, is the answer, and all of a text is a hit.
    ///
    /// # Errors
    /// What is wrong with the pack as a whole.
    pub fn withheld(source: PackSource, fingerprint: Fingerprint) -> Result<Self, Vec<RulePackError>> {
        let mut errors = Vec::new();
        let Some((mode, default)) = ground(&source, &mut errors).filter(|_| errors.is_empty()) else {
            return Err(errors);
        };
        let lexicon = Lexicon::withheld();
        let slots = Arc::new(Slots::over(categories(&lexicon)));
        let stamp = PackStamp { id: source.id, version: source.version, sha256: fingerprint.pack };
        let (words, rules, tests) = (fingerprint.words, Vec::new(), Vec::new());
        Ok(Self { stamp, words, mode, default, rules, slots, tests, lexicon })
    }

    /// Which pack it is.
    pub fn stamp(&self) -> &PackStamp {
        &self.stamp
    }

    /// The word lists it reads with; see [`Fingerprint::words`].
    pub fn words(&self) -> &str {
        &self.words
    }

    /// How its rules make a decision.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The rules in the order in which they are asked.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &RuleSource> {
        self.rules.iter().map(|rule| &rule.source)
    }

    /// Its own tests.
    pub fn tests(&self) -> &[Case] {
        &self.tests
    }

    /// The words that its conditions ask for.
    pub fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    /// The document and articles of a rule, `default` included.
    pub fn basis_of(&self, rule: &RuleId) -> Option<&[LegalBasis]> {
        let rules = self.rules().chain(std::iter::once(&self.default));
        rules.into_iter().find(|candidate| candidate.id == *rule).map(|found| found.basis.as_slice())
    }

    /// The strictest verdict there is without any rule: what an event gets that no rule knows.
    pub fn default_verdict(&self) -> Verdict {
        self.default.then
    }
}

/// What a pack stands on: how it decides, and what it says when nothing else does.
fn ground(source: &PackSource, errors: &mut Vec<RulePackError>) -> Option<(Mode, RuleSource)> {
    let mut pack = |fault| errors.push(Place::Pack.with(fault));
    if source.version.trim().is_empty() {
        pack(Fault::NoVersion);
    }
    if source.mode.is_none() {
        pack(Fault::NoMode);
    }
    if source.default.is_none() {
        pack(Fault::NoDefault);
    }
    let (mode, default) = (source.mode?, default_rule(source.default.clone()?));
    if default.then.allows() {
        errors.push(Place::Default.with(Fault::AllowingDefault));
    }
    check(&default, &Place::Default, errors);
    Some((mode, default))
}

/// What conditions may ask a text for.
fn categories(lexicon: &Lexicon) -> Vec<String> {
    lexicon.categories().chain([FOREIGN_LINK]).map(str::to_owned).collect()
}

fn default_rule(source: DefaultSource) -> RuleSource {
    RuleSource {
        id: default_id(),
        title: source.title,
        code: source.code,
        priority: 0,
        stages: vec![Stage::Inbound, Stage::Outbound],
        kinds: Vec::new(),
        when: "true".to_owned(),
        then: source.then,
        severity: crate::lexicon::Severity::default(),
        four_eyes: false,
        remote_check: false,
        basis: source.basis,
        exceptions: Vec::new(),
    }
}

fn default_id() -> RuleId {
    #[expect(clippy::expect_used, reason = "the literal is a rule id")]
    RuleId::new("default").expect("a rule id")
}

fn compile_rule(rule: RuleSource, slots: &mut Slots, errors: &mut Vec<RulePackError>) -> Option<Rule> {
    let place = Place::Rule(rule.id.clone());
    let mut condition = |source: &str, place: Place| {
        Condition::compile(source, slots).map_err(|error| errors.push(place.with(error.into()))).ok()
    };
    let when = condition(&rule.when, place);
    let mut exceptions = Vec::new();
    for exception in &rule.exceptions {
        let place = Place::Exception(rule.id.clone(), exception.id.clone());
        exceptions.extend(condition(&exception.when, place).map(|when| (exception.clone(), when)));
    }
    Some(Rule { when: when?, source: rule, exceptions })
}

fn check(rule: &RuleSource, place: &Place, errors: &mut Vec<RulePackError>) {
    let mut add = |fault| errors.push(place.clone().with(fault));
    named(&rule.title, &rule.code, &rule.basis, &mut add);
    if rule.stages.is_empty() {
        add(Fault::NoStages);
    }
    for kind in rule.kinds.iter().filter(|kind| !is_decided(**kind)) {
        add(Fault::KindNotDecided(kind.as_str()));
    }
    if rule.remote_check && rule.then != Verdict::Review {
        add(Fault::CheckWithoutReview);
    }
    let mut ids = BTreeSet::new();
    for exception in &rule.exceptions {
        let place = Place::Exception(rule.id.clone(), exception.id.clone());
        let mut add = |fault| errors.push(place.clone().with(fault));
        if !ids.insert(&exception.id) {
            add(Fault::Duplicate);
        }
        named(&exception.title, &exception.code, &exception.basis, &mut add);
    }
}

fn named(title: &str, code: &str, basis: &[LegalBasis], add: &mut impl FnMut(Fault)) {
    if title.trim().is_empty() {
        add(Fault::NoTitle);
    }
    let plain = code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !plain || !(1..=64).contains(&code.len()) {
        add(Fault::BadCode);
    }
    if basis.is_empty() || basis.iter().any(|basis| basis.document.trim().is_empty()) {
        add(Fault::NoBasis);
    }
    // Statutes are cited by article; platform rules often have none.
    for basis in basis.iter().filter(|basis| basis.article.trim().is_empty()) {
        if basis.document.ends_with('法') || basis.document.ends_with("条例") {
            add(Fault::NoArticle(basis.document.clone()));
        }
    }
}
