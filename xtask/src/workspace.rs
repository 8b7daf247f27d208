//! Where things are, and what the workspace is made of.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        // What cargo says now, not what it said when this was built: a build directory may serve several checkouts.
        let here =
            std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let here = PathBuf::from(here);
        here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
    });
    &ROOT
}

/// The parts of `cargo metadata` that chores look at.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    /// Every package of the graph.
    pub(crate) packages: Vec<Package>,
    /// The features each is built with.
    pub(crate) resolve: Resolve,
    /// Ids of the workspace's own packages.
    pub(crate) workspace_members: Vec<String>,
    /// Where cargo builds.
    pub(crate) target_directory: PathBuf,
}

/// One package.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    /// Its id in the graph.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: semver::Version,
    /// Where its `Cargo.toml` is.
    pub(crate) manifest_path: PathBuf,
    /// An SPDX expression.
    pub(crate) license: Option<String>,
    /// What it builds.
    pub(crate) targets: Vec<Target>,
}

/// One thing a package builds.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    /// Its name.
    pub(crate) name: String,
    /// `lib`, `bin`, `bench`, …
    pub(crate) kind: Vec<String>,
}

/// The resolved graph.
#[derive(Debug, Deserialize)]
pub(crate) struct Resolve {
    /// One node a package.
    pub(crate) nodes: Vec<Node>,
}

/// One package of the resolved graph.
#[derive(Debug, Deserialize)]
pub(crate) struct Node {
    /// The package.
    pub(crate) id: String,
    /// Its features.
    pub(crate) features: Vec<String>,
}

impl Metadata {
    /// Reads the graph of this machine's platform, by the lock file and without a network.
    pub(crate) fn read() -> Result<Self> {
        let host = host()?;
        let mut cargo = crate::process::cargo();
        cargo.args(["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", &host]);
        let text = crate::process::output(&mut cargo)?;
        serde_json::from_str(&text).context("output of `cargo metadata`")
    }

    /// The workspace's own packages.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// Everybody else's packages.
    pub(crate) fn dependencies(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| !self.workspace_members.contains(&package.id))
    }
}

/// The target triple of this machine.
pub(crate) fn host() -> Result<String> {
    let version = crate::process::output(crate::process::program("rustc").arg("-vV"))?;
    let line = version.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).context("`rustc -vV` names no host")
}
