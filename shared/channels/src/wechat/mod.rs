//! 微信: custom (客服) messages of official accounts.

pub(crate) mod custom;
pub(crate) mod errors;

pub(crate) use errors::TABLES;

use crate::reading::Dialect;

/// Decided on `errcode`.
pub(crate) const DIALECT: Dialect = Dialect {
    name: "wechat",
    errors: TABLES,
    code_fields: &["errcode"],
    message_fields: &["errmsg"],
    log_id: |_, words| {
        let (_, rid) = words?.split_once("rid: ")?;
        let id = rid.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').next()?;
        (!id.is_empty()).then(|| id.to_owned())
    },
};
