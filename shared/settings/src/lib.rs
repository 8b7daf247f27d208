//! Configuration files to domain types: everything is checked before anything is used.
//!
//! A configuration directory holds `sluice.yaml` (the tenants), `rules/*.yaml` (rule packs), `lexicons/*.yaml` (word lists) and `images/*` (PNG
//! and JPEG files that scripts send).
//! [`load`] gives [`sluice_domain::settings::Settings`] or every problem that was found, each with its file, line and column;
//! there is no half-loaded configuration. [`LastGood`] keeps the last good one when a reload fails.
//!
//! A function does not read YAML: [`compile`] makes one JSON file of a directory that was found good, and [`load_compiled`] takes it.
//! Compiled lexicons and images stay files beside it.
//!
//! Secrets are never in these files: they are named there, and a value that looks like a credential is refused
//! (`secret_not_a_name`) without being quoted.

mod bundle;
mod check;
mod compiled;
mod current;
mod file;
mod images;
mod last_good;
mod lexicon_file;
mod pack_file;
mod packed_words;
mod packs;
mod problem;
mod word_list;
mod yaml;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sluice_domain::rules::{Case, RulePack};
use sluice_domain::settings::Settings;

pub use bundle::Bundle;
pub use compiled::{COMPILED_FILE, CompiledSettings, Lexicons, compile, load_compiled};
pub use current::CurrentSettings;
pub use images::image_in;
pub use last_good::LastGood;
pub use lexicon_file::CompiledLexicon;
pub use problem::{LoadError, Problem, Report};
pub use word_list::word_list;

/// The file that lists the tenants.
pub const MAIN_FILE: &str = "sluice.yaml";

/// How closely rule packs are looked at. That they are whole, cite their basis and name only what exists is looked at always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Care {
    /// Their meaning, too: rules that never decide, conditions that never hold, their own tests.
    #[default]
    Full,
    /// Not their meaning: these bytes passed [`Care::Full`] when they were published or deployed, and a function that starts has no time to
    /// find the same again.
    Published,
}

/// Reads and checks a configuration directory.
///
/// # Errors
/// [`LoadError`] with every problem found.
pub fn load(dir: &Path) -> Result<Settings, LoadError> {
    load_bundle(&Bundle::read(dir))
}

/// As [`load`], from texts that are in memory already.
///
/// # Errors
/// [`LoadError`] with every problem found.
pub fn load_bundle(bundle: &Bundle) -> Result<Settings, LoadError> {
    load_with(bundle, Care::Full)
}

/// As [`load_bundle`], with the care that is needed.
///
/// # Errors
/// [`LoadError`] with every problem found.
pub fn load_with(bundle: &Bundle, care: Care) -> Result<Settings, LoadError> {
    let (settings, report) = assemble(bundle, care);
    match settings {
        Some(settings) if report.is_ok() => Ok(settings),
        _ => Err(LoadError { problems: report.problems }),
    }
}

/// Everything that is wrong with a configuration directory, and how much is in it.
pub fn check(dir: &Path) -> Report {
    check_bundle(&Bundle::read(dir))
}

/// As [`check`], from texts that are in memory already.
pub fn check_bundle(bundle: &Bundle) -> Report {
    assemble(bundle, Care::Full).1
}

/// The rule packs of a bundle by file name, without its tenants, and what is wrong with the others.
pub fn rule_packs(bundle: &Bundle, care: Care) -> (BTreeMap<String, Arc<RulePack>>, Vec<Problem>) {
    let mut problems = Vec::new();
    let packs = packs::compile_all(bundle, care, None, &mut problems);
    problems.sort();
    problems.dedup();
    (packs.into_iter().filter_map(|(name, pack)| Some((name, pack?))).collect(), problems)
}

/// Facts as people write them, in YAML or JSON.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn case(text: &str, file: &str) -> Result<Case, Problem> {
    yaml::parse(text, file)
}

fn assemble(bundle: &Bundle, care: Care) -> (Option<Settings>, Report) {
    let mut report = Report { problems: bundle.problems().to_vec(), ..Report::default() };
    let file = yaml::read::<file::SettingsFile>(bundle, MAIN_FILE)
        .map(|(file, _)| file)
        .map_err(|problem| report.problems.push(problem))
        .ok();
    // A bad pack must show before somebody switches to it; a function that starts needs those in use alone.
    let wanted = match (care, &file) {
        (Care::Published, Some(file)) => Some(file.packs()),
        (Care::Published, None) | (Care::Full, _) => None,
    };
    let packs = packs::compile_all(bundle, care, wanted.as_ref(), &mut report.problems);
    report.rule_packs = packs.values().flatten().count();
    let settings = file.map(|mut file| {
        let _looked_at = images::attach(&mut file, bundle, &mut report.problems);
        check::settings(file, &packs, &mut report)
    });
    report.problems.sort();
    report.problems.dedup();
    (settings, report)
}
