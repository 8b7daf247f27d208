use crate::codes::Table;
use crate::verdict::Evidence::{Documented, Inferred, Libraries, Unconfirmed};
use crate::verdict::Verdict::{Content, Endpoint, Recipient, RefreshToken, Throttle, Transient, UploadAgain};
use crate::verdict::{Row, Scope, Wait, when};

const CODES: &str = "WW90455";
const LIMITS: &str = "WW90454";
const WELCOME: &str = "WW92599";

const GONE: crate::verdict::Verdict = Recipient { opt_out: false };
const MALFORMED: crate::verdict::Verdict = Content { compliance: false };

/// Group bots (WW99110): 20 messages a minute is their only limit, and its block lasts 60 s.
pub(crate) const BOT: Table = Table {
    platform: "wecom",
    api: "bot",
    rows: &[
        when(
            45_009,
            Throttle(Wait::Seconds(60), Scope::Endpoint),
            "more than 20 messages in a minute",
            LIMITS,
            Inferred,
        ),
        when(93_000, Endpoint, "invalid webhook address", CODES, Documented),
    ],
};

/// WeCom's codes, of every API. The same numbers can mean something else at WeChat.
pub(crate) const GENERAL: Table = Table {
    platform: "wecom",
    api: "general",
    rows: &[
        when(-1, Transient, "system busy; repeat at most three times", CODES, Documented).at_most(4),
        when(6_000, Transient, "data version conflict", CODES, Documented),
        when(40_001, RefreshToken, "invalid secret; libraries see it for dead tokens too", CODES, Documented),
        when(40_014, RefreshToken, "invalid access_token", CODES, Documented),
        when(42_001, RefreshToken, "access_token expired", CODES, Documented),
        when(41_001, Endpoint, "access_token missing", CODES, Documented),
        when(40_003, GONE, "invalid UserID", CODES, Documented),
        when(60_111, GONE, "UserID not found", CODES, Documented),
        when(81_013, GONE, "users, parties and tags all invalid or without permission", CODES, Documented),
        when(43_004, GONE, "the member's UserID is not bound to WeChat", CODES, Libraries),
        when(60_011, Endpoint, "no permission", CODES, Documented),
        when(301_002, Endpoint, "the application is not allowed to", CODES, Documented),
        when(48_002, Endpoint, "API forbidden", CODES, Documented),
        when(50_003, Endpoint, "application disabled", CODES, Documented),
        when(60_020, Endpoint, "the address this came from is not trusted", CODES, Documented),
        when(40_013, Endpoint, "invalid corpid", CODES, Documented),
        when(40_008, MALFORMED, "invalid message type", CODES, Documented),
        when(
            40_056,
            Endpoint,
            "invalid agentid: the configuration's, so wrong for every message",
            CODES,
            Documented,
        ),
        when(40_058, MALFORMED, "invalid parameter", CODES, Documented),
        when(40_004, MALFORMED, "invalid type of a media file", CODES, Libraries),
        when(40_005, MALFORMED, "invalid `type`", CODES, Libraries),
        when(40_006, MALFORMED, "invalid size of a file", CODES, Libraries),
        when(
            40_007,
            UploadAgain,
            "invalid media_id: three days old, or another corporation's",
            CODES,
            Documented,
        ),
        when(40_009, MALFORMED, "invalid size of an image", CODES, Libraries),
        when(44_001, MALFORMED, "empty media file", CODES, Libraries),
        when(45_001, MALFORMED, "media file too large", CODES, Libraries),
        when(301_019, MALFORMED, "the MD5 is not the file's", CODES, Unconfirmed),
        when(44_004, MALFORMED, "empty content", CODES, Documented),
        when(45_002, MALFORMED, "content too long", CODES, Documented),
        when(45_008, MALFORMED, "too many articles", CODES, Documented),
        when(45_009, Throttle(Wait::MinuteHourDay, Scope::Endpoint), "frequency limit", LIMITS, Documented),
        when(
            45_033,
            Throttle(Wait::Seconds(5), Scope::Endpoint),
            "too many calls at once",
            CODES,
            Documented,
        ),
    ],
};

/// Customer contact: contact-me entries and welcome messages.
pub(crate) const CONTACT: Table = Table {
    platform: "wecom",
    api: "contact",
    rows: &[
        when(41_050, GONE, "welcome code used or expired", WELCOME, Unconfirmed),
        when(
            41_051,
            GONE,
            "customer and member chat already: delivered before, never repeated",
            WELCOME,
            Documented,
        ),
        when(41_096, Transient, "another application is sending the welcome message", WELCOME, Documented),
        when(84_061, GONE, "no external-contact relation", CODES, Documented),
        when(84_074, Endpoint, "no external-contact permission", CODES, Documented),
    ],
};

/// Every table of WeCom's applications: their numbers are one space.
pub(crate) const TABLES: &[&[Row]] = &[GENERAL.rows, CONTACT.rows];
/// The same for bots, whose limit is by the minute alone.
pub(crate) const BOT_TABLES: &[&[Row]] = &[BOT.rows, GENERAL.rows];
