//! The functions' programs, as `cargo` builds them for the tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{DeployError, workspace};

/// The functions, by the names of their programs.
pub const FUNCTIONS: [&str; 6] = [
    "webhook-verify",
    "compliance-check",
    "content-safety",
    "bucket-assignment",
    "channel-dispatch",
    "nightly-reconciliation",
];

/// What operators, reviewers and auditors run against a deployed stack.
pub const OPERATOR: &str = "sluice-aws";

/// Built programs, by function.
#[derive(Debug, Clone)]
pub struct Binaries {
    programs: BTreeMap<&'static str, PathBuf>,
}

impl Binaries {
    /// The programs in the directory that `SLUICE_FUNCTIONS` names; without it `cargo` builds them.
    ///
    /// # Errors
    /// [`DeployError::Build`] when there are none.
    pub fn build() -> Result<Self, DeployError> {
        let programs = match std::env::var_os("SLUICE_FUNCTIONS") {
            Some(directory) => {
                let all = FUNCTIONS.into_iter().chain([OPERATOR]);
                all.map(|name| (name, Path::new(&directory).join(name))).collect()
            }
            None => built()?,
        };
        match FUNCTIONS.into_iter().find(|name| !programs.get(name).is_some_and(|program| program.exists())) {
            Some(missing) => Err(DeployError::Build(format!("there is no program `{missing}`"))),
            None => Ok(Self { programs }),
        }
    }

    /// Where a function's program is, or the operator's.
    pub fn program(&self, function: &str) -> Option<&Path> {
        self.programs.get(function).map(PathBuf::as_path)
    }

    /// A program without its symbols: a tenth of the bytes to upload and unpack.
    pub(super) fn stripped(&self, function: &str) -> Result<Vec<u8>, DeployError> {
        let failed = |what: &str, cause: &dyn std::fmt::Display| {
            DeployError::Build(format!("{what} `{function}`: {cause}"))
        };
        let program =
            self.program(function).ok_or_else(|| failed("there is no program of", &"unknown function"))?;
        let copy = tempfile::NamedTempFile::new().map_err(|error| failed("no copy of", &error))?;
        // `strip` comes with the linker that built the program.
        let output = Command::new("strip").arg("-o").arg(copy.path()).arg(program).output();
        let output = output.map_err(|error| failed("`strip` does not run for", &error))?;
        if !output.status.success() {
            return Err(failed("`strip` refuses", &String::from_utf8_lossy(&output.stderr)));
        }
        std::fs::read(copy.path()).map_err(|error| failed("can not read the copy of", &error))
    }
}

/// As the workspace's tests are built, so that after `cargo test --workspace` nothing is left to compile.
fn built() -> Result<BTreeMap<&'static str, PathBuf>, DeployError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace());
    command.args(["build", "--workspace", "--bins", "--tests", "--message-format=json-render-diagnostics"]);
    let output = command.output().map_err(|error| DeployError::Build(error.to_string()))?;
    if !output.status.success() {
        return Err(DeployError::Build(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let lines = String::from_utf8_lossy(&output.stdout);
    let messages = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let program = |message: Value| {
        let test = message.pointer("/profile/test").and_then(Value::as_bool)?;
        let name = message.pointer("/target/name").and_then(Value::as_str)?;
        let mut known = FUNCTIONS.into_iter().chain([OPERATOR]);
        let function = known.find(|function| *function == name && !test)?;
        Some((function, PathBuf::from(message.get("executable")?.as_str()?)))
    };
    Ok(messages.filter_map(program).collect())
}
