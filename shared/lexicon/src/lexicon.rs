use std::sync::Arc;

use crate::compiler::Compiler;
use crate::description::Description;
use crate::index::{Bytes, Index, IndexError, Mode, Scratch, Units};
use crate::matches::Matches;
use crate::repeated::Collapsed;
use crate::{Form, Hit, LexiconError, PHONE_NUMBER, Scan, Severity, WordList, contact, phone};

/// Compiled word lists.
#[derive(Debug, Clone)]
pub struct Lexicon {
    index: Index,
    lists: Arc<Description>,
    categories: Vec<String>,
    /// The code of 加 in the index.
    adds: u16,
}

/// A match in units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// `None`: the telephone detector.
    pub(crate) list: Option<u16>,
    pub(crate) form: Form,
}

impl Lexicon {
    /// Compiles word lists; none at all is fine and leaves the telephone detector.
    ///
    /// # Errors
    /// [`LexiconError`], naming the list and the word.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a caller has no more use of the lists, and may be spared of a copy one day"
    )]
    pub fn compile(lists: Vec<WordList>) -> Result<Self, LexiconError> {
        let mut compiler = Compiler::new();
        lists.iter().try_for_each(|list| compiler.add(list))?;
        let (built, description) = compiler.build()?;
        Self::open(Bytes::new(built.into_bytes(description)))
    }

    /// Opens a compiled lexicon, all checksums compared.
    ///
    /// # Errors
    /// [`LexiconError`].
    pub fn open(bytes: Bytes) -> Result<Self, LexiconError> {
        let index = Index::open(bytes)?;
        index.verify()?;
        Self::of(index)
    }

    /// A lexicon of an index that is known to be whole.
    ///
    /// # Errors
    /// [`LexiconError`].
    pub fn of(index: Index) -> Result<Self, LexiconError> {
        let lists: Description = serde_json::from_slice(index.meta())
            .map_err(|error| LexiconError::Description(error.to_string()))?;
        let mut categories = vec![PHONE_NUMBER.to_owned()];
        for list in &lists.lists {
            if !categories.contains(&list.category) {
                categories.push(list.category.clone());
            }
        }
        let adds = index.view()?.code('加');
        Ok(Self { index, lists: Arc::new(lists), categories, adds })
    }

    /// Every category a scan may report.
    pub fn categories(&self) -> impl Iterator<Item = &str> {
        self.categories.iter().map(String::as_str)
    }

    /// The index below.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Scans a text.
    ///
    /// Should the index turn out to be damaged, nobody can say what the text holds: then all of it is a hit of every category.
    pub fn scan(&self, text: &str) -> Scan {
        self.scan_with(text, &mut Scratch::default())
    }

    /// As [`Lexicon::scan`], with memory that is used again.
    pub fn scan_with(&self, text: &str, scratch: &mut Scratch) -> Scan {
        self.try_scan(text, scratch).unwrap_or_else(|_| self.everything(text))
    }

    fn try_scan(&self, text: &str, scratch: &mut Scratch) -> Result<Scan, IndexError> {
        let view = self.index.view()?;
        let (units, found) = view.find(text, Mode::Overlapping, scratch)?;
        let mut matches = Matches::default();
        matches.add(&self.lists, &units, found);
        if self.lists.repeated()
            && let Some(collapsed) = Collapsed::of(units.all())
        {
            let mut found = Vec::new();
            view.find_in(&collapsed.units, Mode::Overlapping, &mut found)?;
            let found: Vec<_> = found.into_iter().filter_map(|found| collapsed.original(found)).collect();
            matches.add_repeated(&self.lists, &units, &found);
        }
        matches.settle();
        Ok(self.scan_of(text, &units, self.hits(&units, matches)))
    }

    fn hits(&self, units: &Units<'_>, mut matches: Matches) -> Vec<Found> {
        let mut found = std::mem::take(&mut matches.words);
        let reach = contact::Reach::new(*units, self.adds);
        found.retain(|hit| !matches.shields(*hit));
        // `微信支付 123456`: a cue inside an allowed word is none, whatever stands beside it.
        let cues = matches.cues.iter().filter(|cue| !matches.shields(**cue));
        found.extend(cues.filter_map(|cue| reach.hit(*cue, &matches.contexts)));
        let phones = phone::find(units);
        found.extend(phones.into_iter().map(|(start, end)| Found {
            start,
            end,
            list: None,
            form: Form::Plain,
        }));
        found
    }

    fn scan_of(&self, text: &str, units: &Units<'_>, mut found: Vec<Found>) -> Scan {
        found.sort_by_key(|hit| (self.category(*hit), hit.start, std::cmp::Reverse(hit.end), hit.form));
        let mut last: Option<Found> = None;
        found.retain(|hit| {
            let apart =
                last.is_none_or(|last| self.category(last) != self.category(*hit) || last.end <= hit.start);
            if apart {
                last = Some(*hit);
            }
            apart
        });
        found.sort_by(|a, b| (a.start, b.end, self.category(*a)).cmp(&(b.start, a.end, self.category(*b))));
        let mut places = Places { text, byte: 0, char: 0 };
        Scan { hits: found.into_iter().filter_map(|hit| self.hit(&mut places, units, hit)).collect() }
    }

    fn category(&self, found: Found) -> &str {
        found
            .list
            .and_then(|list| self.lists.lists.get(usize::from(list)))
            .map_or(PHONE_NUMBER, |list| &list.category)
    }

    fn hit(&self, places: &mut Places<'_>, units: &Units<'_>, found: Found) -> Option<Hit> {
        let list = found.list.and_then(|list| self.lists.lists.get(usize::from(list)));
        let range = units.bytes(found.start, found.end)?;
        let matched = places.text.get(range.clone())?;
        let start = places.char_of(range.start);
        Some(Hit {
            category: self.category(found).to_owned(),
            list: list.map(|list| list.id.clone()).unwrap_or_default(),
            form: found.form,
            start,
            end: start + matched.chars().count(),
            matched: matched.to_owned(),
            severity: list.map_or(Severity::High, |list| list.severity),
        })
    }

    fn everything(&self, text: &str) -> Scan {
        let hit = |category: &String| Hit {
            category: category.clone(),
            list: String::new(),
            form: Form::Plain,
            start: 0,
            end: text.chars().count(),
            matched: text.to_owned(),
            severity: Severity::High,
        };
        Scan { hits: self.categories.iter().map(hit).collect() }
    }
}

/// Bytes to characters, for places that come in order.
struct Places<'a> {
    text: &'a str,
    byte: usize,
    char: usize,
}

impl Places<'_> {
    fn char_of(&mut self, byte: usize) -> usize {
        self.char += self.text.get(self.byte..byte).map_or(0, |between| between.chars().count());
        self.byte = byte;
        self.char
    }
}
