//! The pinned Python tools, in `.tools/` of the workspace. They are installed once, and again when a pin changes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{process, say, workspace};

const INSTALL_PYTHON: &str =
    "install Python 3.11 or newer with its venv module (Debian: `apt-get install python3 python3-venv`)";

/// A Python environment of its own with pinned packages.
pub(crate) struct Tools {
    directory: PathBuf,
}

impl Tools {
    /// The checkers of the template.
    pub(crate) fn template() -> Result<Self> {
        let pins = std::fs::read_to_string(workspace::root().join("xtask/python/requirements.txt"))?;
        Self::ready("template", &pins, &[])
    }

    /// The emulators of AWS.
    pub(crate) fn emulators() -> Result<Self> {
        let pins = std::fs::read_to_string(workspace::root().join("xtask/python/emulators.txt"))?;
        Self::ready("emulators", &pins, &[])
    }

    /// Open-source clients of the platforms, which the channels are compared with.
    pub(crate) fn channel_clients() -> Result<Self> {
        let pins = std::fs::read_to_string(workspace::root().join("xtask/python/channel_clients.txt"))?;
        Self::ready("channel-clients", &pins, &["--require-hashes"])
    }

    /// The words and texts of the lexicon's benchmark.
    pub(crate) fn corpora() -> Result<Self> {
        Self::ready("corpora", "jieba==0.42.1\nsnownlp==0.12.3\n", &[])
    }

    /// `cargo-lambda`, without ziglang (411 MB), which only builds for another architecture need.
    pub(crate) fn cargo_lambda() -> Result<Self> {
        Self::ready("cargo-lambda", "cargo-lambda==1.9.2\n", &["--no-deps"])
    }

    /// One of its programs, to be run from the workspace's root.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = process::program(self.bin().join(name));
        // Nothing is sent home, and no credentials are looked for; every check works without a network.
        command.env("SAM_CLI_TELEMETRY", "0").env("AWS_DEFAULT_REGION", "cn-north-1");
        command
    }

    /// Where its programs are.
    pub(crate) fn bin(&self) -> PathBuf {
        self.directory.join("bin")
    }

    fn ready(name: &str, pins: &str, flags: &[&str]) -> Result<Self> {
        let directory = workspace::root().join(".tools").join(name);
        let stamp = directory.join("pins.txt");
        if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == pins) {
            return Ok(Self { directory });
        }
        say::step(&format!("installing the pinned tools `{name}` into .tools (about a minute, once)"));
        make_environment(&directory)?;
        let list = directory.join("requirements.txt");
        std::fs::write(&list, pins)?;
        let mut pip = process::program(directory.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(flags)
            .arg("--requirement")
            .arg(&list);
        process::run(&mut pip)
            .context("pip could not install the pinned tools; it needs its package index")?;
        std::fs::write(&stamp, pins).context("could not write the tools' stamp")?;
        Ok(Self { directory })
    }
}

fn make_environment(directory: &Path) -> Result<()> {
    if !process::answers(process::program("python3").arg("--version")) {
        bail!("`python3` is missing: {INSTALL_PYTHON}");
    }
    if !process::answers(process::program("python3").args(["-c", "import venv, ensurepip"])) {
        bail!("`python3` has no venv module: {INSTALL_PYTHON}");
    }
    process::run(process::program("python3").args(["-m", "venv", "--clear"]).arg(directory))
}
