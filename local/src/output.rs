//! What a command answers: text for people, JSON for scripts, files to write, an exit code.
//!
//! Commands return it instead of printing, so that the same command runs in the caller's process or in a running server
//! (see [`crate::control`]).

use std::io::Write as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::exit::Exit;

/// The answer of a command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Output {
    /// How it ended.
    pub exit: Exit,
    /// For people.
    pub text: String,
    /// For scripts: one JSON document, or one per line.
    pub json: Json,
    /// Files the caller asked for.
    #[serde(default)]
    pub files: Vec<OutputFile>,
}

/// JSON for scripts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Json {
    /// One object a line.
    Lines(Vec<Value>),
    /// One document.
    One(Value),
}

/// A file to write where the command was called.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutputFile {
    /// Relative to the caller's directory.
    pub path: PathBuf,
    /// What is in it.
    pub content: FileContent,
}

/// The content of a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FileContent {
    /// A text.
    Text(String),
    /// A picture.
    Bytes(Vec<u8>),
}

impl FileContent {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl Output {
    /// A single document.
    pub fn one(exit: Exit, text: impl Into<String>, json: Value) -> Self {
        Self { exit, text: text.into(), json: Json::One(json), files: Vec::new() }
    }

    /// One document a line.
    pub fn lines(exit: Exit, text: impl Into<String>, json: Vec<Value>) -> Self {
        Self { exit, text: text.into(), json: Json::Lines(json), files: Vec::new() }
    }

    /// Writes the files, then prints text or JSON to standard output.
    ///
    /// # Errors
    /// When a file or standard output can not be written.
    pub fn deliver(&self, as_json: bool) -> std::io::Result<()> {
        for file in &self.files {
            std::fs::write(&file.path, file.content.bytes())?;
        }
        let mut out = std::io::stdout().lock();
        match (&self.json, as_json) {
            (Json::One(value), true) => writeln!(out, "{value}")?,
            (Json::Lines(values), true) => values.iter().try_for_each(|value| writeln!(out, "{value}"))?,
            (_, false) if self.text.is_empty() => {}
            (_, false) => writeln!(out, "{}", self.text.trim_end())?,
        }
        out.flush()
    }
}

/// Why a command did not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    /// The exit code that goes with it.
    pub exit: Exit,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl CommandError {
    /// The command line can not be used.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// Configuration, secrets or keys are unusable.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self { exit: Exit::Configuration, message: message.into() }
    }

    /// Something is not available now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { exit: Exit::Unavailable, message: message.into() }
    }
}

impl From<sluice_ports::PortError> for CommandError {
    fn from(error: sluice_ports::PortError) -> Self {
        match error.kind() {
            sluice_domain::failure::FailureKind::Configuration => Self::configuration(error.to_string()),
            _ => Self::unavailable(error.to_string()),
        }
    }
}
