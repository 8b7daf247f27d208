//! 抖音: replies to private messages and comments, where the account has the capability.

pub(crate) mod errors;
pub(crate) mod message;

pub(crate) use errors::TABLES;

use serde_json::Value;

use crate::reading::Dialect;

/// Two shells: `data` and `extra`, which must both say 0, or `err_no`.
pub(crate) const DIALECT: Dialect = Dialect {
    name: "douyin",
    errors: TABLES,
    code: |body| {
        let codes = ["/data/error_code", "/extra/error_code", "/err_no"].map(|place| body.pointer(place));
        let said = || codes.into_iter().flatten();
        said().find(|code| code.as_i64() != Some(0)).or_else(|| said().next())
    },
    words: |body| {
        let places = ["/data/description", "/extra/description", "/err_msg"];
        places.iter().find_map(|place| body.pointer(place)?.as_str().filter(|words| !words.is_empty()))
    },
    log_id: |answer, _| {
        let body: Value = serde_json::from_slice(&answer.body).ok()?;
        let id = body.pointer("/extra/logid").or_else(|| body.get("log_id"))?.as_str()?;
        Some(id.to_owned())
    },
};
