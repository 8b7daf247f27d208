//! Configuration files to domain types: everything is checked before anything is used.
//!
//! A configuration directory holds `sluice.yaml` (the tenants), `rules/*.yaml` (rule packs) and `lexicons/*.yaml` (word lists).
//! [`load`] gives [`sluice_domain::settings::Settings`] or every problem that was found, each with its file, line and column;
//! there is no half-loaded configuration. [`LastGood`] keeps the last good one when a reload fails.
//!
//! Secrets are never in these files: they are named there, and a value that looks like a credential is refused
//! (`secret_not_a_name`) without being quoted.

mod bundle;
mod check;
mod current;
mod file;
mod last_good;
mod packs;
mod problem;
mod yaml;

use std::path::Path;

use sluice_domain::settings::Settings;

pub use bundle::Bundle;
pub use current::CurrentSettings;
pub use last_good::LastGood;
pub use problem::{LoadError, Problem, Report};

/// The file that lists the tenants.
pub const MAIN_FILE: &str = "sluice.yaml";

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
    let (settings, report) = assemble(bundle);
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
    assemble(bundle).1
}

fn assemble(bundle: &Bundle) -> (Option<Settings>, Report) {
    let mut report = Report { problems: bundle.problems().to_vec(), ..Report::default() };
    let packs = packs::compile_all(bundle, &mut report.problems);
    report.rule_packs = packs.values().flatten().count();
    let settings = match yaml::read::<file::SettingsFile>(bundle, MAIN_FILE) {
        Ok((file, _)) => Some(check::settings(file, &packs, &mut report)),
        Err(problem) => {
            report.problems.push(problem);
            None
        }
    };
    report.problems.sort();
    report.problems.dedup();
    (settings, report)
}
