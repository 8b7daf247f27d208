//! The platform's codes as data.

/// What a code means for the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The token is dead: one other is fetched and the request repeated once; after that it is [`Class::Credentials`].
    Token,
    /// The application or its secret is refused.
    Credentials,
    /// The platform is busy: again, after a pause.
    Busy,
    /// Too many requests: again, after a pause.
    Rate,
    /// The quota is used up: not again before it is refilled.
    Quota,
    /// The application may not do this: missing scope, banned, address not on the list.
    Permission,
    /// The request is refused for its form.
    Parameter,
    /// The platform refuses the text itself: that is a hit.
    Hit,
}

/// Where a row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The platform's own page.
    Documented,
    /// A community SDK's or forum's word.
    Reported,
}

/// One code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// `err_no`, `error_code`, or the `code` of the older API.
    pub code: i64,
    /// What it means for the check.
    pub class: Class,
    /// In words.
    pub meaning: &'static str,
    /// Which document.
    pub document: &'static str,
    /// Which kind of document.
    pub source: Source,
}

const fn row(code: i64, class: Class, meaning: &'static str, document: &'static str, source: Source) -> Row {
    Row { code, class, meaning, document, source }
}

const OPEN: &str = "open.douyin.com, error codes of the open API";
const TOKEN: &str = "open.douyin.com, oauth/client_token";
const MINI_TOKEN: &str = "developer.toutiao.com, apps/v2/token";
const ANTIDIRT: &str = "developer.toutiao.com, tags/text/antidirt";

use Class::{Busy, Credentials, Hit, Parameter, Permission, Quota, Rate, Token};
use Source::{Documented, Reported};

/// Every code that is known. One that is not here is a failure, and visible: never clean.
pub const ERRORS: &[Row] = &[
    // Tokens.
    row(10_008, Token, "access token expired", OPEN, Documented),
    row(2_190_008, Token, "access token expired", OPEN, Documented),
    row(28_001_008, Token, "access token expired", OPEN, Documented),
    row(2_190_002, Token, "access token invalid", OPEN, Documented),
    row(28_001_003, Token, "access token invalid", OPEN, Documented),
    row(401, Token, "bad or missing X-Token", ANTIDIRT, Documented),
    // Credentials.
    row(10_013, Credentials, "client secret wrong", TOKEN, Documented),
    row(10_003, Credentials, "client key wrong", TOKEN, Documented),
    row(40_015, Credentials, "appid wrong", MINI_TOKEN, Documented),
    row(40_017, Credentials, "secret wrong", MINI_TOKEN, Documented),
    row(40_020, Credentials, "grant_type wrong", MINI_TOKEN, Documented),
    // Load.
    row(2_100_004, Busy, "system busy", OPEN, Documented),
    row(28_001_005, Busy, "system busy", OPEN, Documented),
    row(5_000_001, Busy, "system busy", OPEN, Documented),
    row(28_001_006, Busy, "network error inside the platform", OPEN, Documented),
    row(10_020, Rate, "tokens are fetched too often", TOKEN, Documented),
    row(28_003_018, Rate, "request rate too high", OPEN, Documented),
    row(2_119_003, Rate, "requests too frequent", OPEN, Reported),
    row(2_190_001, Quota, "quota used up", OPEN, Documented),
    row(28_003_017, Quota, "quota used up", OPEN, Documented),
    // Permission.
    row(10_004, Permission, "scope missing", TOKEN, Documented),
    row(
        2_100_007,
        Permission,
        "no permission; also: the caller's address is not on the list",
        OPEN,
        Documented,
    ),
    row(28_001_012, Permission, "not authorised", OPEN, Documented),
    row(28_001_014, Permission, "not authorised", OPEN, Documented),
    row(28_001_016, Permission, "application banned", OPEN, Documented),
    row(28_001_018, Permission, "no such capability", OPEN, Documented),
    row(28_001_019, Permission, "capability banned", OPEN, Documented),
    row(2_190_015, Permission, "token is of another application", OPEN, Documented),
    row(28_001_015, Permission, "token is of another application", OPEN, Documented),
    row(2_100_009, Permission, "user banned", OPEN, Documented),
    // The request.
    row(400, Parameter, "parameter wrong", ANTIDIRT, Documented),
    row(10_002, Parameter, "parameter wrong", TOKEN, Documented),
    row(10_005, Parameter, "parameter missing", TOKEN, Documented),
    row(2_100_005, Parameter, "parameter wrong", OPEN, Documented),
    row(28_001_007, Parameter, "parameter wrong", OPEN, Documented),
    row(2_111_001, Hit, "the text holds sensitive words", OPEN, Documented),
];

/// The class of a code; `None` for one that is in no document.
pub(crate) fn class_of(code: i64) -> Option<Class> {
    ERRORS.iter().find(|row| row.code == code).map(|row| row.class)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_listed_once_with_its_document() {
        let codes: BTreeSet<i64> = ERRORS.iter().map(|row| row.code).collect();
        assert_eq!(codes.len(), ERRORS.len());
        assert!(ERRORS.iter().all(|row| !row.meaning.is_empty() && !row.document.is_empty()));
        assert_eq!(class_of(0), None, "success is no error");
        assert_eq!(class_of(28_001_008), Some(Class::Token));
    }
}
