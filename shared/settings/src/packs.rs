//! Rule packs and the word lists they name, compiled. The one place that knows how a pack comes to be.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use sluice_domain::lexicon::{Lexicon, WordList};
use sluice_domain::rules::{PackSource, RulePack};

use crate::{Bundle, Problem, yaml};

/// The folder of the rule packs.
const RULES: &str = "rules";

/// The folder of the word lists.
const LEXICONS: &str = "lexicons";

/// Word lists by file name without its ending, as a pack names them, each with the lower-case hex SHA-256 of its file; `None` for
/// a bad one (its problem is told already).
type Lists = BTreeMap<String, Option<(WordList, String)>>;

/// Compiled packs by file name; `None` for one that did not compile (its problems are told already).
pub(crate) type Packs = BTreeMap<String, Option<Arc<RulePack>>>;

/// Compiles every pack of the bundle, used or not: a bad one must show before somebody switches to it.
pub(crate) fn compile_all(bundle: &Bundle, problems: &mut Vec<Problem>) -> Packs {
    let lists = word_lists(bundle, problems);
    let mut packs = Packs::new();
    for name in bundle.names_in(RULES) {
        let pack = compile(bundle, name, &lists).map_err(|found| problems.extend(found)).ok();
        packs.insert(name.to_owned(), pack.map(Arc::new));
    }
    packs
}

/// Every word list, each compiled by itself first, so that a problem is told with its file.
fn word_lists(bundle: &Bundle, problems: &mut Vec<Problem>) -> Lists {
    let mut lists = Lists::new();
    for name in bundle.names_in(LEXICONS) {
        let file = format!("{LEXICONS}/{name}");
        let list = yaml::read::<WordList>(bundle, &file).and_then(|(list, sha256)| {
            Lexicon::compile(vec![list.clone()])
                .map(|_| (list, sha256))
                .map_err(|error| Problem::unplaced(&file, "word_list", error.to_string()))
        });
        lists.insert(
            name.trim_end_matches(".yaml").to_owned(),
            list.map_err(|problem| problems.push(problem)).ok(),
        );
    }
    lists
}

/// One pack with its word lists.
fn compile(bundle: &Bundle, name: &str, lists: &Lists) -> Result<RulePack, Vec<Problem>> {
    let file = format!("{RULES}/{name}");
    let (source, sha256) = yaml::read::<PackSource>(bundle, &file).map_err(|problem| vec![problem])?;
    let mut digest = Sha256::new_with_prefix(sha256);
    let (mut chosen, mut problems) = (Vec::new(), Vec::new());
    for wanted in &source.lexicons {
        match lists.get(wanted) {
            Some(Some((list, sha256))) => {
                digest.update(sha256);
                chosen.push(list.clone());
            }
            // A bad list is told with its own file; a pack without it must not pass all the same.
            Some(None) => problems.push(Problem::unplaced(
                &file,
                "bad_word_list",
                format!("word list `{wanted}` is not usable"),
            )),
            None => problems.push(Problem::unplaced(
                &file,
                "unknown_word_list",
                format!("no word list `{wanted}` in {LEXICONS}/"),
            )),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let refused = |cause: String| vec![Problem::unplaced(&file, "rule_pack", cause)];
    let lexicon = Lexicon::compile(chosen).map_err(|error| refused(error.to_string()))?;
    RulePack::compile(source, lexicon, hex::encode(digest.finalize()))
        .map_err(|error| refused(error.to_string()))
}
