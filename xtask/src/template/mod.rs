//! Checks of `template.yaml`: as written, and as AWS will transform it.

mod documents;
mod model;
mod permissions;
mod profile;
mod rules;
#[cfg(test)]
mod samples;

use anyhow::{Context as _, Result, bail};

use crate::tools::Tools;
use crate::{process, say, workspace};
use model::Template;

/// `cargo xtask template`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Write the table of permissions in docs/SECURITY.md anew.
    #[arg(long)]
    write: bool,
    /// Run `sam build` too, for this machine's architecture: some minutes of a release build.
    #[arg(long)]
    build: bool,
}

/// Lints and judges the template, written and transformed; the documents that speak of it must agree.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.write {
        return documents::write();
    }
    let tools = Tools::template()?;
    say::step("sam validate --lint");
    process::run(tools.program("sam").args(["validate", "--lint", "--template", "template.yaml"]))?;
    say::step("cfn-lint on the transformed template");
    let directory = workspace::root().join(".tools/template");
    let transformed = directory.join("transformed.json");
    let mut transform = tools.program("python");
    transform.args(["xtask/python/transform.py", "template.yaml"]).arg(&transformed);
    process::run(&mut transform).context("the template could not be transformed")?;
    let mut lint = tools.program("cfn-lint");
    // The mainland's two regions, where users of Douyin are, and two outside: types and properties that one of them lacks are found.
    lint.args(["--regions", "cn-north-1", "cn-northwest-1", "ap-southeast-1", "us-east-1"]);
    // SAM has looked up `Rollout` in `Rollouts` already, so both seem unused afterwards.
    lint.args(["--ignore-checks", "W2001", "W7001", "--template"]).arg(&transformed);
    process::run(&mut lint)?;
    say::step("the rules of xtask/src/template/rules, on both");
    let mut wrong = Vec::new();
    let transformed = Template::from_json(&std::fs::read_to_string(&transformed)?)?;
    for (name, template) in [("template.yaml", written()?), ("transformed", transformed)] {
        wrong.extend(rules::check(&template).iter().map(|finding| format!("{name}: {finding}")));
    }
    wrong.extend(documents::check()?);
    wrong.extend(profile::check(&std::fs::read_to_string(workspace::root().join("Cargo.toml"))?)?);
    if !wrong.is_empty() {
        bail!("{} problems:\n  {}", wrong.len(), wrong.join("\n  "));
    }
    if args.build {
        build(&tools)?;
    }
    say::line("template: nothing found");
    Ok(())
}

/// The template of the workspace.
fn written() -> Result<Template> {
    let text = std::fs::read_to_string(workspace::root().join("template.yaml"))?;
    Template::from_yaml(&text)
}

/// What the user types before `sam deploy`.
fn build(tools: &Tools) -> Result<()> {
    say::step("sam build");
    let path = std::env::join_paths(
        std::iter::once(Tools::cargo_lambda()?.bin())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    )?;
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let mut build = tools.program("sam");
    process::forget_this_package(&mut build);
    // The host's own compiler: what it links asks for glibc 2.34 at most, which is what `provided.al2023` has.
    build.env("PATH", path).env("CARGO_LAMBDA_COMPILER", "cargo");
    build.args(["build", "--parameter-overrides"]).arg(format!("Architecture={architecture}"));
    process::run(&mut build)
}
