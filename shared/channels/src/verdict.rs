//! What a platform's code means: the vocabulary of the error tables.

/// One line of a platform's error table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The platform's code.
    pub code: i64,
    /// What Sluice does about it.
    pub verdict: Verdict,
    /// What the platform says it means.
    pub meaning: &'static str,
    /// Where that is written.
    pub source: &'static str,
    /// How sure it is.
    pub evidence: Evidence,
}

/// How sure a row is. Nothing here was tried on a live tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The platform's own documentation.
    Documented,
    /// The tables and tests of the platforms' SDKs and of well-used libraries.
    Libraries,
    /// Reports of users.
    Reported,
    /// Concluded from a general rule of the platform.
    Inferred,
}

/// What is done about a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The platform has this message already: as good as taken.
    Duplicate,
    /// The token died: get another and repeat once; a second time it is the endpoint's fault.
    RefreshToken,
    /// Signature or clock: sign anew and repeat once; a second time it is the endpoint's fault.
    SignAgain,
    /// Too fast.
    Throttle(Wait, Scope),
    /// A passing fault, surely before the message was taken.
    Transient,
    /// A quota is used up.
    Quota(Refill),
    /// The recipient can not or will not be reached.
    Recipient {
        /// They said no to such messages.
        opt_out: bool,
    },
    /// The message can not be taken.
    Content {
        /// For its words, not for its form.
        compliance: bool,
    },
    /// Nothing gets through this endpoint until a person mends it.
    Endpoint,
}

/// How long a throttle lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// So many seconds.
    Seconds(i64),
    /// Doubling from `first` to `most` seconds while the throttle comes back.
    Rising {
        /// The first wait, in seconds.
        first: i64,
        /// The longest, in seconds.
        most: i64,
    },
    /// The header `x-ogw-ratelimit-reset` says it in seconds; 60 without it.
    ResetHeader,
    /// WeCom blocks for 60 s, 60 min or the rest of the day by the limit that was hit, under one code (WW90454): the waits
    /// grow in these steps while it comes back within the hour.
    MinuteHourDay,
}

/// Whom a throttle holds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything to this destination.
    Endpoint,
    /// This one person.
    Recipient,
}

/// When a quota fills again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refill {
    /// At midnight in China.
    NextDay,
    /// On the first of the month in China.
    NextMonth,
}

/// The row of a code.
pub(crate) fn row(table: &'static [Row], code: i64) -> Option<&'static Row> {
    table.iter().find(|row| row.code == code)
}

/// A row, in a line: for the tables.
pub(crate) const fn when(
    code: i64,
    verdict: Verdict,
    meaning: &'static str,
    source: &'static str,
    evidence: Evidence,
) -> Row {
    Row { code, verdict, meaning, source, evidence }
}

#[cfg(test)]
mod tests {
    use super::Row;

    #[test]
    fn no_table_names_a_code_twice_or_success() {
        for table in [crate::feishu::ERRORS, crate::wecom::ERRORS, crate::wechat::ERRORS] {
            let mut codes: Vec<i64> = table.iter().map(|row: &Row| row.code).collect();
            codes.sort_unstable();
            let before = codes.len();
            codes.dedup();
            assert_eq!(codes.len(), before, "a code is listed twice");
            assert!(!codes.contains(&0), "0 is success, not an error");
        }
    }
}
