//! Rules: a versioned pack of ordered rules with reason codes and legal basis.
//!
//! **How a pack decides.** Every rule of the stage is tried, in order, and the whole path is recorded. Of the rules whose
//! condition holds, the *strictest verdict wins* (`block` over `review` over `allow_masked` over `allow`); among equals the
//! earlier rule is the main reason. When none holds, the pack's default decides, and a default can not allow: what nobody
//! thought of is not sent. An allowing verdict therefore always comes from a rule that says why.
//!
//! **Conditions** are a small closed set of typed predicates with `all`, `any` and `not`. They are no expression language: one
//! that compliance staff can write freely is a well-kept one or none, and takes the place of [`Condition`] when it comes.
//!
//! Evaluation is pure: the same pack and the same [`Facts`] always give the same decision.

mod compile;
mod condition;
mod error;
mod evaluate;
mod facts;
mod source;

pub use compile::RulePack;
pub use condition::{Condition, TextCondition};
pub use error::RulePackError;
pub use facts::{Facts, FormStanding};
pub use source::{DefaultSource, PackSource, RuleSource, Stage};

#[cfg(test)]
mod tests;
