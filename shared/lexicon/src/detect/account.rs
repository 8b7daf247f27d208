//! Names and numbers that somebody can be found by.

use crate::index::{Unit, Units};
use crate::{PHONE_NUMBER, QQ_NUMBER, WECHAT_ID};

/// `[A-Za-z][-_A-Za-z0-9]{5,19}` is what a WeChat id looks like; digits alone count from six, too.
pub(crate) const SHORTEST: usize = 6;
/// Longer runs are tokens of machines, and looking at all of them would not be linear.
pub(crate) const LONGEST: usize = 40;
/// Digits before one of these are an amount, not a number to dial: `1299元`, `100000积分`.
const MEASURES: [char; 24] = [
    '元', '块', '万', '亿', '千', '百', '年', '月', '日', '天', '期', '个', '件', '张', '台', '次', '人',
    '分', '积', '斤', '克', '米', '折', '粉',
];

/// The length of the run of Latin letters and digits that begins here; one interposed character within it is fine (`abc_123`).
pub(crate) fn run(units: &Units<'_>, from: usize) -> usize {
    let all = units.all().get(from..).unwrap_or_default();
    let joined = |(at, unit): &(usize, &Unit)| unit.is_id() && (*at == from || units.gap(*at) <= 1);
    (from..).zip(all).take(LONGEST).take_while(joined).count()
}

/// Can the run `start..end` be an account or a number? A word of letters alone counts only after an invitation to add somebody.
pub(crate) fn is_account(units: &Units<'_>, start: usize, end: usize, adds: bool) -> bool {
    let token = units.all().get(start..end).unwrap_or_default();
    let digits = token.iter().filter(|unit| unit.is_digit()).count();
    let shaped = token.first().is_some_and(|unit| unit.is_letter()) && (digits > 0 || adds);
    let number = digits == token.len();
    let counted =
        number && units.gap(end) == 0 && units.char(end).is_some_and(|char| MEASURES.contains(&char));
    token.len() >= SHORTEST && (number || shaped || digits >= SHORTEST) && !counted
}

/// What an account is, by its shape: a mobile number, a QQ number (5 to 11 digits), else a WeChat id.
pub(crate) fn kind(units: &Units<'_>, start: usize, end: usize) -> &'static str {
    let token = units.all().get(start..end).unwrap_or_default();
    let digits = token.iter().all(|unit| unit.is_digit());
    let first = token.first().and_then(|unit| unit.ascii());
    match (digits, token.len(), first) {
        (true, 11, Some(b'1')) => PHONE_NUMBER,
        (true, ..=11, _) => QQ_NUMBER,
        _ => WECHAT_ID,
    }
}
