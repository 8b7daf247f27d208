//! What an index's tags mean: kept beside its words.

use serde::{Deserialize, Serialize};

use crate::{Form, Severity};

/// What a word is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// A hit.
    Word,
    /// A hit near an account, a number or a context.
    Cue,
    /// Turns a cue into a hit.
    Context,
    /// Takes the hits inside it away.
    Allow,
}

/// What words have in common: a tag of the index before equal words are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Class {
    /// Index into the lists.
    pub(crate) list: u16,
    pub(crate) role: Role,
    pub(crate) form: Form,
}

/// A list without its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListHead {
    /// Its name.
    pub id: String,
    /// What its words are.
    pub category: String,
    /// How grave a hit is.
    pub severity: Severity,
    /// Where the words come from and under which terms.
    pub origin: String,
    /// Words count when their characters are repeated.
    pub(crate) repeated: bool,
    /// Cues of one character.
    #[serde(default)]
    pub(crate) marks: Vec<char>,
}

/// What an index's tags mean; kept in its section `meta` as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Description {
    pub(crate) lists: Vec<ListHead>,
    pub(crate) classes: Vec<Class>,
    /// For each tag of the index, indices into `classes`.
    pub(crate) tags: Vec<Vec<u16>>,
}

impl Description {
    /// Does any list ask for repeated characters?
    pub(crate) fn repeated(&self) -> bool {
        self.lists.iter().any(|list| list.repeated)
    }

    /// The lists.
    pub(crate) fn lists(&self) -> impl Iterator<Item = &ListHead> {
        self.lists.iter()
    }

    /// One list.
    pub(crate) fn list(&self, number: u16) -> Option<&ListHead> {
        self.lists.get(usize::from(number))
    }

    /// What a tag stands for.
    pub(crate) fn classes(&self, tag: u16) -> impl Iterator<Item = Class> {
        let classes = self.tags.get(usize::from(tag)).map(Vec::as_slice).unwrap_or_default();
        classes.iter().filter_map(|class| self.classes.get(usize::from(*class)).copied())
    }
}
