//! The error tables of every platform and API, as one list that people and tests can read.

use sluice_domain::destination::Channel;

use crate::verdict::{Row, row};
use crate::{douyin, feishu, wechat, wecom};

/// The codes of one API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// `feishu`, `wecom`, `wechat`, `douyin`.
    pub platform: &'static str,
    /// Which of its APIs answers so: `bot`, `message`, …; `general` for codes of all.
    pub api: &'static str,
    /// The codes.
    pub rows: &'static [Row],
}

/// Every table.
pub const TABLES: &[Table] = &[
    feishu::errors::BOT,
    feishu::errors::FREQUENCY,
    feishu::errors::TOKEN,
    feishu::errors::MESSAGE,
    feishu::errors::IMAGE,
    feishu::errors::GENERAL,
    wecom::errors::BOT,
    wecom::errors::GENERAL,
    wecom::errors::CONTACT,
    wechat::errors::GENERAL,
    wechat::errors::CUSTOM,
    wechat::errors::TEMPLATE,
    wechat::errors::MASS,
    wechat::errors::LINK,
    douyin::errors::OAUTH,
    douyin::errors::GENERAL,
    douyin::errors::MESSAGE,
];

/// The row that a channel's code is decided by. `None`: nobody wrote this code down, which is an alarm.
pub fn find(channel: &Channel, code: i64) -> Option<&'static Row> {
    tables_of(channel).iter().find_map(|table| row(table, code))
}

fn tables_of(channel: &Channel) -> &'static [&'static [Row]] {
    match channel {
        Channel::FeishuBot { .. } | Channel::FeishuApp { .. } => feishu::TABLES,
        Channel::WecomBot { .. } => wecom::BOT_TABLES,
        Channel::WecomApp { .. } => wecom::TABLES,
        Channel::WechatCustom { .. } | Channel::WechatTemplate { .. } | Channel::WechatSubscribe { .. } => {
            wechat::TABLES
        }
        Channel::DouyinMessage { .. } | Channel::DouyinComment { .. } => douyin::TABLES,
        // It answers with statuses, not with codes.
        Channel::Webhook { .. } => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_platform_names_a_code_twice_or_success() {
        for tables in [feishu::TABLES, wecom::TABLES, wecom::BOT_TABLES, wechat::TABLES, douyin::TABLES] {
            let mut runs: Vec<(i64, i64)> = Vec::new();
            for row in tables.iter().flat_map(|table| table.iter()) {
                assert!(row.code <= row.last, "{} to {}", row.code, row.last);
                assert!(!(row.code..=row.last).contains(&0), "0 is success, not an error");
                runs.push((row.code, row.last));
            }
            runs.sort_unstable();
            for pair in runs.windows(2) {
                // The bots' own 45009 stands before the general one on purpose.
                let shadowed = std::ptr::eq(tables, wecom::BOT_TABLES) && pair[1].0 == 45_009;
                assert!(pair[0].1 < pair[1].0 || shadowed, "{pair:?} meet");
            }
        }
    }

    #[test]
    fn a_run_of_codes_is_found_from_end_to_end() {
        let channel = Channel::FeishuBot { hook: "h".into(), signing: None, uploads: None };
        for (code, listed) in
            [(54_999, false), (55_000, true), (55_123, true), (55_999, true), (56_000, false)]
        {
            assert_eq!(find(&channel, code).is_some(), listed, "{code}");
        }
    }
}
