use std::collections::BTreeSet;

use crate::description::{Class, Description, ListHead, Role};
use crate::fold::fold_text;
use crate::index::{BuildError, Built, IndexBuilder};
use crate::{Form, LexiconError, WordList, detect, forms};

/// What became of many words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bulk {
    /// They count.
    pub taken: u64,
    /// Less than two characters that count.
    pub short: u64,
    /// Too long for an index.
    pub long: u64,
}

/// Word lists on their way into an index.
pub struct Compiler {
    ids: BTreeSet<String>,
    builder: IndexBuilder,
    description: Description,
}

impl Compiler {
    /// With no list yet.
    pub fn new() -> Self {
        Self { ids: BTreeSet::new(), builder: IndexBuilder::new(), description: Description::default() }
    }

    /// Adds a list.
    ///
    /// # Errors
    /// [`LexiconError`], naming the list and the word.
    pub fn add(&mut self, list: &WordList) -> Result<(), LexiconError> {
        if list.words.is_empty() && list.cues.is_empty() && list.allow.is_empty() {
            return Err(LexiconError::EmptyList { list: list.id.clone() });
        }
        let number = self.begin(list)?;
        let roles = [
            (Role::Word, &list.words),
            (Role::Cue, &list.cues),
            (Role::Context, &list.contexts),
            (Role::Allow, &list.allow),
        ];
        for (role, words) in roles {
            let tag = self.class(Class { list: number, role, form: Form::Plain })?;
            for word in words.iter().filter(|word| role != Role::Cue || mark(word).is_none()) {
                self.word(list, word, tag)?;
            }
            if matches!(role, Role::Word | Role::Cue) {
                self.forms(list, number, role, words)?;
            }
        }
        Ok(())
    }

    /// Adds many words to what `list` itself says, such as the lines of a file. What is too short or too long to be a word is counted, not
    /// refused: large lists of others' making have such lines.
    ///
    /// # Errors
    /// [`LexiconError`], when the list or the whole is at fault.
    pub fn add_words<'w>(
        &mut self,
        list: &WordList,
        words: impl Iterator<Item = &'w str>,
    ) -> Result<Bulk, LexiconError> {
        let number = self.begin(list)?;
        let tag = self.class(Class { list: number, role: Role::Word, form: Form::Plain })?;
        let mut bulk = Bulk::default();
        for word in words {
            match self.builder.add(word, tag) {
                Ok(()) => bulk.taken += 1,
                Err(BuildError::Short) => bulk.short += 1,
                Err(BuildError::Long) => bulk.long += 1,
                Err(cause @ BuildError::TooLarge) => return Err(LexiconError::TooLarge(cause)),
            }
        }
        Ok(bulk)
    }

    /// Notes a list; gives its number.
    fn begin(&mut self, list: &WordList) -> Result<u16, LexiconError> {
        check(list)?;
        if !self.ids.insert(list.id.clone()) {
            return Err(LexiconError::DuplicateList { list: list.id.clone() });
        }
        let number = u16::try_from(self.description.lists.len())
            .map_err(|_| LexiconError::TooLarge(BuildError::TooLarge))?;
        self.description.lists.push(ListHead {
            id: list.id.clone(),
            category: list.category.clone(),
            severity: list.severity,
            origin: list.origin.clone(),
            repeated: list.forms.contains(&Form::Repeated),
            marks: list.cues.iter().filter_map(|cue| mark(cue)).collect(),
        });
        Ok(number)
    }

    /// The other ways of writing that the list asks for. Repeated characters need no words of their own.
    fn forms(
        &mut self,
        list: &WordList,
        number: u16,
        role: Role,
        words: &[String],
    ) -> Result<(), LexiconError> {
        for form in &list.forms {
            let made = match form {
                Form::Plain | Form::Repeated => continue,
                Form::Pinyin => forms::pinyin,
                Form::Split => forms::split,
            };
            let tag = self.class(Class { list: number, role, form: *form })?;
            for written in words.iter().filter(|word| mark(word).is_none()).flat_map(|word| made(word)) {
                // A form may be too long for the index, though the word is not.
                match self.builder.add(&written, tag) {
                    Ok(()) | Err(BuildError::Long) => {}
                    Err(cause) => {
                        return Err(LexiconError::BadWord { list: list.id.clone(), word: written, cause });
                    }
                }
            }
        }
        Ok(())
    }

    /// The tag of a class that is new.
    fn class(&mut self, class: Class) -> Result<u16, LexiconError> {
        let tag = u16::try_from(self.description.classes.len());
        self.description.classes.push(class);
        tag.map_err(|_| LexiconError::TooLarge(BuildError::TooLarge))
    }

    fn word(&mut self, list: &WordList, word: &str, tag: u16) -> Result<(), LexiconError> {
        self.builder.add(word, tag).map_err(|cause| LexiconError::BadWord {
            list: list.id.clone(),
            word: word.to_owned(),
            cause,
        })
    }

    /// The index and the description that belongs into it.
    ///
    /// # Errors
    /// [`LexiconError::TooLarge`].
    pub fn build(self) -> Result<(Built, Vec<u8>), LexiconError> {
        let Self { builder, mut description, .. } = self;
        let mut built = builder.build().map_err(LexiconError::TooLarge)?;
        description.tags = std::mem::take(&mut built.tags);
        let description =
            serde_json::to_vec(&description).map_err(|error| LexiconError::Description(error.to_string()))?;
        Ok((built, description))
    }
}

impl Default for Compiler {
    fn default() -> Self {
        Self::new()
    }
}

/// A cue of one character.
fn mark(cue: &str) -> Option<char> {
    let folded = fold_text(cue);
    let mut chars = folded.chars();
    chars.next().filter(|_| chars.next().is_none())
}

fn check(list: &WordList) -> Result<(), LexiconError> {
    let category = list.category.clone();
    let plain = category.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !plain || !(1..=64).contains(&category.len()) {
        return Err(LexiconError::BadCategory { list: list.id.clone(), category });
    }
    if detect::CATEGORIES.contains(&category.as_str()) {
        return Err(LexiconError::ReservedCategory { list: list.id.clone(), category });
    }
    Ok(())
}
