use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};

use super::fold::{Folded, Unit, fold};
use super::{Hit, LexiconError, PHONE_NUMBER, Scan, Severity, WordList, contact, phone};

/// How many characters may be skipped between two of a match: `加·微·信` is one word, half a sentence apart is not.
const WIDEST_GAP: usize = 8;

/// What a pattern of the automaton means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A hit.
    Word,
    /// A hit near an account, a number or a context.
    Cue,
    /// Turns a cue into a hit.
    Context,
    /// Takes the hits inside it away.
    Allow,
}

#[derive(Debug, Clone, Copy)]
struct Pattern {
    role: Role,
    /// Index into `categories`.
    category: usize,
    severity: Severity,
    /// Letters and digits only: must not begin or end within another such word.
    latin: bool,
}

/// Compiled word lists.
#[derive(Debug, Clone)]
pub struct Lexicon {
    /// `None` when there are no words: only the detectors work.
    automaton: Option<AhoCorasick>,
    patterns: Vec<Pattern>,
    categories: Vec<String>,
}

/// A match in units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) category: usize,
    pub(super) severity: Severity,
}

impl Lexicon {
    /// Compiles word lists; none at all is fine and leaves the telephone detector.
    ///
    /// # Errors
    /// [`LexiconError`], naming the list and the word.
    pub fn compile(lists: Vec<WordList>) -> Result<Self, LexiconError> {
        let (mut ids, mut words, mut patterns) = (BTreeSet::new(), Vec::new(), Vec::new());
        let mut categories = vec![PHONE_NUMBER.to_owned()];
        for list in lists {
            check(&list)?;
            if !ids.insert(list.id.clone()) {
                return Err(LexiconError::DuplicateList { list: list.id });
            }
            let category = position_or_push(&mut categories, &list.category);
            let roles = [
                (Role::Word, &list.words),
                (Role::Cue, &list.cues),
                (Role::Context, &list.contexts),
                (Role::Allow, &list.allow),
            ];
            for (role, word) in
                roles.into_iter().flat_map(|(role, words)| words.iter().map(move |w| (role, w)))
            {
                let folded = fold(word);
                if folded.units.len() < 2 {
                    return Err(LexiconError::ShortWord { list: list.id.clone(), word: word.clone() });
                }
                let latin = folded.units.iter().all(|unit| unit.is_id());
                patterns.push(Pattern { role, category, severity: list.severity, latin });
                words.push(folded.text);
            }
        }
        let automaton = (!words.is_empty())
            .then(|| AhoCorasick::builder().match_kind(MatchKind::Standard).build(&words))
            .transpose()
            .map_err(|error| LexiconError::TooLarge(error.to_string()))?;
        Ok(Self { automaton, patterns, categories })
    }

    /// Every category a scan may report.
    pub fn categories(&self) -> impl Iterator<Item = &str> {
        self.categories.iter().map(String::as_str)
    }

    /// Scans a text.
    pub fn scan(&self, text: &str) -> Scan {
        let folded = fold(text);
        let mut matches = self.matches(&folded);
        let mut found = std::mem::take(&mut matches.words);
        let reach = contact::Reach::new(&folded.units);
        found.retain(|hit| !matches.shields(*hit));
        // `微信支付 123456`: a cue inside an allowed word is none, whatever stands beside it.
        let cues = matches.cues.iter().filter(|cue| !matches.shields(**cue));
        found.extend(cues.filter_map(|cue| reach.hit(*cue, &matches.contexts)));
        let phones = phone::find(&folded.units);
        found.extend(phones.into_iter().map(|(start, end)| Found {
            start,
            end,
            category: 0,
            severity: Severity::High,
        }));
        self.scan_of(text, &folded.units, found)
    }

    fn matches(&self, folded: &Folded) -> Matches {
        let mut matches = Matches::default();
        let Some(automaton) = &self.automaton else { return matches };
        for found in automaton.find_overlapping_iter(&folded.text) {
            let Some(pattern) = self.patterns.get(found.pattern().as_usize()) else { continue };
            let units = &folded.units;
            let start = units.partition_point(|unit| unit.folded < found.start());
            let end = units.partition_point(|unit| unit.folded < found.end());
            if !holds(units, start, end, pattern.latin) {
                continue;
            }
            let here = Found { start, end, category: pattern.category, severity: pattern.severity };
            match pattern.role {
                Role::Word => matches.words.push(here),
                Role::Cue => matches.cues.push(here),
                Role::Context => matches.contexts.push(here),
                Role::Allow => matches.allowed.push(here),
            }
        }
        matches.settle();
        matches
    }

    fn scan_of(&self, text: &str, units: &[Unit], mut found: Vec<Found>) -> Scan {
        found.sort_by_key(|hit| (hit.category, hit.start, std::cmp::Reverse(hit.end)));
        let mut last: Option<Found> = None;
        found.retain(|hit| {
            let apart = last.is_none_or(|last| last.category != hit.category || last.end <= hit.start);
            if apart {
                last = Some(*hit);
            }
            apart
        });
        found.sort_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end), hit.category));
        Scan { hits: found.into_iter().filter_map(|hit| self.hit(text, units, hit)).collect() }
    }

    fn hit(&self, text: &str, units: &[Unit], found: Found) -> Option<Hit> {
        let first = units.get(found.start)?;
        let last = units.get(found.end.checked_sub(1)?)?;
        Some(Hit {
            category: self.categories.get(found.category)?.clone(),
            start: first.at,
            end: last.at.saturating_add(1),
            matched: text.get(first.bytes.0..last.bytes.1)?.to_owned(),
            severity: found.severity,
        })
    }
}

#[derive(Default)]
struct Matches {
    words: Vec<Found>,
    cues: Vec<Found>,
    contexts: Vec<Found>,
    allowed: Vec<Found>,
    /// For each allowed word, by start: the farthest end of it and all before it.
    reaches: Vec<usize>,
}

impl Matches {
    /// Orders what is searched by place.
    fn settle(&mut self) {
        self.contexts.sort_by_key(|found| found.start);
        self.allowed.sort_by_key(|found| found.start);
        // Farthest end so far: a hit is inside an allowed word only if some word that starts at or before it ends at or after it.
        self.reaches = self
            .allowed
            .iter()
            .scan(0, |far, word| {
                *far = word.end.max(*far);
                Some(*far)
            })
            .collect();
    }

    /// Does the hit lie wholly inside an allowed word? (Equal counts: a list may allow what another forbids.)
    fn shields(&self, hit: Found) -> bool {
        let before = self.allowed.partition_point(|word| word.start <= hit.start);
        before.checked_sub(1).and_then(|last| self.reaches.get(last)).is_some_and(|far| hit.end <= *far)
    }
}

/// Is this match one that counts: not stretched, and no part of a longer Latin word?
fn holds(units: &[Unit], start: usize, end: usize, latin: bool) -> bool {
    let Some(matched) = units.get(start..end) else { return false };
    let close = matched.iter().skip(1).all(|unit| unit.gap <= WIDEST_GAP);
    if !close || !latin {
        return close && !matched.is_empty();
    }
    let glued_before = matched.first().is_some_and(|first| first.gap == 0)
        && start.checked_sub(1).and_then(|before| units.get(before)).is_some_and(|unit| unit.is_letter());
    let glued_after = units.get(end).is_some_and(|next| next.gap == 0 && next.is_letter());
    // `vxabc12345` is one token to the eye, too: a cue may be glued to what follows if a digit follows soon.
    let digit_soon = units
        .get(end..units.len().min(end.saturating_add(12)))
        .is_some_and(|next| next.iter().take_while(|unit| unit.is_id()).any(|unit| unit.is_digit()));
    !glued_before && (!glued_after || digit_soon)
}

fn check(list: &WordList) -> Result<(), LexiconError> {
    let category = list.category.clone();
    let plain = category.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !plain || !(1..=64).contains(&category.len()) {
        return Err(LexiconError::BadCategory { list: list.id.clone(), category });
    }
    if category == PHONE_NUMBER {
        return Err(LexiconError::ReservedCategory { list: list.id.clone(), category });
    }
    if list.words.is_empty() && list.cues.is_empty() && list.allow.is_empty() {
        return Err(LexiconError::EmptyList { list: list.id.clone() });
    }
    Ok(())
}

fn position_or_push(categories: &mut Vec<String>, category: &str) -> usize {
    if let Some(position) = categories.iter().position(|known| known == category) {
        return position;
    }
    categories.push(category.to_owned());
    categories.len().saturating_sub(1)
}
