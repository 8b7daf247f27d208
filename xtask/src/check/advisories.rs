use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use semver::VersionReq;
use serde::Deserialize;

use crate::workspace::Metadata;

/// The committed list of what must not be in the graph. It works without a network; somebody adds to it when an advisory appears.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    /// Known-bad versions.
    advisory: Vec<Advisory>,
    /// Cryptographic crates of which one version only may be linked: two would mean two implementations to trust.
    single: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advisory {
    /// The advisory's number.
    id: String,
    /// The crate.
    package: String,
    /// Versions that are mended; none when no version is.
    #[serde(default)]
    patched: Vec<VersionReq>,
    /// Versions from before the flaw.
    #[serde(default)]
    unaffected: Vec<VersionReq>,
    /// What is wrong.
    what: String,
}

impl List {
    /// Reads the list.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).context("the list of advisories can not be read")
    }
}

/// Names every known-bad version, every doubled cryptographic crate, and a doubtful TLS provider.
pub(crate) fn check(metadata: &Metadata, list: &List) -> Vec<String> {
    let mut problems = Vec::new();
    let mut versions: BTreeMap<&str, BTreeSet<&semver::Version>> = BTreeMap::new();
    for package in &metadata.packages {
        versions.entry(&package.name).or_default().insert(&package.version);
    }
    for advisory in &list.advisory {
        for version in versions.get(advisory.package.as_str()).into_iter().flatten() {
            let fine = |requirements: &[VersionReq]| requirements.iter().any(|fine| fine.matches(version));
            if !fine(&advisory.patched) && !fine(&advisory.unaffected) {
                problems
                    .push(format!("`{} {version}`: {}: {}", advisory.package, advisory.id, advisory.what));
            }
        }
    }
    for name in &list.single {
        if let Some(found) = versions.get(name.as_str())
            && found.len() > 1
        {
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            problems.push(format!("`{name}` is linked in {} versions: {}", found.len(), found.join(", ")));
        }
    }
    problems.extend(tls_provider(metadata));
    problems
}

/// With two providers compiled in, rustls refuses at run time to choose one.
fn tls_provider(metadata: &Metadata) -> Option<String> {
    let rustls = metadata.packages.iter().find(|package| package.name == "rustls")?;
    let node = metadata.resolve.nodes.iter().find(|node| node.id == rustls.id)?;
    let providers: Vec<&str> = ["ring", "aws_lc_rs"]
        .into_iter()
        .filter(|name| node.features.iter().any(|feature| feature == name))
        .collect();
    (providers.len() != 1).then(|| {
        format!("`rustls` must have one provider, has {}: {}", providers.len(), providers.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(packages: &[(&str, &str)], rustls_features: &[&str]) -> Metadata {
        let packages: Vec<serde_json::Value> = packages
            .iter()
            .map(|(name, version)| serde_json::json!({"id": format!("{name}@{version}"), "name": name, "version": version, "license": "MIT", "manifest_path": "Cargo.toml", "targets": []}))
            .collect();
        let node = serde_json::json!({"id": "rustls@0.23.40", "features": rustls_features});
        serde_json::from_value(serde_json::json!({
            "packages": packages, "resolve": {"nodes": [node]}, "workspace_members": [], "target_directory": "target"
        }))
        .unwrap()
    }

    fn list() -> List {
        List::parse(
            r#"
            single = ["sha2"]
            [[advisory]]
            id = "RUSTSEC-0000-0001"
            package = "bad"
            patched = [">=1.2.0", "^1.1.4"]
            unaffected = ["<1.0.0"]
            what = "it breaks"
            "#,
        )
        .unwrap()
    }

    #[test]
    fn names_a_version_that_is_neither_mended_nor_older_than_the_flaw() {
        for (version, bad) in
            [("1.0.0", true), ("1.1.3", true), ("1.1.4", false), ("1.2.0", false), ("0.9.9", false)]
        {
            let problems = check(&graph(&[("bad", version)], &[]), &list());
            assert_eq!(problems.len(), usize::from(bad), "{version}: {problems:?}");
        }
    }

    #[test]
    fn names_a_cryptographic_crate_in_two_versions() {
        assert!(check(&graph(&[("sha2", "0.11.1")], &[]), &list()).is_empty());
        let problems = check(&graph(&[("sha2", "0.11.1"), ("sha2", "0.10.9")], &[]), &list());
        assert_eq!(problems, ["`sha2` is linked in 2 versions: 0.10.9, 0.11.1"]);
    }

    #[test]
    fn wants_exactly_one_tls_provider() {
        for (features, fine) in
            [(&["ring", "std"][..], true), (&["ring", "aws_lc_rs"], false), (&["std"], false)]
        {
            let problems = check(&graph(&[("rustls", "0.23.40")], features), &list());
            assert_eq!(problems.is_empty(), fine, "{features:?}: {problems:?}");
        }
    }

    #[test]
    fn the_committed_list_can_be_read() {
        let path = crate::workspace::root().join(".ci/advisories.toml");
        assert!(!List::parse(&std::fs::read_to_string(path).unwrap()).unwrap().advisory.is_empty());
    }
}
