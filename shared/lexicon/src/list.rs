use serde::{Deserialize, Serialize};

/// How grave a hit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Usually wrong.
    #[default]
    Medium,
    /// Wrong.
    High,
}

/// One word list as it is written: `lexicons/*.yaml`.
///
/// Words are written plainly; width, case, traditional characters and Chinese digits are folded when the list is compiled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordList {
    /// Its name, unique in a pack.
    pub id: String,
    /// What its words are: `contact_diversion`, `absolute_word`, … Several lists may share a category.
    pub category: String,
    /// How grave a hit is.
    #[serde(default)]
    pub severity: Severity,
    /// Where the words come from and under which terms.
    pub origin: String,
    /// Words that are a hit by themselves.
    #[serde(default)]
    pub words: Vec<String>,
    /// Words that are a hit only near something like an account or number, near one of `contexts`, or with a sign or emoji inside; those of
    /// one character only directly before an account.
    #[serde(default)]
    pub cues: Vec<String>,
    /// Words that turn a cue shortly before or after them into a hit: `同号`.
    #[serde(default)]
    pub contexts: Vec<String>,
    /// Harmless words: a hit of **any** category that lies wholly inside one does not count. `微信支付` is no diversion.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Other ways of writing its words and cues that count as them.
    #[serde(default)]
    pub forms: Vec<Form>,
}

/// How a word was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// As in the list, whatever its characters' style and whatever stands between them.
    #[default]
    Plain,
    /// Some or all characters in pinyin: 加weixin.
    Pinyin,
    /// Some characters taken apart: 木子 for 李.
    Split,
    /// Characters repeated: 加加微微信.
    Repeated,
}
