//! 企业微信: group bots (消息推送), application messages, customer contact (联系我, 欢迎语).

pub(crate) mod app;
pub(crate) mod bot;
pub(crate) mod contact;
pub(crate) mod errors;

pub(crate) use errors::{BOT_TABLES, TABLES};

use crate::reading::Dialect;

/// Decided on `errcode`; the words may change at any time (WW90455).
pub(crate) const DIALECT: Dialect = Dialect {
    name: "wecom",
    errors: TABLES,
    code: |body| body.get("errcode"),
    words: |body| body.get("errmsg")?.as_str(),
    log_id: hint,
};

/// The same for bots, whose limit is by the minute alone.
pub(crate) const BOT_DIALECT: Dialect = Dialect { errors: BOT_TABLES, ..DIALECT };

fn hint(_: &sluice_ports::HttpResponse, words: Option<&str>) -> Option<String> {
    let (_, hint) = words?.split_once("hint: [")?;
    Some(hint.split_once(']')?.0.to_owned())
}

/// Texts of bots and applications (WW99110, WW90236): longer ones are refused or cut by the platform.
const TEXT_LIMIT: usize = 2_048;
