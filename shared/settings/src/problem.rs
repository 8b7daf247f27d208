use std::fmt;

use serde::Serialize;
use serde_saphyr::Spanned;
use sluice_domain::failure::FailureKind;

/// One thing that is wrong with a configuration directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The file, relative to the directory.
    pub file: String,
    /// The line, from 1, when one can be named.
    pub line: Option<u64>,
    /// The column, from 1, in characters.
    pub column: Option<u64>,
    /// Stable code: `syntax`, `unknown_destination`, `weights_sum`, …
    pub code: &'static str,
    /// What was expected and what came; never a secret.
    pub message: String,
}

impl Problem {
    /// A problem of a whole file.
    pub(crate) fn unplaced(file: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, column: None, code, message: message.into() }
    }

    /// A problem at the place of a value.
    pub(crate) fn at<T>(file: &str, at: &Spanned<T>, code: &'static str, message: impl Into<String>) -> Self {
        let place = (at.referenced.line() > 0).then_some(at.referenced);
        Self {
            file: file.to_owned(),
            line: place.map(|place| place.line()),
            column: place.map(|place| place.column()),
            code,
            message: message.into(),
        }
    }
}

/// `sluice.yaml:12:7: weights_sum: …`, as compilers and editors write it.
impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(out, ":{line}:{column}")?;
        }
        write!(out, ": {}: {}", self.code, self.message)
    }
}

/// What `sluice config check` shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Everything that is wrong, by file and line; empty = it loads.
    pub problems: Vec<Problem>,
    /// How many tenants are configured.
    pub tenants: usize,
    /// How many sources, over all tenants.
    pub sources: usize,
    /// How many forms.
    pub forms: usize,
    /// How many routes.
    pub routes: usize,
    /// How many destinations.
    pub destinations: usize,
    /// How many experiments.
    pub experiments: usize,
    /// How many scripts.
    pub scripts: usize,
    /// How many rule packs compiled.
    pub rule_packs: usize,
}

impl Report {
    /// Would [`crate::load`] succeed?
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Why a configuration directory was not loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LoadError {
    /// Everything that is wrong; never empty.
    pub problems: Vec<Problem>,
}

impl LoadError {
    /// A person must mend the files.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Configuration
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [] => out.write_str("configuration was not loaded"),
            [only] => only.fmt(out),
            [first, rest @ ..] => write!(out, "{first} (and {} more)", rest.len()),
        }
    }
}
