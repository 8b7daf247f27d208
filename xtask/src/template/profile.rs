//! Is a release build of the functions what the profile `lambda` says?

use anyhow::{Context as _, Result};
use toml::{Table, Value};

/// Compares `[profile.lambda]` with what `[workspace.metadata.lambda.build]` makes of `cargo lambda build --release`.
pub(super) fn check(manifest: &str) -> Result<Vec<String>> {
    let manifest: Table = manifest.parse().context("Cargo.toml can not be read")?;
    let table = |path: &[&str]| {
        path.iter()
            .try_fold(&manifest, |table, name| table.get(*name)?.as_table())
            .cloned()
            .unwrap_or_default()
    };
    let build = table(&["workspace", "metadata", "lambda", "build"]);
    let lines = build.get("config").and_then(Value::as_array).cloned().unwrap_or_default();
    let settings = lines.iter().filter_map(|line| line.as_str()?.strip_prefix("profile.release."));
    // As one document, for several may be of one table.
    let settings = settings.collect::<Vec<_>>().join("\n");
    let release: Table = settings.parse().with_context(|| format!("`{settings}`"))?;
    let mut small = table(&["profile", "lambda"]);
    small.remove("inherits");
    let mut wrong = Vec::new();
    for name in small.keys().chain(release.keys().filter(|name| !small.contains_key(*name))) {
        if small.get(name) != release.get(name) {
            wrong.push(format!(
                "Cargo.toml: `{name}` is {} in [profile.lambda] and {} in [workspace.metadata.lambda.build]: `sam build` would not make what is measured",
                shown(small.get(name)),
                shown(release.get(name))
            ));
        }
    }
    Ok(wrong)
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "missing".to_owned(), |value| format!("{value:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EQUAL: &str = r#"
        [profile.lambda]
        inherits = "release"
        opt-level = "z"
        [workspace.metadata.lambda.build]
        config = ['profile.release.opt-level="z"', 'profile.release.package.a.opt-level=3', 'profile.release.package.b.opt-level=3']
        [profile.lambda.package]
        a.opt-level = 3
        b.opt-level = 3
    "#;

    #[test]
    fn the_committed_manifest_says_the_same_twice() {
        let manifest = std::fs::read_to_string(crate::workspace::root().join("Cargo.toml")).unwrap();
        assert_eq!(check(&manifest).unwrap(), Vec::<String>::new());
        assert_eq!(check(EQUAL).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_setting_of_one_alone_is_named() {
        for (from, to, named) in [
            ("opt-level = \"z\"", "opt-level = 3", "`opt-level`"),
            ("'profile.release.opt-level=\"z\"', ", "", "`opt-level`"),
            ("package.b.opt-level=3", "package.b.opt-level=2", "`package`"),
        ] {
            let wrong = check(&EQUAL.replace(from, to)).unwrap();
            assert_eq!(wrong.len(), 1, "{wrong:?}");
            assert!(wrong[0].contains(named), "{wrong:?}");
        }
    }
}
