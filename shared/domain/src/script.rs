//! Scripts (话术): versioned message templates.

use serde::{Deserialize, Serialize};

use crate::id::ScriptId;

/// One script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Its name.
    pub id: ScriptId,
    /// Grows with every change of the text.
    pub version: u32,
    /// The title of a card, a template.
    #[serde(default)]
    pub title: Option<String>,
    /// The text, a template (minijinja syntax, undefined names are errors).
    pub text: String,
}
