//! `sluice config`.

use std::path::Path;

use serde_json::json;
use sluice_settings::{Bundle, COMPILED_FILE, CompiledSettings, Report, check, check_bundle, compile};

use crate::builtin;
use crate::exit::Exit;
use crate::output::{CommandError, Output};

/// `sluice config check`: every problem, not only the first.
pub fn check_all(directory: Option<&Path>) -> Output {
    let report = directory.map_or_else(|| check_bundle(&builtin::bundle()), check);
    let exit = if report.is_ok() { Exit::Ok } else { Exit::Configuration };
    Output::one(exit, text(&report), json!(report))
}

fn text(report: &Report) -> String {
    if report.is_ok() {
        let Report { tenants, sources, forms, routes, destinations, scripts, rule_packs, .. } = report;
        return format!(
            "good: {tenants} tenants, {sources} sources, {forms} forms, {routes} routes, {destinations} destinations, {scripts} scripts, {rule_packs} rule packs"
        );
    }
    let lines: Vec<_> = report.problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// `sluice config compile`: nothing is written unless everything is good.
///
/// # Errors
/// When the file can not be written.
pub fn compile_to(from: Option<&Path>, directory: &Path) -> Result<Output, CommandError> {
    let bundle = from.map_or_else(builtin::bundle, Bundle::read);
    let compiled = match compile(&bundle) {
        Ok(compiled) => compiled,
        Err(error) => {
            // What is wrong with the configuration itself is told whole; the rest is only in the way of compiling it.
            let checked = check_all(from);
            return match checked.exit {
                Exit::Ok => Err(CommandError::configuration(error.to_string())),
                _ => Ok(checked),
            };
        }
    };
    let file = directory.join(COMPILED_FILE);
    let written = std::fs::create_dir_all(directory).and_then(|()| std::fs::write(&file, &compiled));
    written.map_err(|error| CommandError::usage(format!("can not write `{}`: {error}", file.display())))?;
    beside(&bundle, &compiled, directory)?;
    let text = format!("wrote `{}`, {} bytes", file.display(), compiled.len());
    Ok(Output::one(Exit::Ok, text, json!({ "file": file, "bytes": compiled.len() })))
}

/// Puts the compiled lexicons and the images that the compiled file names beside it.
fn beside(bundle: &Bundle, compiled: &[u8], directory: &Path) -> Result<(), CommandError> {
    let compiled =
        CompiledSettings::read(compiled).map_err(|error| CommandError::configuration(error.to_string()))?;
    let folder = directory.join("lexicons");
    for (name, _) in compiled.lexicons() {
        let (from, to) =
            (bundle.lexicon(name).unwrap_or(Path::new(name)), folder.join(format!("{name}.slx")));
        let copied = std::fs::create_dir_all(&folder).and_then(|()| std::fs::copy(from, &to));
        copied.map_err(|error| CommandError::usage(format!("can not write `{}`: {error}", to.display())))?;
    }
    let folder = directory.join("images");
    for image in compiled.images() {
        let to = folder.join(image.name.as_str());
        let bytes = bundle.image_bytes(image).map_err(CommandError::configuration)?;
        let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&to, bytes));
        written.map_err(|error| CommandError::usage(format!("can not write `{}`: {error}", to.display())))?;
    }
    Ok(())
}

/// `sluice config init`.
///
/// # Errors
/// When the directory is there already or can not be written.
pub fn init(directory: &Path) -> Result<Output, CommandError> {
    builtin::write(directory).map_err(|error| {
        CommandError::usage(format!(
            "can not write `{}`: {error}; give a directory that is not there yet",
            directory.display()
        ))
    })?;
    let (count, shown) = (builtin::FILES.len(), directory.display());
    let text = format!("wrote {count} files to `{shown}`; next: sluice config check --config {shown}");
    Ok(Output::one(Exit::Ok, text, json!({ "files": count })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_domain::lexicon::{Compiler, Severity, WordList};

    #[test]
    fn a_compiled_lexicon_is_put_beside_what_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let (config, out) = (folder.path().join("config"), folder.path().join("out"));
        builtin::write(&config).unwrap();
        let list = WordList {
            id: "large".into(),
            category: "large".into(),
            severity: Severity::High,
            origin: "test".into(),
            words: vec!["稀奇古怪".into()],
            cues: vec![],
            contexts: vec![],
            allow: vec![],
            forms: vec![],
        };
        let mut compiler = Compiler::new();
        compiler.add(&list).unwrap();
        let (built, description) = compiler.build().unwrap();
        std::fs::write(config.join("lexicons/large.slx"), built.into_bytes(description)).unwrap();
        let pack = config.join("rules/platform.yaml");
        let text = std::fs::read_to_string(&pack).unwrap();
        std::fs::write(&pack, text.replacen("lexicons:\n", "lexicons:\n  - large\n", 1)).unwrap();
        assert_eq!(compile_to(Some(&config), &out).unwrap().exit, Exit::Ok);
        let settings = std::fs::read(out.join(COMPILED_FILE)).unwrap();
        let loaded = sluice_settings::load_compiled(&settings, &out).unwrap();
        let rules = &loaded.tenants.values().next().unwrap().rules;
        assert!(rules.lexicon().scan("稀·奇古怪").hits.iter().any(|hit| hit.category == "large"));
    }
}
