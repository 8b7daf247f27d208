//! Rule packs and the word lists they name, compiled. The one place that knows how a pack comes to be.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_domain::lexicon::{Lexicon, WordList};
use sluice_domain::rules::RulePack;

use crate::{Bundle, Problem, yaml};

/// The folder of the rule packs.
const RULES: &str = "rules";

/// The folder of the word lists.
const LEXICONS: &str = "lexicons";

/// Word lists by file name without its ending: what a pack names.
type Lists = BTreeMap<String, WordList>;

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
        let list = match yaml::read::<WordList>(bundle, &file) {
            Ok((list, _)) => list,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        match Lexicon::compile(vec![list.clone()]) {
            Ok(_) => drop(lists.insert(name.trim_end_matches(".yaml").to_owned(), list)),
            Err(error) => problems.push(Problem::unplaced(&file, "word_list", error.to_string())),
        }
    }
    lists
}

/// One pack with its word lists.
fn compile(bundle: &Bundle, name: &str, lists: &Lists) -> Result<RulePack, Vec<Problem>> {
    let file = format!("{RULES}/{name}");
    let (_source, _sha256) =
        yaml::read::<serde_json::Value>(bundle, &file).map_err(|problem| vec![problem])?;
    Lexicon::compile(lists.values().cloned().collect())
        .map_err(|error| vec![Problem::unplaced(&file, "rule_pack", error.to_string())])?;
    Ok(RulePack {})
}
