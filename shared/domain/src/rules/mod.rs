//! Rules as code: versioned packs of rules with conditions, reason codes, legal basis and their own tests.
//!
//! **How a pack decides.** It states its mode. In `strictest_wins` every rule of the stage is asked; of those that hold the *strictest verdict wins*
//! (`block` over `review` over `allow_masked` over `allow`), among equals the earlier one is the main reason. In `first_match` the first rule that
//! holds decides alone. Rules are asked by priority, then in the order of writing. When none holds, the pack's default decides, and a default
//! can not allow: what nobody thought of is not sent. An allowing verdict therefore always comes from a rule that says why.
//!
//! **Conditions** are expressions in the language of the scripts (minijinja, ADR 9), without functions, filters and anything that makes
//! values grow; bounded in length, depth and steps. They see facts ([`Fact`]) and, for each category of the word lists and detectors, how grave it was
//! found in `text`, `form`, `message` or `any` (`text.contact_diversion`, `any.phone_number >= medium`); never a text itself. A name that does not exist is
//! refused when the pack is compiled. A condition that has no value for an event blocks the event as [`RULE_FAILED`].
//!
//! **Exceptions** are written at the rule and decide something else when they hold as well.
//!
//! **Layers.** A pack may extend others: it has their rules, may change or disable single ones (with a reason), and adds its own ([`layer`]).
//!
//! **Again.** [`RulePack::evaluate`] is `observe`, then `decide`. What was observed is in every record ([`Inputs`]), so that the same pack gives the same
//! decision again and another pack can be asked what it would have decided ([`replay`]).
//!
//! Evaluation is pure: the same pack and the same facts always give the same decision.

mod case;
mod check;
mod compile;
mod diff;
mod error;
mod evaluate;
mod expression;
mod facts;
mod layer;
mod memo;
mod names;
mod observed;
mod replay;
mod reviewed;
mod slots;
mod source;

pub use case::{BuiltCase, Case, Expectation};
pub use compile::{Fingerprint, RulePack};
pub use diff::{Change, diff};
pub use error::{Fault, Place, RulePackError};
pub use evaluate::{Outcome, RULE_FAILED, Step};
pub use expression::ExpressionError;
pub use facts::{Facts, FormStanding};
pub use layer::layer;
pub use names::{Domain, Fact};
pub use observed::{FOREIGN_LINK, Found, Inputs, Observed};
pub use replay::{Changed, Replay, Totals};
pub use source::{
    DefaultSource, DisableSource, ExceptionSource, Mode, OverrideSource, PackSource, RuleSource, Stage,
};

#[cfg(test)]
mod tests;
