use crate::codes::Table;
use crate::verdict::Evidence::{Documented, Reported};
use crate::verdict::Verdict::{Content, Endpoint, Quota, Recipient, RefreshToken, Throttle, Transient};
use crate::verdict::{Refill, Scope, Wait, when};

const OPEN: &str = "Douyin Open Platform, error codes";
const MESSAGES: &str = "Douyin, im/send/msg";
const LIFE: &str = "Douyin life service, reports";

const GONE: crate::verdict::Verdict = Recipient { opt_out: false };
const MALFORMED: crate::verdict::Verdict = Content { compliance: false };
const MINUTE: crate::verdict::Verdict = Throttle(Wait::Seconds(60), Scope::Endpoint);
const RISING: crate::verdict::Verdict = Throttle(Wait::Rising { first: 5, most: 60 }, Scope::Endpoint);

/// Tokens (`/oauth/*`).
pub(crate) const OAUTH: Table = Table {
    platform: "douyin",
    api: "oauth",
    rows: &[
        when(10_002, Endpoint, "invalid parameter", OPEN, Documented),
        when(10_003, Endpoint, "invalid client_key", OPEN, Documented),
        when(10_004, Endpoint, "scope not granted", OPEN, Documented),
        when(10_005, Endpoint, "parameter missing", OPEN, Documented),
        when(10_007, Endpoint, "authorisation code expired", OPEN, Documented),
        when(10_008, RefreshToken, "access_token expired", OPEN, Documented),
        when(10_010, Endpoint, "refresh_token expired: the merchant must authorise again", OPEN, Documented),
        when(10_013, Endpoint, "invalid client_secret", OPEN, Documented),
        when(10_020, MINUTE, "tokens asked for too often", OPEN, Documented),
    ],
};

/// The Open Platform's codes, of every API.
pub(crate) const GENERAL: Table = Table {
    platform: "douyin",
    api: "general",
    rows: &[
        when(2_100_004, Transient, "system busy", OPEN, Documented),
        when(2_100_005, MALFORMED, "invalid parameter", OPEN, Documented),
        when(
            2_100_007,
            Endpoint,
            "no permission, or the address this came from is not on the list",
            OPEN,
            Documented,
        ),
        when(2_100_009, Endpoint, "user banned", OPEN, Documented),
        when(2_111_001, Content { compliance: true }, "sensitive words", OPEN, Documented),
        when(2_119_003, MINUTE, "requests too frequent", LIFE, Reported),
        when(2_190_001, Quota(Refill::NextDay), "quota used up", OPEN, Documented),
        when(2_190_002, RefreshToken, "access_token invalid", OPEN, Documented),
        when(2_190_008, RefreshToken, "access_token expired", OPEN, Documented),
        when(2_190_015, Endpoint, "token and open_id do not belong together", OPEN, Documented),
        when(5_000_001, Transient, "system busy", OPEN, Documented),
        when(28_001_003, RefreshToken, "access_token invalid", OPEN, Documented),
        when(28_001_005, Transient, "system busy", OPEN, Documented),
        when(28_001_006, Transient, "network", OPEN, Documented),
        when(28_001_007, MALFORMED, "invalid parameter", OPEN, Documented),
        when(28_001_008, RefreshToken, "access_token expired", OPEN, Documented),
        when(28_001_012, Endpoint, "not authorised", OPEN, Documented),
        when(28_001_014, Endpoint, "not authorised", OPEN, Documented),
        when(28_001_015, Endpoint, "token and open_id do not belong together", OPEN, Documented),
        when(28_001_016, Endpoint, "application banned", OPEN, Documented),
        when(28_001_018, Endpoint, "the application lacks the capability", OPEN, Documented),
        when(28_001_019, Endpoint, "the capability is banned", OPEN, Documented),
        when(28_003_017, Quota(Refill::NextDay), "quota used up", OPEN, Documented),
        when(28_003_018, RISING, "rate too high", OPEN, Documented),
    ],
};

/// Private messages and comments.
pub(crate) const MESSAGE: Table = Table {
    platform: "douyin",
    api: "message",
    rows: &[
        when(28_001_038, MALFORMED, "content invalid", MESSAGES, Reported),
        when(
            28_003_070,
            Throttle(Wait::Seconds(3_600), Scope::Recipient),
            "frequency exceeded: at most 6 replies to one message of the person",
            MESSAGES,
            Reported,
        ),
        when(28_003_080, GONE, "the person's message is older than 24 h", MESSAGES, Reported),
        when(28_003_081, GONE, "the person's message is older than 24 h", MESSAGES, Reported),
        when(28_003_082, MALFORMED, "conversation and message do not belong together", MESSAGES, Reported),
        when(
            28_003_095,
            Endpoint,
            "the console sends automatic messages itself: switch that off",
            MESSAGES,
            Reported,
        ),
        when(28_003_101, Endpoint, "user banned", MESSAGES, Reported),
        when(28_029_004, Endpoint, "sending banned", MESSAGES, Reported),
    ],
};

/// Every table of Douyin's: its numbers are one space.
pub(crate) const TABLES: &[&[crate::verdict::Row]] = &[MESSAGE.rows, GENERAL.rows, OAUTH.rows];
