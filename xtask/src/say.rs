//! What a chore tells the person who started it.

use std::io::Write as _;

/// A line of the answer, on standard output.
pub(crate) fn line(text: &str) {
    // Nobody is left to tell when standard output is closed.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Which part of the chore begins, on standard error.
pub(crate) fn step(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "── {text}");
}

/// Why the chore failed, on standard error.
pub(crate) fn problem(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "xtask: {text}");
}
