//! houbb/sensitive-word, a Java library, over the same words and texts. Its source is not ours to carry: whoever wants the figures checks it out.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::programs;
use super::row::Row;
use crate::{process, say, workspace};

/// What it needs to be compiled: itself, and two libraries of the same author.
const CHECKOUTS: [&str; 3] = ["sensitive-word", "heaven", "opencc4j"];

/// Compiles it with `javac` alone and measures it.
pub(super) fn rows(folder: &Path, rounds: u32) -> Result<Vec<Row>> {
    if !process::answers(process::program("javac").arg("-version")) {
        bail!(
            "`javac` is missing: install a JDK of Java 17 (Debian: `apt-get install openjdk-17-jdk-headless`)"
        );
    }
    let folder = folder.canonicalize().with_context(|| format!("no folder `{}`", folder.display()))?;
    let mut sources = Vec::new();
    for checkout in CHECKOUTS {
        let main = folder.join(checkout).join("src/main");
        if !main.join("java").is_dir() {
            bail!("no checkout of houbb/{checkout} in `{}`", folder.display());
        }
        sources.push(main);
    }
    let work = workspace::Metadata::read()?.target_directory.join("houbb");
    let classes = work.join("classes");
    std::fs::create_dir_all(&classes)?;
    programs::written(&work)?;
    say::step("houbb/sensitive-word, compiled and measured");
    let paths = |below: &str| {
        let paths = sources.iter().map(|main| main.join(below).display().to_string());
        paths.collect::<Vec<_>>().join(":")
    };
    let mut compile = process::program("javac");
    compile.args(["-nowarn", "-proc:none", "-encoding", "UTF-8", "-sourcepath", &paths("java"), "-d"]);
    process::run(compile.arg(&classes).arg("tests/peers/houbb/Houbb.java"))?;
    let mut java = process::program("java");
    java.args(["-cp", &format!("{}:{}", classes.display(), paths("resources")), "Houbb"]);
    programs::rows(java.arg(&work).arg(rounds.to_string()))
}
