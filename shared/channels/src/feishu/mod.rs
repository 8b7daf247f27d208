//! 飞书: custom bots of groups and application messages.

pub(crate) mod app;
pub(crate) mod bot;
mod card;
mod errors;
mod sign;

pub use errors::ERRORS;

use crate::reading::{Dialect, header};

/// The message API and the gateway say `code`; old bots say `StatusCode` alone. Where both stand, `code` counts.
pub(crate) const DIALECT: Dialect = Dialect {
    name: "feishu",
    errors: &[ERRORS],
    code_fields: &["code", "StatusCode"],
    message_fields: &["msg", "StatusMessage"],
    log_id: |answer, _| header(answer, "x-tt-logid").map(ToOwned::to_owned),
};
