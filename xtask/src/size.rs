//! How large the functions are that go to Lambda.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::tools::Tools;
use crate::workspace::Metadata;
use crate::{process, say};

/// `cargo xtask size`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Build for arm64: needs the Rust target `aarch64-unknown-linux-gnu` and ziglang.
    #[arg(long)]
    arm64: bool,
}

/// Builds with the profile `lambda` and prints bytes, plain and zipped.
pub(crate) fn run(args: &Args) -> Result<()> {
    let tools = Tools::cargo_lambda()?;
    let metadata = Metadata::read()?;
    let functions: Vec<&str> = metadata.members().filter_map(binary_of_function).collect();
    let path = std::env::join_paths(
        std::iter::once(tools.bin())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    )?;
    let mut build = process::cargo();
    build.env("PATH", path).args(["lambda", "build", "--profile", "lambda", "--output-format", "zip"]);
    if args.arm64 {
        build.arg("--arm64");
    } else {
        // The host's own compiler: what it links asks for glibc 2.34 at most, which is what `provided.al2023` has.
        build.args(["--compiler", "cargo"]);
    }
    for name in &functions {
        build.args(["--bin", name]);
    }
    say::step("building the functions with the profile `lambda`");
    process::run(&mut build)?;
    say::line("| function | zipped |");
    say::line("|---|---|");
    for name in &functions {
        let zip = metadata.target_directory.join("lambda").join(name).join("bootstrap.zip");
        say::line(&format!("| {name} | {} |", kilobytes(&zip)?));
    }
    Ok(())
}

fn binary_of_function(package: &crate::workspace::Package) -> Option<&str> {
    let name = package.name.strip_prefix("sluice-")?;
    let binary = |target: &&crate::workspace::Target| {
        target.kind.iter().any(|kind| kind == "bin") && target.name == name
    };
    package.targets.iter().find(binary).map(|target| target.name.as_str())
}

fn kilobytes(file: &Path) -> Result<String> {
    let bytes = std::fs::metadata(file).with_context(|| format!("`{}` was not built", file.display()))?.len();
    Ok(format!("{} kB", bytes.div_ceil(1_000)))
}
