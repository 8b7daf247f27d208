//! What is found by its shape, not in a list. All read the same units.

pub(crate) mod account;
pub(crate) mod contact;
mod id_number;
mod phone;
mod url;

use crate::index::Units;
use crate::{ID_NUMBER, PHONE_NUMBER, URL};

/// The categories of what has a shape.
pub(crate) const CATEGORIES: [&str; 5] = [PHONE_NUMBER, ID_NUMBER, crate::WECHAT_ID, crate::QQ_NUMBER, URL];

/// Telephone numbers, identity numbers and addresses, as ranges of units with their category.
pub(crate) fn shapes(units: &Units<'_>) -> impl Iterator<Item = (&'static str, (usize, usize))> {
    let ids = id_number::find(units);
    let mut phones = phone::find(units);
    // `110105 19491231 002X`: a date of birth and what follows can look like a telephone number.
    phones.retain(|(start, end)| !ids.iter().any(|(from, to)| from <= start && end <= to));
    let phones = phones.into_iter().map(|range| (PHONE_NUMBER, range));
    let ids = ids.into_iter().map(|range| (ID_NUMBER, range));
    let urls = url::find(units).into_iter().map(|range| (URL, range));
    phones.chain(ids).chain(urls)
}
