//! 飞书: custom bots of groups and application messages.

pub(crate) mod app;
pub(crate) mod bot;
mod card;
pub(crate) mod errors;
mod sign;

pub(crate) use errors::TABLES;

use crate::reading::{Dialect, header};

/// The message API and the gateway say `code`; old bots say `StatusCode` alone. Where both stand, `code` counts.
pub(crate) const DIALECT: Dialect = Dialect {
    name: "feishu",
    errors: TABLES,
    code: |body| body.get("code").or_else(|| body.get("StatusCode")),
    words: |body| body.get("msg").or_else(|| body.get("StatusMessage"))?.as_str(),
    log_id: |answer, _| header(answer, "x-tt-logid").map(ToOwned::to_owned),
};
