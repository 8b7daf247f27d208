use std::collections::BTreeSet;

use crate::description::{Class, Description, ListHead, Role};
use crate::index::{BuildError, Built, IndexBuilder};
use crate::{Form, LexiconError, PHONE_NUMBER, WordList, forms};

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
        });
        let roles = [
            (Role::Word, &list.words),
            (Role::Cue, &list.cues),
            (Role::Context, &list.contexts),
            (Role::Allow, &list.allow),
        ];
        for (role, words) in roles {
            let tag = self.class(Class { list: number, role, form: Form::Plain })?;
            for word in words {
                self.word(list, word, tag)?;
            }
            if matches!(role, Role::Word | Role::Cue) {
                self.forms(list, number, role, words)?;
            }
        }
        Ok(())
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
            for written in words.iter().flat_map(|word| made(word)) {
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
