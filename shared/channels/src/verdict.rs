//! What a platform's code means: the vocabulary of the error tables.

/// One line of a platform's error table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The platform's code; of a run of codes, the first.
    pub code: i64,
    /// The last code of the run; of a single code, the same.
    pub last: i64,
    /// What Sluice does about it.
    pub verdict: Verdict,
    /// What the platform says it means.
    pub meaning: &'static str,
    /// Where that is written.
    pub source: &'static str,
    /// How sure it is.
    pub evidence: Evidence,
    /// How many attempts in all the platform wants at most, where it says so.
    pub most_attempts: Option<u32>,
}

impl Row {
    /// The same for every code up to this one.
    pub(crate) const fn through(self, last: i64) -> Self {
        Self { last, ..self }
    }

    /// With a limit of attempts.
    pub(crate) const fn at_most(self, attempts: u32) -> Self {
        Self { most_attempts: Some(attempts), ..self }
    }
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
    /// The number itself could not be confirmed anywhere.
    Unconfirmed,
}

impl Evidence {
    /// As tables show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Libraries => "libraries",
            Self::Reported => "reported",
            Self::Inferred => "inferred",
            Self::Unconfirmed => "unconfirmed",
        }
    }
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
    /// The uploaded image is gone, or never was: upload it again and repeat once; a second time it is the message's fault.
    UploadAgain,
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

impl Verdict {
    /// The class, as tables and records show it.
    pub fn class(self) -> &'static str {
        match self {
            Self::Duplicate => "delivered",
            Self::RefreshToken => "token",
            Self::SignAgain => "signature",
            Self::UploadAgain => "upload",
            Self::Throttle(..) => "throttled",
            Self::Transient => "transient",
            Self::Quota(_) => "quota",
            Self::Recipient { opt_out: false } => "recipient",
            Self::Recipient { opt_out: true } => "opt_out",
            Self::Content { compliance: false } => "content",
            Self::Content { compliance: true } => "compliance",
            Self::Endpoint => "endpoint",
        }
    }

    /// What Sluice does, as tables show it.
    pub fn action(self) -> &'static str {
        match self {
            Self::Duplicate => "count as delivered",
            Self::RefreshToken => "new token, repeat once; then stop the endpoint",
            Self::SignAgain => "sign anew, repeat once; then stop the endpoint",
            Self::UploadAgain => "upload the image again, repeat once; then refuse the message",
            Self::Throttle(_, Scope::Endpoint) => "hold the endpoint back, then repeat",
            Self::Throttle(_, Scope::Recipient) => "hold this message back, then repeat",
            Self::Transient => "repeat with growing pauses",
            Self::Quota(_) => "hold the endpoint back until the quota fills",
            Self::Recipient { opt_out: false } => "refuse; note that the person is out of reach",
            Self::Recipient { opt_out: true } => "refuse; withdraw the consent",
            Self::Content { compliance: false } => "refuse the message",
            Self::Content { compliance: true } => "refuse the message; tell the compliance officer",
            Self::Endpoint => "refuse; stop the endpoint until a person mends it",
        }
    }

    /// The waiting time, as tables show it.
    pub fn wait(self) -> Option<String> {
        match self {
            Self::Throttle(Wait::Seconds(seconds), _) => Some(format!("{seconds} s")),
            Self::Throttle(Wait::Rising { first, most }, _) => Some(format!("{first} s to {most} s")),
            Self::Throttle(Wait::ResetHeader, _) => Some("x-ogw-ratelimit-reset, or 60 s".to_owned()),
            Self::Throttle(Wait::MinuteHourDay, _) => Some("60 s, 60 min, midnight".to_owned()),
            Self::Quota(Refill::NextDay) => Some("until midnight in China".to_owned()),
            Self::Quota(Refill::NextMonth) => Some("until the first of the month in China".to_owned()),
            Self::Transient => Some("2 s to 300 s".to_owned()),
            _ => None,
        }
    }
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
    table.iter().find(|row| (row.code..=row.last).contains(&code))
}

/// A row, in a line: for the tables.
pub(crate) const fn when(
    code: i64,
    verdict: Verdict,
    meaning: &'static str,
    source: &'static str,
    evidence: Evidence,
) -> Row {
    Row { code, last: code, verdict, meaning, source, evidence, most_attempts: None }
}
