#![doc = include_str!("../README.md")]

mod compiler;
mod description;
mod detect;
mod error;
pub mod fold;
mod forms;
mod hit;
pub mod index;
mod lexicon;
mod list;
mod matches;
mod repeated;

pub use compiler::{Bulk, Compiler};
pub use description::ListHead;
pub use error::LexiconError;
pub use hit::{Hit, Scan};
pub use lexicon::Lexicon;
pub use list::{Form, Severity, WordList};

/// The category of mobile numbers of mainland China; a detector's, not a list's, like those below.
pub const PHONE_NUMBER: &str = "phone_number";

/// The category of citizen identification numbers (GB 11643) whose province, date and check character are right.
pub const ID_NUMBER: &str = "id_number";

/// The category of what looks like a WeChat id beside a cue of a list.
pub const WECHAT_ID: &str = "wechat_id";

/// The category of what looks like a QQ number beside a cue of a list.
pub const QQ_NUMBER: &str = "qq_number";

/// The category of addresses of web pages.
pub const URL: &str = "url";

#[cfg(test)]
mod tests;
