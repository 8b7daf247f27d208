use crate::codes::Table;
use crate::verdict::Evidence::{Documented, Reported, Unconfirmed};
use crate::verdict::Verdict::{
    Content, Endpoint, Quota, Recipient, RefreshToken, SignAgain, Throttle, Transient,
};
use crate::verdict::{Refill, Row, Scope, Wait, when};

const BOT_GUIDE: &str = "Feishu, custom bot guide";
const SEND: &str = "Feishu, im/v1/messages";
const UPLOAD: &str = "Feishu, im/v1/images create";
const GENERAL_CODES: &str = "Feishu, general error codes";
const TOKEN_CALL: &str = "Feishu, tenant_access_token_internal";
const LIMITS: &str = "Feishu, frequency control";

const RISING: Wait = Wait::Rising { first: 5, most: 60 };
const GONE: crate::verdict::Verdict = Recipient { opt_out: false };
const MALFORMED: crate::verdict::Verdict = Content { compliance: false };
const FORBIDDEN: crate::verdict::Verdict = Content { compliance: true };

/// Custom bots of groups. The platform's own list of these codes could be read in part only.
pub(crate) const BOT: Table = Table {
    platform: "feishu",
    api: "bot",
    rows: &[
        when(9_499, MALFORMED, "bad request, invalid parameter", GENERAL_CODES, Documented),
        when(
            19_001,
            Endpoint,
            "the hook's token is invalid: bot removed or wrong address",
            BOT_GUIDE,
            Reported,
        ),
        when(19_021, SignAgain, "signature mismatch or timestamp not within one hour", BOT_GUIDE, Reported),
        when(19_022, Endpoint, "the address this came from is not on the bot's list", BOT_GUIDE, Reported),
        when(19_024, MALFORMED, "none of the bot's key words is in the message", BOT_GUIDE, Reported),
        when(19_036, MALFORMED, "payload too large", BOT_GUIDE, Reported),
    ],
};

/// Limits of the send services, under every API.
pub(crate) const FREQUENCY: Table = Table {
    platform: "feishu",
    api: "frequency",
    rows: &[
        when(
            11_232,
            Throttle(RISING, Scope::Endpoint),
            "system-wide limit of the send service",
            LIMITS,
            Documented,
        ),
        when(11_233, Throttle(RISING, Scope::Endpoint), "limit of one group", LIMITS, Documented),
        when(11_247, Quota(Refill::NextDay), "batch messages of the day are used up", LIMITS, Documented),
    ],
};

/// Tokens (`tenant_access_token/internal`).
pub(crate) const TOKEN: Table = Table {
    platform: "feishu",
    api: "token",
    rows: &[
        when(10_014, Endpoint, "application disabled", TOKEN_CALL, Documented),
        when(10_015, Endpoint, "wrong application secret", TOKEN_CALL, Documented),
        when(99_991_543, Endpoint, "application id or secret wrong", TOKEN_CALL, Documented),
    ],
};

/// Application messages (`im/v1/messages`).
pub(crate) const MESSAGE: Table = Table {
    platform: "feishu",
    api: "message",
    rows: &[
        when(
            230_020,
            Throttle(Wait::Rising { first: 1, most: 5 }, Scope::Endpoint),
            "5 a second to one chat or person",
            SEND,
            Documented,
        ),
        when(230_049, Transient, "message is being sent: repeat with the same uuid", SEND, Documented),
        when(230_001, MALFORMED, "invalid parameter", SEND, Documented),
        when(230_002, GONE, "the bot is not in the group", SEND, Documented),
        when(230_006, Endpoint, "the application has no bot", SEND, Documented),
        when(230_013, GONE, "person outside the application's availability, or gone", SEND, Documented),
        when(230_015, MALFORMED, "card not allowed person to person", SEND, Documented),
        when(230_017, MALFORMED, "not the owner of the file", SEND, Documented),
        when(230_018, GONE, "forbidden by the group's settings", SEND, Documented),
        when(230_019, GONE, "topic does not exist", SEND, Documented),
        when(230_022, FORBIDDEN, "content has sensitive information", SEND, Documented),
        when(230_025, MALFORMED, "too long", SEND, Documented),
        when(230_027, GONE, "no permission", SEND, Documented),
        when(230_028, FORBIDDEN, "data-loss prevention refused it", SEND, Documented),
        when(230_029, GONE, "person has resigned", SEND, Documented),
        when(230_034, GONE, "invalid receive_id", SEND, Documented),
        when(230_035, GONE, "send denied: muted, blocked or controlled by the tenant", SEND, Documented),
        when(230_036, Endpoint, "the tenant's encryption key is deleted", SEND, Documented),
        when(230_038, GONE, "no messages to persons of another tenant", SEND, Documented),
        when(230_053, Recipient { opt_out: true }, "person stopped the bot", SEND, Documented),
        when(230_054, MALFORMED, "message type not allowed", SEND, Documented),
        when(230_055, MALFORMED, "file type does not match", SEND, Documented),
        when(230_075, GONE, "encrypted chat", SEND, Documented),
        when(230_099, MALFORMED, "card could not be built", SEND, Documented),
        when(232_009, GONE, "chat dissolved", SEND, Documented),
        when(11_310, MALFORMED, "card could not be built (sub-code of 230099)", SEND, Documented),
        when(100_290, MALFORMED, "card could not be built (sub-code of 230099)", SEND, Documented),
        when(200_380, MALFORMED, "card could not be built (sub-code of 230099)", SEND, Documented),
        when(200_381, MALFORMED, "card could not be built (sub-code of 230099)", SEND, Documented),
        when(200_550, MALFORMED, "card could not be built (sub-code of 230099)", SEND, Documented),
        when(200_570, MALFORMED, "card could not be built (sub-code of 230099)", SEND, Documented),
        when(200_621, MALFORMED, "card could not be built (sub-code of 230099)", SEND, Documented),
        when(200_732, MALFORMED, "card could not be built (sub-code of 230099)", SEND, Documented),
        when(200_737, MALFORMED, "card could not be built (sub-code of 230099)", SEND, Documented),
        when(200_861, MALFORMED, "card could not be built (sub-code of 230099)", SEND, Documented),
        when(200_914, MALFORMED, "card could not be built (sub-code of 230099)", SEND, Documented),
        when(200_915, MALFORMED, "card could not be built (sub-code of 230099)", SEND, Documented),
    ],
};

/// Images (`im/v1/images`).
pub(crate) const IMAGE: Table = Table {
    platform: "feishu",
    api: "image",
    rows: &[
        when(234_001, MALFORMED, "invalid parameter", UPLOAD, Documented),
        when(234_002, Endpoint, "not authorised", UPLOAD, Documented),
        when(234_006, MALFORMED, "file too large", UPLOAD, Documented),
        when(234_007, Endpoint, "the application has no bot", UPLOAD, Documented),
        when(234_010, MALFORMED, "empty file", UPLOAD, Documented),
        when(234_011, MALFORMED, "format not recognised", UPLOAD, Unconfirmed),
        when(234_039, MALFORMED, "too many pixels", UPLOAD, Unconfirmed),
        when(99_992_402, MALFORMED, "a field of the form is not valid", UPLOAD, Reported),
    ],
};

/// The gateway's codes, under every API.
pub(crate) const GENERAL: Table = Table {
    platform: "feishu",
    api: "general",
    rows: &[
        when(
            99_991_400,
            Throttle(Wait::ResetHeader, Scope::Endpoint),
            "request frequency limit",
            GENERAL_CODES,
            Documented,
        ),
        when(
            99_991_403,
            Quota(Refill::NextMonth),
            "calls of the month are used up",
            GENERAL_CODES,
            Documented,
        ),
        when(
            99_991_401,
            Endpoint,
            "the address this came from is not on the application's list",
            GENERAL_CODES,
            Documented,
        ),
        when(99_991_661, Endpoint, "token missing", GENERAL_CODES, Documented),
        when(99_991_662, Endpoint, "application disabled", GENERAL_CODES, Documented),
        when(99_991_663, RefreshToken, "tenant token invalid or expired", GENERAL_CODES, Documented),
        when(99_991_664, RefreshToken, "application token invalid", GENERAL_CODES, Documented),
        when(99_991_665, RefreshToken, "tenant token invalid", GENERAL_CODES, Documented),
        when(
            99_991_668,
            Endpoint,
            "user token invalid: the application never sends one",
            GENERAL_CODES,
            Documented,
        ),
        when(99_991_671, RefreshToken, "token must start with t- or u-", GENERAL_CODES, Documented),
        when(99_991_672, Endpoint, "scope missing", GENERAL_CODES, Documented),
        when(99_991_673, Endpoint, "application not available", GENERAL_CODES, Documented),
        when(
            99_991_677,
            Endpoint,
            "user token expired: the application never sends one",
            GENERAL_CODES,
            Documented,
        ),
        when(99_991_679, Endpoint, "scope of the user missing", GENERAL_CODES, Documented),
        when(1_500, Transient, "internal error", GENERAL_CODES, Documented),
        when(2_200, Transient, "internal service error", GENERAL_CODES, Documented),
        when(5_000, Transient, "internal error", GENERAL_CODES, Documented),
        when(10_500, Transient, "internal error", GENERAL_CODES, Documented),
        when(1_663, Transient, "internal error", GENERAL_CODES, Documented),
        when(10_101, Transient, "internal error", GENERAL_CODES, Documented),
        when(55_000, Transient, "internal error", GENERAL_CODES, Documented).through(55_999),
    ],
};

/// Every table of Feishu's: its numbers are one space.
pub(crate) const TABLES: &[&[Row]] =
    &[BOT.rows, FREQUENCY.rows, TOKEN.rows, MESSAGE.rows, IMAGE.rows, GENERAL.rows];
