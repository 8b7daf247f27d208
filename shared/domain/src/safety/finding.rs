use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::CHECK;
use crate::time::UnixMillis;

/// So many models of an answer are kept: records have a limit.
pub const MODELS_KEPT: usize = 16;

macro_rules! token {
    ($(#[$doc:meta])* $name:ident, $limit:literal, $instead:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes a platform's word as it is when it is one; a text that is none is not kept.
            pub fn new(text: &str) -> Self {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
                let is_word = (1..=$limit).contains(&text.len()) && text.bytes().all(plain);
                Self(if is_word { text } else { $instead }.to_owned())
            }

            /// As it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(token: $name) -> String {
                token.0
            }
        }
    };
}

token!(
    /// A model of the platform's, such as `short_content_antidirt`: what a label is.
    ModelName, 64, "unnamed"
);
token!(
    /// The platform's name of a request: what to ask its support about.
    LogId, 128, "unreadable"
);

/// What the platform said of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The models that found a violation; none: the text is clean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<ModelName>,
    /// The platform's name of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_id: Option<LogId>,
    /// When it said so.
    pub at: UnixMillis,
}

impl Answer {
    /// Does it call the text a violation?
    pub fn is_hit(&self) -> bool {
        !self.hits.is_empty()
    }
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Outcome {
    /// Nothing was found.
    Clean,
    /// A model called it a violation.
    Hit,
    /// There is no answer.
    Unanswered,
}

impl Outcome {
    /// As written in records and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Hit => "hit",
            Self::Unanswered => "unanswered",
        }
    }
}

/// What a check's outcome rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// The platform, asked for this event.
    Remote,
    /// The platform, asked before for the same text.
    Cached,
    /// Nobody but the local rules and the configured side: the platform gave no answer.
    Local,
}

impl DecidedBy {
    /// As written in records and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Remote => "remote",
            Self::Cached => "cached",
            Self::Local => "local",
        }
    }
}

/// The outcome of a check with its evidence: part of the machine's voice, and of the decision that follows from it. It holds no text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which check: [`CHECK`].
    pub check: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What that rests on.
    pub decided_by: DecidedBy,
    /// The platform's name of the request that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_id: Option<LogId>,
    /// The models that found a violation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<ModelName>,
    /// Why there is no answer: `quota_exhausted`, `timeout`, `too_late`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// How many requests were made for this event.
    pub requests: u32,
    /// When the platform answered; without an answer, when it was given up.
    pub at: UnixMillis,
}

impl Finding {
    /// By an answer.
    pub fn answered(answer: Answer, decided_by: DecidedBy, requests: u32) -> Self {
        let outcome = if answer.is_hit() { Outcome::Hit } else { Outcome::Clean };
        let Answer { hits, log_id, at } = answer;
        Self { check: CHECK.to_owned(), outcome, decided_by, log_id, hits, cause: None, requests, at }
    }

    /// Without one.
    pub fn unanswered(cause: &str, log_id: Option<LogId>, requests: u32, at: UnixMillis) -> Self {
        Self {
            check: CHECK.to_owned(),
            outcome: Outcome::Unanswered,
            decided_by: DecidedBy::Local,
            log_id,
            hits: Vec::new(),
            cause: Some(cause.to_owned()),
            requests,
            at,
        }
    }

    /// In one line for people: `hit (remote), models short_content_antidirt, log_id 2021…`.
    pub fn words(&self) -> String {
        let mut words = format!("{} ({})", self.outcome.as_str(), self.decided_by.as_str());
        if let Some(cause) = &self.cause {
            let _infallible = write!(words, ", {cause}");
        }
        if !self.hits.is_empty() {
            let models: Vec<&str> = self.hits.iter().map(ModelName::as_str).collect();
            let _infallible = write!(words, ", models {}", models.join(" "));
        }
        if let Some(log_id) = &self.log_id {
            let _infallible = write!(words, ", log_id {}", log_id.as_str());
        }
        let _infallible = write!(words, ", {} requests", self.requests);
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platforms_words_are_kept_only_when_they_are_words() {
        assert_eq!(ModelName::new("short_content_antidirt").as_str(), "short_content_antidirt");
        for other in ["", "我的手机 13800138000", &"x".repeat(65), "a\nb"] {
            assert_eq!(ModelName::new(other).as_str(), "unnamed", "{other}");
            let stored: LogId = serde_json::from_value(serde_json::json!(other.repeat(3))).unwrap();
            assert_eq!(stored.as_str(), "unreadable");
        }
    }

    #[test]
    fn a_finding_says_what_decided_and_on_what_evidence() {
        let answer = Answer {
            hits: vec![ModelName::new("short_content_antidirt")],
            log_id: Some(LogId::new("20210701")),
            at: UnixMillis(5),
        };
        let remote = Finding::answered(answer.clone(), DecidedBy::Remote, 1);
        assert_eq!(
            remote.words(),
            "hit (remote), models short_content_antidirt, log_id 20210701, 1 requests"
        );
        let cached = Finding::answered(Answer { hits: vec![], ..answer }, DecidedBy::Cached, 0);
        assert_eq!(cached.words(), "clean (cached), log_id 20210701, 0 requests");
        let none = Finding::unanswered("timeout", None, 3, UnixMillis(5));
        assert_eq!(none.words(), "unanswered (local), timeout, 3 requests");
    }
}
