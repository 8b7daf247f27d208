use crate::failure::FailureKind;

/// Why word lists do not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LexiconError {
    /// A category must be `[a-z0-9_]`, so that rules and reports can name it.
    #[error("list `{list}`: category must be 1 to 64 of [a-z0-9_], got `{category}`")]
    BadCategory {
        /// The list.
        list: String,
        /// What came.
        category: String,
    },
    /// The category is a detector's.
    #[error("list `{list}`: category `{category}` belongs to a detector; choose another")]
    ReservedCategory {
        /// The list.
        list: String,
        /// What came.
        category: String,
    },
    /// A list of nothing is a mistake.
    #[error("list `{list}` has neither words nor cues nor allowed words")]
    EmptyList {
        /// The list.
        list: String,
    },
    /// Nothing is left of a word when invisible and interposed characters are gone, or too little to be meant.
    #[error("list `{list}`: word `{word}` has fewer than 2 characters that count")]
    ShortWord {
        /// The list.
        list: String,
        /// The word.
        word: String,
    },
    /// Two lists of one name.
    #[error("list `{list}` is given twice")]
    DuplicateList {
        /// The list.
        list: String,
    },
    /// The automaton could not be built.
    #[error("word lists are too large: {0}")]
    TooLarge(String),
}

impl LexiconError {
    /// A person must mend the lists.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Configuration
    }
}
