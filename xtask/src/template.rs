//! Checks of `template.yaml`: as written, and as AWS will transform it.

use anyhow::{Context as _, Result};

use crate::tools::Tools;
use crate::{process, say, workspace};

/// Runs `sam validate --lint`, then cfn-lint on the transformed template.
pub(crate) fn run() -> Result<()> {
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
    say::line("template: sam validate and cfn-lint found nothing");
    Ok(())
}
