//! 微信: custom (客服), template and subscribe messages; links into mini-programs.

pub(crate) mod custom;
pub(crate) mod errors;
pub(crate) mod link;
pub(crate) mod template;

pub(crate) use errors::TABLES;

use crate::reading::Dialect;

/// Decided on `errcode`.
pub(crate) const DIALECT: Dialect = Dialect {
    name: "wechat",
    errors: TABLES,
    code: |body| body.get("errcode"),
    words: |body| body.get("errmsg")?.as_str(),
    log_id: |_, words| {
        let (_, rid) = words?.split_once("rid: ")?;
        let id = rid.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').next()?;
        (!id.is_empty()).then(|| id.to_owned())
    },
};
