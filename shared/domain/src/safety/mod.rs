//! Content safety: texts that the local rules call long or grey are shown to Douyin's text censor before their event goes on.
//!
//! The rules decide whether it is asked (`remote_check: true` on a rule that asks for a review), [`SafetyPolicy`] how. Its answer is a
//! [`Finding`]: the machine's voice in the event's [review](crate::review), with the evidence. What is remembered of a text is a
//! [`TextDigest`], never the text.

mod finding;
mod policy;
mod request;
mod text;

pub use finding::{Answer, DecidedBy, Finding, LogId, MODELS_KEPT, ModelName, Outcome};
pub use policy::{CensorApi, SafetyPolicy, Unanswered};
pub use request::CheckRequest;
pub use text::{TextDigest, normalised};

/// The name of the check in panels, voices and findings.
pub const CHECK: &str = "douyin_text";

/// The reason code of an event whose text the platform calls a violation.
pub const UNSAFE: &str = "content_unsafe";

/// The reason code of an event that nobody could check, where the tenant lets that be a block.
pub const UNCHECKED: &str = "content_unchecked";
