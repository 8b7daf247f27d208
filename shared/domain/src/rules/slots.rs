//! The facts that a pack's conditions name, as small numbers: computed once for an event, read by every condition.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::Object;

use super::expression::LEVELS;
use super::names::{Domain, Fact};
use super::{Found, Observed};
use crate::lexicon::Severity;

/// Which texts: the first part of a name such as `text.contact_diversion`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// What the person wrote.
    Text,
    /// The values of a form.
    Form,
    /// What is about to leave: text and title.
    Message,
    /// Any of them.
    Any,
}

impl Group {
    const ALL: [Self; 4] = [Self::Text, Self::Form, Self::Message, Self::Any];

    fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Form => "form",
            Self::Message => "message",
            Self::Any => "any",
        }
    }

    pub(super) fn has(self, field: &str) -> bool {
        match self {
            Self::Text => field == "text",
            Self::Form => field.starts_with("form."),
            Self::Message => {
                matches!(field, "message" | "title" | "image_text") || field.starts_with("fields.")
            }
            Self::Any => true,
        }
    }
}

/// One fact that a condition names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Slot {
    /// One of the catalogue.
    Fact(Fact),
    /// The highest severity of a category in some texts: 0 none, 1 low, 2 medium, 3 high.
    Found {
        /// Which texts.
        group: Group,
        /// Which category.
        category: String,
    },
}

const HIGHEST: u8 = 3;

impl Slot {
    /// How many bits its value needs; `None` for texts.
    pub(super) fn bits(&self) -> Option<u32> {
        self.largest().map(|largest| u8::BITS - largest.leading_zeros())
    }

    fn largest(&self) -> Option<u8> {
        match self {
            Self::Found { .. } => Some(HIGHEST),
            Self::Fact(fact) => match fact.domain() {
                Domain::Flag => Some(1),
                Domain::Words(_, count) => Some(count),
                Domain::Number(_, to) => Some(to),
                Domain::Text => None,
            },
        }
    }

    /// Every number that its value may be; `None` for texts.
    pub(super) fn codes(&self) -> Option<std::ops::RangeInclusive<u8>> {
        let from = match self {
            Self::Fact(fact) => match fact.domain() {
                Domain::Number(from, _) => from,
                Domain::Flag | Domain::Words(..) | Domain::Text => 0,
            },
            Self::Found { .. } => 0,
        };
        Some(from..=self.largest()?)
    }

    /// As conditions see a number of it.
    fn value(&self, code: u8) -> Value {
        match self {
            Self::Found { .. } => Value::from(code),
            Self::Fact(fact) => match fact.domain() {
                Domain::Flag => Value::from(code != 0),
                Domain::Words(word, _) => word(code).map_or(Value::from(()), Value::from),
                Domain::Number(..) | Domain::Text => Value::from(code),
            },
        }
    }

    /// As people read it in an explanation.
    pub(super) fn shown(&self, snapshot: &Snapshot, place: usize) -> String {
        if let Some(TextValue(text)) = snapshot.text(place) {
            return text.unwrap_or("none").to_owned();
        }
        let code = snapshot.code(place);
        match self {
            Self::Found { .. } => {
                let level = LEVELS.iter().find(|(_, level)| *level == code);
                level.map_or("not found", |(word, _)| word).to_owned()
            }
            Self::Fact(fact) if matches!(fact.domain(), Domain::Flag) => (code != 0).to_string(),
            Self::Fact(_) => self.value(code).to_string(),
        }
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Fact(fact) => {
                let (section, name) = fact.path();
                format!("{section}.{name}")
            }
            Self::Found { group, category } => format!("{}.{category}", group.as_str()),
        }
    }
}

/// Every fact that a pack names.
#[derive(Debug, Default)]
pub(super) struct Slots {
    all: Vec<Slot>,
    /// Section → name → place in `all`.
    sections: BTreeMap<String, BTreeMap<String, usize>>,
    /// Category → texts and place.
    found: BTreeMap<String, Vec<(Group, usize)>>,
    /// The categories that conditions may name.
    categories: Vec<String>,
}

impl Slots {
    pub(super) fn over(categories: Vec<String>) -> Self {
        Self { categories, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, place: usize) -> Option<&Slot> {
        self.all.get(place)
    }

    /// The place of a name, made if it is new.
    ///
    /// # Errors
    /// What there is, when the name is none.
    pub(super) fn take(&mut self, name: &str) -> Result<usize, String> {
        let (section, word) = name.split_once('.').ok_or_else(|| sections_advice(name))?;
        if let Some(place) = self.sections.get(section).and_then(|names| names.get(word)) {
            return Ok(*place);
        }
        let fact = Fact::ALL.into_iter().find(|fact| fact.path() == (section, word));
        let group = Group::ALL.into_iter().find(|group| group.as_str() == section);
        let slot = match (fact, group) {
            (Some(fact), _) => Slot::Fact(fact),
            (None, Some(group)) if self.categories.iter().any(|category| category == word) => {
                Slot::Found { group, category: word.to_owned() }
            }
            (None, Some(_)) => {
                let known = self.categories.join(", ");
                return Err(format!(
                    "the word lists of this pack have the categories {known}; add the list to `lexicons`"
                ));
            }
            (None, None) => return Err(names_advice(section)),
        };
        let place = self.all.len();
        if let Slot::Found { group, category } = &slot {
            self.found.entry(category.clone()).or_default().push((*group, place));
        }
        self.all.push(slot);
        self.sections.entry(section.to_owned()).or_default().insert(word.to_owned(), place);
        Ok(place)
    }

    /// The values of an event.
    pub(super) fn snapshot(&self, observed: &Observed) -> Snapshot {
        let mut snapshot = Snapshot { codes: Vec::with_capacity(self.all.len()), texts: Vec::new() };
        for (place, slot) in self.all.iter().enumerate() {
            let Slot::Fact(fact) = slot else {
                snapshot.codes.push(0);
                continue;
            };
            if matches!(fact.domain(), Domain::Text) {
                snapshot.texts.push((place, fact.text(observed).map(str::to_owned)));
            }
            snapshot.codes.push(fact.code(observed));
        }
        for Found { field, category, severity, .. } in &observed.inputs.found {
            for (group, place) in self.found.get(category.as_str()).into_iter().flatten() {
                if group.has(field)
                    && let Some(code) = snapshot.codes.get_mut(*place)
                {
                    *code = (*code).max(level(*severity));
                }
            }
        }
        snapshot
    }
}

fn sections_advice(name: &str) -> String {
    let mut sections: Vec<&str> = Fact::ALL.into_iter().map(|fact| fact.path().0).collect();
    sections.extend(Group::ALL.map(Group::as_str));
    sections.sort_unstable();
    sections.dedup();
    if sections.contains(&name) {
        return format!("write `{name}.` and a name");
    }
    format!("names begin with one of {}", sections.join(", "))
}

fn names_advice(section: &str) -> String {
    let mut advice = String::new();
    for fact in Fact::ALL.into_iter().filter(|fact| fact.path().0 == section) {
        let separator = if advice.is_empty() { "there are" } else { "," };
        let _infallible = write!(advice, "{separator} {section}.{}", fact.path().1);
    }
    if advice.is_empty() { sections_advice(section) } else { advice }
}

fn level(severity: Severity) -> u8 {
    match severity {
        Severity::Low => 1,
        Severity::Medium => 2,
        Severity::High => HIGHEST,
    }
}

/// What a place of texts holds; an event may have no value for it.
struct TextValue<'a>(Option<&'a str>);

/// The values of one event, by place.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    pub(super) codes: Vec<u8>,
    pub(super) texts: Vec<(usize, Option<String>)>,
}

impl Snapshot {
    pub(super) fn code(&self, place: usize) -> u8 {
        self.codes.get(place).copied().unwrap_or(0)
    }

    /// The value of a text; `None` when the place holds no text.
    fn text(&self, place: usize) -> Option<TextValue<'_>> {
        let found = self.texts.iter().find(|(at, _)| *at == place);
        found.map(|(_, text)| TextValue(text.as_deref()))
    }

    /// As if this had not been found.
    pub(super) fn without(&self, places: impl IntoIterator<Item = usize>) -> Self {
        let mut other = self.clone();
        for place in places {
            if let Some(code) = other.codes.get_mut(place) {
                *code = 0;
            }
        }
        other
    }
}

/// What an expression sees at the top: the sections and the severities.
#[derive(Debug)]
pub(super) struct Root {
    slots: Arc<Slots>,
    snapshot: Arc<Snapshot>,
}

impl Root {
    pub(super) fn value(slots: &Arc<Slots>, snapshot: &Snapshot) -> Value {
        Value::from_object(Self { slots: Arc::clone(slots), snapshot: Arc::new(snapshot.clone()) })
    }
}

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        if let Some((_, level)) = LEVELS.iter().find(|(word, _)| *word == name) {
            return Some(Value::from(*level));
        }
        self.slots
            .sections
            .contains_key(name)
            .then(|| Value::from_object(Section { root: Arc::clone(self), section: name.to_owned() }))
    }
}

/// `event`, `consent`, …
#[derive(Debug)]
struct Section {
    root: Arc<Root>,
    section: String,
}

impl Object for Section {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let Root { slots, snapshot } = &*self.root;
        let place = *slots.sections.get(&self.section)?.get(key.as_str()?)?;
        if let Some(TextValue(text)) = snapshot.text(place) {
            return Some(text.map_or(Value::from(()), Value::from));
        }
        Some(slots.get(place)?.value(snapshot.code(place)))
    }
}
