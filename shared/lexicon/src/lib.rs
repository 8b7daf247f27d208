#![doc = include_str!("../README.md")]

mod compiler;
mod contact;
mod description;
mod error;
pub mod fold;
mod forms;
mod hit;
pub mod index;
mod lexicon;
mod list;
mod matches;
mod phone;
mod repeated;

pub use compiler::Compiler;
pub use error::LexiconError;
pub use hit::{Hit, Scan};
pub use lexicon::Lexicon;
pub use list::{Form, Severity, WordList};

/// The category of telephone numbers; a detector's, not a list's.
pub const PHONE_NUMBER: &str = "phone_number";

#[cfg(test)]
mod tests;
