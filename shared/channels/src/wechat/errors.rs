use crate::codes::Table;
use crate::verdict::Evidence::{Documented, Libraries, Reported, Unconfirmed};
use crate::verdict::Verdict::{
    Content, Duplicate, Endpoint, Quota, Recipient, RefreshToken, Throttle, Transient, UploadAgain,
};
use crate::verdict::{Refill, Row, Scope, Wait, when};

const CODES: &str = "WeChat, global return codes";
const CUSTOM_SEND: &str = "WeChat, message/custom/send";
const SUBSCRIBE_SEND: &str = "WeChat, message/subscribe/send";
const MASS_SEND: &str = "WeChat, message/mass";
const URL_LINK: &str = "WeChat, generate_urllink";

const GONE: crate::verdict::Verdict = Recipient { opt_out: false };
const MALFORMED: crate::verdict::Verdict = Content { compliance: false };
const MINUTE: crate::verdict::Verdict = Throttle(Wait::Seconds(60), Scope::Endpoint);

/// WeChat's codes, of every API. The same numbers can mean something else at WeCom.
pub(crate) const GENERAL: Table = Table {
    platform: "wechat",
    api: "general",
    rows: &[
        when(-1, Transient, "system busy", CODES, Libraries),
        when(40_001, RefreshToken, "token invalid, or AppSecret wrong", CODES, Libraries),
        when(40_014, RefreshToken, "invalid token", CODES, Libraries),
        when(42_001, RefreshToken, "token expired", CODES, Libraries),
        when(40_003, GONE, "invalid openid: of another account, or unfollowed", CODES, Libraries),
        when(40_002, Endpoint, "invalid grant_type", CODES, Libraries),
        when(40_004, MALFORMED, "invalid type of a media file", CODES, Libraries),
        when(40_005, MALFORMED, "invalid type of a file", CODES, Libraries),
        when(40_006, MALFORMED, "invalid size of a file", CODES, Libraries),
        when(40_007, UploadAgain, "invalid media_id: three days old, or no temporary one", CODES, Reported),
        when(40_008, MALFORMED, "invalid message type", CODES, Libraries),
        when(40_009, MALFORMED, "invalid size of an image", CODES, Libraries),
        when(40_137, MALFORMED, "format of the image not supported", CODES, Libraries),
        when(41_005, MALFORMED, "media file missing", CODES, Libraries),
        when(44_001, MALFORMED, "empty media file", CODES, Libraries),
        when(40_013, Endpoint, "invalid appid", CODES, Libraries),
        when(40_125, Endpoint, "invalid AppSecret", CODES, Libraries),
        when(40_164, Endpoint, "the address this came from is not on the list", CODES, Unconfirmed),
        when(43_004, GONE, "the person must follow the account", CODES, Libraries),
        when(44_002, MALFORMED, "empty body", CODES, Libraries),
        when(45_001, MALFORMED, "media file too large", CODES, Libraries),
        when(45_002, MALFORMED, "content too long", CODES, Libraries),
        when(45_009, Quota(Refill::NextDay), "calls of the day are used up", CODES, Libraries),
        when(45_011, MINUTE, "too fast, try later", CODES, Libraries),
        when(47_001, MALFORMED, "not JSON", CODES, Libraries),
        when(48_001, Endpoint, "API not authorised", CODES, Libraries),
        when(48_002, Recipient { opt_out: true }, "the follower switched messages off", CODES, Libraries),
        when(48_004, Endpoint, "API banned: a person must look", CODES, Libraries),
        when(50_002, Endpoint, "account limited: a person must look", CODES, Libraries),
        when(87_014, Content { compliance: true }, "content violates the rules", CODES, Libraries),
    ],
};

/// Custom messages (`message/custom/send`).
pub(crate) const CUSTOM: Table = Table {
    platform: "wechat",
    api: "custom",
    rows: &[
        when(45_015, GONE, "out of the time to reply, or unsubscribed", CUSTOM_SEND, Libraries),
        when(45_047, GONE, "more messages than the person's last action allows", CUSTOM_SEND, Libraries),
    ],
};

/// Template and subscribe messages (`message/template/send`, `message/subscribe/send`, `message/subscribe/bizsend`).
pub(crate) const TEMPLATE: Table = Table {
    platform: "wechat",
    api: "template",
    rows: &[
        when(40_037, MALFORMED, "invalid template_id", CODES, Libraries),
        when(41_030, MALFORMED, "page path or parameter wrong", CODES, Libraries),
        when(
            43_101,
            Recipient { opt_out: true },
            "person refuses, or the consent is used up",
            SUBSCRIBE_SEND,
            Libraries,
        ),
        when(
            43_117,
            Throttle(Wait::Seconds(6 * 3_600), Scope::Recipient),
            "too often to this person",
            SUBSCRIBE_SEND,
            Reported,
        ),
        when(47_003, MALFORMED, "template data wrong", CODES, Libraries),
    ],
};

/// What repeats of one `clientmsgid` are answered.
pub(crate) const MASS: Table = Table {
    platform: "wechat",
    api: "mass",
    rows: &[
        when(45_065, Duplicate, "clientmsgid exists: sent before", MASS_SEND, Libraries),
        when(45_066, MINUTE, "the same clientmsgid too fast", MASS_SEND, Libraries),
        when(45_067, MALFORMED, "clientmsgid too long", MASS_SEND, Libraries),
    ],
};

/// Links into mini-programs (`generate_urllink`, `generatescheme`, `genwxashortlink`).
pub(crate) const LINK: Table = Table {
    platform: "wechat",
    api: "link",
    rows: &[
        when(40_066, MALFORMED, "invalid path", URL_LINK, Documented),
        when(40_165, MALFORMED, "invalid page", URL_LINK, Documented),
        when(40_212, MALFORMED, "invalid query", URL_LINK, Documented),
        when(
            44_990,
            Throttle(Wait::Seconds(1), Scope::Endpoint),
            "calls of this second are used up",
            URL_LINK,
            Documented,
        ),
        when(44_993, Quota(Refill::NextDay), "calls of the day are used up", URL_LINK, Documented),
        when(85_079, Endpoint, "the mini-program is not released", URL_LINK, Documented),
        when(85_400, Endpoint, "permanent links are used up", URL_LINK, Documented),
        when(85_402, MALFORMED, "invalid environment", URL_LINK, Documented),
    ],
};

/// Every table of WeChat's: its numbers are one space.
pub(crate) const TABLES: &[&[Row]] = &[GENERAL.rows, CUSTOM.rows, TEMPLATE.rows, MASS.rows, LINK.rows];
