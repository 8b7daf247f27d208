use crate::index::{BuildError, IndexError};

/// Why word lists do not compile, or a compiled lexicon does not open. A person must mend it: to the pipeline it is a matter of
/// configuration.
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
    /// A word has too little that counts, or too much.
    #[error("list `{list}`: word `{word}` has {cause}")]
    BadWord {
        /// The list.
        list: String,
        /// The word.
        word: String,
        /// What is wrong with it.
        cause: BuildError,
    },
    /// Two lists of one name.
    #[error("list `{list}` is given twice")]
    DuplicateList {
        /// The list.
        list: String,
    },
    /// More words, or more different lists, than one lexicon takes.
    #[error("word lists are too large: {0}")]
    TooLarge(BuildError),
    /// A compiled lexicon that is none, or is damaged.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// What a compiled lexicon says of its lists is not what this version reads.
    #[error("a compiled lexicon whose description of its lists cannot be read: {0}")]
    Description(String),
}
