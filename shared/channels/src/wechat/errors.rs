use crate::verdict::Evidence::{Documented, Libraries, Reported};
use crate::verdict::Verdict::{
    Content, Duplicate, Endpoint, Quota, Recipient, RefreshToken, Throttle, Transient,
};
use crate::verdict::{Refill, Row, Scope, Wait, when};

const CODES: &str = "WeChat, global return codes";
const CUSTOM: &str = "WeChat, message/custom/send";
const SUBSCRIBE: &str = "WeChat, message/subscribe/send";
const MASS: &str = "WeChat, message/mass";
const LINKS: &str = "WeChat, generate_urllink";

const GONE: crate::verdict::Verdict = Recipient { opt_out: false };
const MALFORMED: crate::verdict::Verdict = Content { compliance: false };

/// WeChat's codes. The same numbers can mean something else at WeCom.
pub const ERRORS: &[Row] = &[
    when(-1, Transient, "system busy", CODES, Libraries),
    when(40_001, RefreshToken, "token invalid, or AppSecret wrong", CODES, Libraries),
    when(40_014, RefreshToken, "invalid token", CODES, Libraries),
    when(42_001, RefreshToken, "token expired", CODES, Libraries),
    when(40_003, GONE, "invalid openid: of another account, or unfollowed", CODES, Libraries),
    when(40_002, Endpoint, "invalid grant_type", CODES, Libraries),
    when(40_008, MALFORMED, "invalid message type", CODES, Libraries),
    when(40_013, Endpoint, "invalid appid", CODES, Libraries),
    when(40_125, Endpoint, "invalid AppSecret", CODES, Libraries),
    when(40_164, Endpoint, "the address this came from is not on the list", CODES, Reported),
    when(40_037, MALFORMED, "invalid template_id", CODES, Libraries),
    when(41_030, MALFORMED, "page path or parameter wrong", CODES, Libraries),
    when(43_004, GONE, "the person must follow the account", CODES, Libraries),
    when(
        43_101,
        Recipient { opt_out: true },
        "person refuses, or the consent is used up",
        SUBSCRIBE,
        Documented,
    ),
    when(
        43_117,
        Throttle(Wait::Seconds(6 * 3_600), Scope::Recipient),
        "too often to this person",
        SUBSCRIBE,
        Reported,
    ),
    when(44_002, MALFORMED, "empty body", CODES, Libraries),
    when(
        44_990,
        Throttle(Wait::Seconds(1), Scope::Endpoint),
        "calls of this second are used up",
        LINKS,
        Documented,
    ),
    when(44_993, Quota(Refill::NextDay), "calls of the day are used up", LINKS, Documented),
    when(45_002, MALFORMED, "content too long", CODES, Libraries),
    when(47_001, MALFORMED, "not JSON", CODES, Libraries),
    when(47_003, MALFORMED, "template data wrong", CODES, Libraries),
    when(45_009, Quota(Refill::NextDay), "calls of the day are used up", CODES, Libraries),
    when(45_011, Throttle(Wait::Seconds(60), Scope::Endpoint), "too fast, try later", CODES, Libraries),
    when(45_015, GONE, "out of the time to reply, or unsubscribed", CUSTOM, Libraries),
    when(45_047, GONE, "more messages than the person's last action allows", CUSTOM, Libraries),
    when(45_065, Duplicate, "clientmsgid exists: sent before", MASS, Libraries),
    when(
        45_066,
        Throttle(Wait::Seconds(60), Scope::Endpoint),
        "the same clientmsgid too fast",
        MASS,
        Libraries,
    ),
    when(45_067, MALFORMED, "clientmsgid too long", MASS, Libraries),
    when(48_001, Endpoint, "API not authorised", CODES, Libraries),
    when(48_002, Recipient { opt_out: true }, "the follower switched messages off", CODES, Libraries),
    when(48_004, Endpoint, "API banned", CODES, Libraries),
    when(50_002, Endpoint, "account limited", CODES, Libraries),
    when(87_014, Content { compliance: true }, "content violates the rules", CODES, Libraries),
    // Links into mini-programs; no send of ours leads there yet.
    when(40_066, MALFORMED, "invalid path", LINKS, Documented),
    when(40_165, MALFORMED, "invalid page", LINKS, Documented),
    when(40_212, MALFORMED, "invalid query", LINKS, Documented),
    when(85_079, Endpoint, "the mini-program is not released", LINKS, Documented),
    when(85_400, Endpoint, "permanent links are used up", LINKS, Documented),
    when(85_402, MALFORMED, "invalid environment", LINKS, Documented),
];
