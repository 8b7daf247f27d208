use sluice_domain::lexicon::WordList;

use crate::{Bundle, Problem, yaml};

/// Reads one word list; `name` is what problems call it.
///
/// # Errors
/// The problem, with its place.
pub fn word_list(name: &str, text: &[u8]) -> Result<WordList, Problem> {
    let bundle: Bundle = [(name, text)].into_iter().collect();
    yaml::read(&bundle, name).map(|(list, _)| list)
}
