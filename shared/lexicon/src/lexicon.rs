use std::sync::Arc;

use crate::compiler::Compiler;
use crate::description::{Description, ListHead};
use crate::detect::{self, contact};
use crate::index::{Bytes, Index, IndexError, Mode, Scratch, Units};
use crate::matches::Matches;
use crate::repeated::Collapsed;
use crate::{Form, Hit, LexiconError, Scan, Severity, WordList};

/// Compiled word lists: those of a rule pack, and perhaps large ones that were compiled before.
#[derive(Debug, Clone)]
pub struct Lexicon {
    /// At least one, for the detectors read its units. All fold alike, so that a unit is the same one in all.
    parts: Vec<Part>,
    categories: Vec<String>,
    /// Cues of one character.
    marks: Vec<(char, ListId)>,
    /// There are words that are not here.
    withheld: bool,
}

/// One index and what its tags mean.
#[derive(Debug, Clone)]
struct Part {
    index: Index,
    lists: Arc<Description>,
}

/// A list of a lexicon: its part, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListId {
    pub(crate) part: usize,
    pub(crate) list: u16,
}

/// What found something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A word of a list.
    List(ListId),
    /// A detector, which has one category.
    Shape(&'static str),
}

/// A match in units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) source: Source,
    pub(crate) form: Form,
}

impl Lexicon {
    /// Compiles word lists; none at all is fine and leaves what is found by its shape.
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

    /// A lexicon of an index that is known to be whole: nothing but its header is read.
    ///
    /// # Errors
    /// [`LexiconError`].
    pub fn of(index: Index) -> Result<Self, LexiconError> {
        if index.is_unfolded() {
            return Err(LexiconError::Description("it does not fold".to_owned()));
        }
        let lists = description(index.meta())?;
        let mut lexicon = Self::empty();
        lexicon.push(Part { index, lists: Arc::new(lists) });
        Ok(lexicon)
    }

    /// A lexicon whose words are not here, for who never scans: should it be asked all the same, all of a text is a hit of every category.
    pub fn withheld() -> Self {
        Self { withheld: true, ..Self::empty() }
    }

    fn empty() -> Self {
        let categories = detect::CATEGORIES.map(str::to_owned).to_vec();
        Self { parts: Vec::new(), categories, marks: Vec::new(), withheld: false }
    }

    /// This lexicon and another one: a text is scanned for the words of both, and what one allows is allowed in both.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.withheld |= other.withheld;
        for category in other.categories {
            self.add_category(&category);
        }
        other.parts.into_iter().for_each(|part| self.push(part));
        self
    }

    fn know(&mut self, lists: &Description) {
        lists.lists().for_each(|list| self.add_category(&list.category));
    }

    fn add_category(&mut self, category: &str) {
        if !self.categories.iter().any(|known| known == category) {
            self.categories.push(category.to_owned());
        }
    }

    fn push(&mut self, part: Part) {
        self.know(&part.lists);
        for (number, list) in (0..).zip(part.lists.lists()) {
            let id = ListId { part: self.parts.len(), list: number };
            self.marks.extend(list.marks.iter().map(|mark| (*mark, id)));
        }
        self.parts.push(part);
    }

    /// Every category a scan may report.
    pub fn categories(&self) -> impl Iterator<Item = &str> {
        self.categories.iter().map(String::as_str)
    }

    /// The indexes below.
    pub fn indexes(&self) -> impl Iterator<Item = &Index> {
        self.parts.iter().map(|part| &part.index)
    }

    /// The lists in it.
    pub fn lists(&self) -> impl Iterator<Item = &ListHead> {
        self.parts.iter().flat_map(|part| part.lists.lists())
    }

    /// Scans a text.
    ///
    /// Should an index turn out to be damaged, or be withheld, nobody can say what the text holds: then all of it is a hit of every category.
    pub fn scan(&self, text: &str) -> Scan {
        self.scan_with(text, &mut Scratch::default())
    }

    /// As [`Lexicon::scan`], with memory that is used again.
    pub fn scan_with(&self, text: &str, scratch: &mut Scratch) -> Scan {
        if self.withheld {
            return self.everything(text);
        }
        self.try_scan(text, scratch).unwrap_or_else(|_| self.everything(text))
    }

    fn try_scan(&self, text: &str, scratch: &mut Scratch) -> Result<Scan, IndexError> {
        let mut matches = Matches::default();
        for (number, part) in self.parts.iter().enumerate().skip(1) {
            part.search(number, text, scratch, &mut matches)?;
        }
        let Some(first) = self.parts.first() else { return Ok(Scan::default()) };
        let units = first.search(0, text, scratch, &mut matches)?;
        matches.settle();
        Ok(self.scan_of(text, &units, self.hits(&units, matches)))
    }

    fn hits(&self, units: &Units<'_>, mut matches: Matches) -> Vec<Found> {
        let mut found = std::mem::take(&mut matches.words);
        found.retain(|hit| !matches.shields(*hit));
        let reach = contact::Reach::new(*units);
        // `微信支付 123456`: a cue inside an allowed word is none, whatever stands beside it.
        for cue in matches.cues.iter().filter(|cue| !matches.shields(**cue)) {
            reach.hits(*cue, &matches.contexts, &mut found);
        }
        if !self.marks.is_empty() {
            reach.marks(&self.marks, &mut found);
        }
        let shapes = detect::shapes(units);
        found.extend(shapes.map(|(category, (start, end))| Found {
            start,
            end,
            source: Source::Shape(category),
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

    fn list(&self, found: Found) -> Option<&ListHead> {
        match found.source {
            Source::List(ListId { part, list }) => self.parts.get(part)?.lists.list(list),
            Source::Shape(_) => None,
        }
    }

    fn category(&self, found: Found) -> &str {
        match found.source {
            Source::List(_) => self.list(found).map_or("", |list| &list.category),
            Source::Shape(category) => category,
        }
    }

    fn hit(&self, places: &mut Places<'_>, units: &Units<'_>, found: Found) -> Option<Hit> {
        let list = self.list(found);
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

fn description(meta: &[u8]) -> Result<Description, LexiconError> {
    serde_json::from_slice(meta).map_err(|error| LexiconError::Description(error.to_string()))
}

impl Part {
    /// Adds the matches of one part; gives the units.
    fn search<'s>(
        &'s self,
        number: usize,
        text: &'s str,
        scratch: &'s mut Scratch,
        matches: &mut Matches,
    ) -> Result<Units<'s>, IndexError> {
        let view = self.index.view()?;
        let (units, found) = view.find(text, Mode::Overlapping, scratch)?;
        matches.add((number, &self.lists), &units, found);
        if self.lists.repeated()
            && let Some(collapsed) = Collapsed::of(units.all())
        {
            let mut found = Vec::new();
            view.find_in(&collapsed.units, Mode::Overlapping, &mut found)?;
            let found: Vec<_> = found.into_iter().filter_map(|found| collapsed.original(found)).collect();
            matches.add_repeated((number, &self.lists), &units, &found);
        }
        Ok(units)
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
