use crate::{Form, Severity};

/// What a scan found, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// The hits. Two of one category never overlap: the leftmost, then the longest, is kept.
    pub hits: Vec<Hit>,
}

/// One hit.
#[derive(Clone, PartialEq, Eq)]
pub struct Hit {
    /// The category of the list, or a detector's.
    pub category: String,
    /// The id of the list; empty for a detector.
    pub list: String,
    /// How it was written.
    pub form: Form,
    /// First character (Unicode scalar value) in the original text.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// The original characters, with everything interposed. It may be personal: never log it.
    pub matched: String,
    /// How grave.
    pub severity: Severity,
}

/// Without the matched text, which may be personal.
impl std::fmt::Debug for Hit {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Hit({} {}..{} {:?})", self.category, self.start, self.end, self.severity)
    }
}
