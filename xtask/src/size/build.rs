//! The functions as they go to Lambda.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::tools::Tools;
use crate::workspace::{Metadata, host};
use crate::{process, say, workspace};

/// All of them, in the order of an event's way.
pub(crate) const FUNCTIONS: [&str; 6] = [
    "webhook-verify",
    "compliance-check",
    "content-safety",
    "bucket-assignment",
    "channel-dispatch",
    "nightly-reconciliation",
];

/// Built programs, by name.
#[derive(Debug)]
pub(crate) struct Programs(Vec<(String, PathBuf)>);

impl Programs {
    /// Builds with the profile `lambda` for this machine. It is what `cargo lambda build --compiler cargo` makes: the profile says everything
    /// that cargo-lambda would add, and `disable_optimizations` keeps the rest away.
    pub(crate) fn build(names: &[&str]) -> Result<Self> {
        let (host, metadata) = (host()?, Metadata::read()?);
        say::step("building the functions with the profile `lambda`");
        let mut build = process::cargo();
        // With the target named, cargo builds into a folder of its own, beside what cargo-lambda puts into `target/lambda`.
        build.args(["build", "--locked", "--profile", "lambda", "--target", &host]);
        for name in names {
            build.args(["--package", package_of(&metadata, name)?, "--bin", name]);
        }
        process::run(&mut build)?;
        let directory = metadata.target_directory.join(&host).join("lambda");
        Ok(Self(names.iter().map(|name| ((*name).to_owned(), directory.join(name))).collect()))
    }

    /// Builds for arm64, with the linker that ziglang brings.
    pub(super) fn arm64() -> Result<Self> {
        let (tools, metadata) = (Tools::cargo_lambda()?, Metadata::read()?);
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(tools.bin()).chain(std::env::split_paths(&paths)))?;
        let mut build = process::cargo();
        build.env("PATH", path).args(["lambda", "build", "--profile", "lambda", "--arm64"]);
        for name in FUNCTIONS {
            build.args(["--bin", name]);
        }
        say::step("building the functions with the profile `lambda` for arm64");
        process::run(&mut build)?;
        let directory = metadata.target_directory.join("lambda");
        Ok(Self(FUNCTIONS.map(|name| (name.to_owned(), directory.join(name).join("bootstrap"))).into()))
    }

    /// What `sam build` left: the same programs (`cargo xtask template` compares the profiles), without a second build of minutes.
    pub(super) fn of_sam() -> Self {
        let built = workspace::root().join(".aws-sam/build");
        Self(FUNCTIONS.map(|name| (name.to_owned(), built.join(logical_id(name)).join("bootstrap"))).into())
    }

    /// Name and program, in the order they were asked for.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.0.iter().map(|(name, program)| (name.as_str(), program.as_path()))
    }
}

/// The function's name in the template: `webhook-verify` is `WebhookVerify` there.
fn logical_id(name: &str) -> String {
    let capitalised = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(capitalised).collect()
}

fn package_of<'m>(metadata: &'m Metadata, binary: &str) -> Result<&'m str> {
    let has = |package: &&crate::workspace::Package| {
        let mut targets = package.targets.iter();
        targets.any(|target| target.name == binary && target.kind.iter().any(|kind| kind == "bin"))
    };
    let package = metadata.members().find(has);
    package.map(|package| package.name.as_str()).with_context(|| format!("no member builds `{binary}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_its_name_in_the_template() {
        let template = std::fs::read_to_string(workspace::root().join("template.yaml")).unwrap();
        for name in FUNCTIONS {
            assert!(template.contains(&format!("\n  {}:\n", logical_id(name))), "{name}");
        }
    }
}
