//! Rule packs and the word lists they name, compiled. The one place that knows how a pack comes to be.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_domain::rules::RulePack;

use crate::{Bundle, Problem, yaml};

/// The folder of the rule packs.
const RULES: &str = "rules";

/// Compiled packs by file name; `None` for one that did not compile (its problems are told already).
pub(crate) type Packs = BTreeMap<String, Option<Arc<RulePack>>>;

/// Compiles every pack of the bundle, used or not: a bad one must show before somebody switches to it.
pub(crate) fn compile_all(bundle: &Bundle, problems: &mut Vec<Problem>) -> Packs {
    let mut packs = Packs::new();
    for name in bundle.names_in(RULES) {
        let pack = compile(bundle, name).map_err(|found| problems.extend(found)).ok();
        packs.insert(name.to_owned(), pack.map(Arc::new));
    }
    packs
}

/// One pack with its word lists.
fn compile(bundle: &Bundle, name: &str) -> Result<RulePack, Vec<Problem>> {
    let file = format!("{RULES}/{name}");
    let (_source, _sha256) =
        yaml::read::<serde_json::Value>(bundle, &file).map_err(|problem| vec![problem])?;
    Ok(RulePack {})
}
