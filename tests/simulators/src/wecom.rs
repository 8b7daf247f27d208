//! 企业微信 as it enforces itself: 20 a minute per bot with a block after it, tokens, the duplicate check on content, and the
//! limit per member that drops without a word.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, StatusCode};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use crate::limit::Window;
use crate::picture::{self, Uploads};
use crate::record::{Record, visible};
use crate::token::{Issued, Standing};
use crate::wecom_contact::WelcomeCode;
use crate::wire::{Call, Reply};
use crate::{Platform, Seen, WecomApp, WecomBot};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const TOKEN_LIFE_MS: i64 = 2 * HOUR_MS;
const BLOCK_MS: i64 = MINUTE_MS;
const TEXT_LIMIT: usize = 2_048;
const MARKDOWN_LIMIT: usize = 4_096;
/// How its tokens begin.
pub(crate) const TOKEN: &str = "wecom-";
const IMAGE_LIMIT: usize = 10 * 1_024 * 1_024;
/// `media_id` holds for three days.
const MEDIA_LIFE_MS: i64 = 72 * HOUR_MS;
const BOT_IMAGE_LIMIT: usize = 2 * 1_024 * 1_024;
const DUPLICATE_DEFAULT_S: i64 = 1_800;
const DUPLICATE_MOST_S: i64 = 14_400;
const BOT_TYPES: [&str; 8] =
    ["text", "markdown", "markdown_v2", "image", "news", "file", "voice", "template_card"];
const APP_TYPES: [&str; 11] = [
    "text",
    "image",
    "voice",
    "video",
    "file",
    "textcard",
    "news",
    "mpnews",
    "markdown",
    "miniprogram_notice",
    "template_card",
];

/// WeCom's state.
pub(crate) struct Wecom {
    bots: Vec<WecomBot>,
    apps: Vec<WecomApp>,
    tokens: Issued,
    pub(crate) uploads: Uploads,
    bot_pace: HashMap<String, Window>,
    blocked_until: HashMap<String, i64>,
    member_pace: HashMap<(usize, String), Window>,
    /// By application and body: until when the same body is not received again.
    remembered: HashMap<(usize, Bytes), i64>,
    pub(crate) messages: u64,
    /// By code: given out with a customer's first contact.
    pub(crate) welcome_codes: HashMap<String, WelcomeCode>,
}

impl Wecom {
    pub(crate) fn new(bots: Vec<WecomBot>, apps: Vec<WecomApp>) -> Self {
        Self {
            bots,
            apps,
            tokens: Issued::new(TOKEN),
            uploads: Uploads::new("wecom-media-"),
            bot_pace: HashMap::new(),
            blocked_until: HashMap::new(),
            member_pace: HashMap::new(),
            remembered: HashMap::new(),
            messages: 0,
            welcome_codes: HashMap::new(),
        }
    }

    pub(crate) fn revoke_tokens(&mut self) {
        self.tokens.revoke(None);
    }

    pub(crate) fn bot(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        let key = call.parameter("key").to_owned();
        if !self.bots.iter().any(|bot| bot.key == key) {
            return code(
                93_000,
                "invalid webhook url, hint: [1700000000000000000000001], from ip: 127.0.0.1",
            );
        }
        if self.blocked_until.get(&key).is_some_and(|until| *until > now) {
            record.counters.calls_while_blocked += 1;
            return code(45_009, "api freq out of limit");
        }
        if !self.bot_pace.entry(key.clone()).or_default().admits(now, 20, MINUTE_MS) {
            self.blocked_until.insert(key, now + BLOCK_MS);
            record.counters.over_limit += 1;
            return code(45_009, "api freq out of limit");
        }
        let Some(body) = call.json().filter(|_| call.method == Method::POST) else {
            return code(40_058, "Warning: wrong json format.");
        };
        match bot_content(&body) {
            Ok(content) => {
                record.committed([seen("bot", &key, content, now)]);
                code(0, "ok")
            }
            Err(refused) => refused,
        }
    }

    pub(crate) fn token(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        let (corp, secret) = (call.parameter("corpid"), call.parameter("corpsecret"));
        if !self.apps.iter().any(|app| app.corp_id == corp) {
            return code(40_013, "invalid corpid");
        }
        let Some(place) = self.apps.iter().position(|app| app.corp_id == corp && app.secret == secret) else {
            return code(40_001, "invalid credential, hint: [1700000000000000000000002]");
        };
        let (token, seconds) = self.tokens.current(place, now, 0).unwrap_or_else(|| {
            record.counters.tokens_issued += 1;
            self.tokens.issue(place, now, TOKEN_LIFE_MS)
        });
        Reply::ok(&json!({ "errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": seconds }))
    }

    pub(crate) fn message(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        self.app_message(call, now, record).unwrap_or_else(|refused| refused)
    }

    /// A form with one file of known length: JPG or PNG, more than 5 bytes and at most 10 MB (WW90389).
    pub(crate) fn media(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        self.kept(call, now, record).unwrap_or_else(|refused| refused)
    }

    fn kept(&mut self, call: &Call, now: i64, record: &mut Record) -> Result<Reply, Reply> {
        let place = self.authorised(call.parameter("access_token"), now)?;
        if call.parameter("type") != "image" {
            return Err(code(40_005, "invalid type"));
        }
        let parts = picture::parts(call).filter(|_| call.method == Method::POST).unwrap_or_default();
        let part = parts.iter().find(|part| part.name == "media" && part.file.is_some());
        let part = part.ok_or_else(|| code(44_001, "empty media data"))?;
        if !(6..=IMAGE_LIMIT).contains(&part.content.len()) || part.length != Some(part.content.len()) {
            return Err(code(40_006, "invalid media size"));
        }
        if !picture::is_plain(&part.content) {
            return Err(code(40_004, "invalid media type"));
        }
        record.counters.uploads += 1;
        let media_id = self.uploads.keep(place, &part.content, now + MEDIA_LIFE_MS);
        let created_at = (now / 1_000).to_string();
        Ok(Reply::ok(&json!({
            "errcode": 0, "errmsg": "", "type": "image", "media_id": media_id, "created_at": created_at,
        })))
    }

    pub(crate) fn authorised(&self, token: &str, now: i64) -> Result<usize, Reply> {
        match self.tokens.standing(token, now) {
            _ if token.is_empty() => Err(code(41_001, "access_token missing")),
            Standing::Good(place) => Ok(place),
            Standing::Expired => Err(code(42_001, "access_token expired")),
            Standing::Unknown => Err(code(40_014, "invalid access_token")),
        }
    }

    pub(crate) fn is_member(&self, place: usize, user: &str) -> bool {
        let members = self.apps.get(place).map(|app| app.members.iter());
        members.is_some_and(|mut members| members.any(|member| member.eq_ignore_ascii_case(user)))
    }

    fn app_message(&mut self, call: &Call, now: i64, record: &mut Record) -> Result<Reply, Reply> {
        let place = self.authorised(call.parameter("access_token"), now)?;
        let app = self.apps.get(place).ok_or_else(|| code(40_014, "invalid access_token"))?;
        let body = call
            .json()
            .filter(|_| call.method == Method::POST)
            .ok_or_else(|| code(40_058, "Warning: wrong json format."))?;
        if body.get("agentid").and_then(Value::as_i64) != Some(app.agent_id) {
            return Err(code(40_056, "invalid agentid"));
        }
        let content = match body.pointer("/image/media_id").and_then(Value::as_str) {
            // Applications of a corporation share what they upload.
            Some(media_id) if kind_of(&body, &APP_TYPES)? == "image" => {
                let seen = self.uploads.seen(None, media_id, now);
                seen.ok_or_else(|| code(40_007, "invalid media_id"))?
            }
            _ => app_content(&body)?,
        };
        let (known, unknown) = receivers(app, &body);
        if known.is_empty() {
            let refused =
                json!({ "errcode": 81_013, "errmsg": "all invalid", "invaliduser": unknown.join("|") });
            return Err(Reply::ok(&refused));
        }
        self.messages += 1;
        let answer = Reply::ok(&json!({
            "errcode": 0, "errmsg": "ok", "invaliduser": unknown.join("|"),
            "msgid": format!("wecom-msg-{}", self.messages),
        }));
        if self.repeats(place, &body, &call.body, now) {
            record.counters.duplicates_suppressed += 1;
            return Ok(answer);
        }
        self.show(place, &known, &content, now, record);
        Ok(answer)
    }

    /// To each member up to 30 a minute and 1 000 an hour; what is beyond is dropped without an error (WW90236).
    fn show(&mut self, place: usize, members: &[String], text: &str, now: i64, record: &mut Record) {
        let limits = [(30, MINUTE_MS), (1_000, HOUR_MS)];
        let mut reached = Vec::new();
        for member in members {
            let pace = self.member_pace.entry((place, member.clone())).or_default();
            if pace.admits_all(now, &limits) {
                reached.push(seen("app", member, text.to_owned(), now));
            } else {
                record.counters.dropped_silently += 1;
            }
        }
        record.committed(reached);
    }

    fn repeats(&mut self, place: usize, body: &Value, bytes: &Bytes, now: i64) -> bool {
        if body.get("enable_duplicate_check").and_then(Value::as_i64) != Some(1) {
            return false;
        }
        let asked = body.get("duplicate_check_interval").and_then(Value::as_i64);
        let interval = asked.unwrap_or(DUPLICATE_DEFAULT_S).clamp(1, DUPLICATE_MOST_S);
        let key = (place, bytes.clone());
        if self.remembered.get(&key).is_some_and(|until| *until > now) {
            return true;
        }
        self.remembered.insert(key, now + interval * 1_000);
        false
    }
}

/// What the group would see.
fn bot_content(body: &Value) -> Result<String, Reply> {
    let kind = kind_of(body, &BOT_TYPES)?;
    let content = body.get(kind).filter(|content| content.is_object());
    let content = content.ok_or_else(|| code(40_058, "invalid Request Parameter"))?;
    let limit = match kind {
        "text" => TEXT_LIMIT,
        "markdown" | "markdown_v2" => MARKDOWN_LIMIT,
        "image" => return bot_image(content),
        _ => return Ok(visible(content)),
    };
    let text = content.get("content").and_then(Value::as_str).unwrap_or_default();
    match text.len() {
        0 => Err(code(44_004, "empty content")),
        length if length > limit => Err(code(45_002, "content size out of limit")),
        _ => Ok(visible(content)),
    }
}

/// The bytes in Base64 and the MD5 of the bytes themselves; JPG or PNG, at most 2 MB before Base64 (WW99110).
fn bot_image(content: &Value) -> Result<String, Reply> {
    let field = |name: &str| content.get(name).and_then(Value::as_str).unwrap_or_default();
    let bytes = STANDARD.decode(field("base64"));
    let bytes = bytes.map_err(|_| code(40_058, "invalid Request Parameter"))?;
    if hex::encode(Md5::digest(&bytes)) != field("md5") {
        return Err(code(301_019, "media md5 not match"));
    }
    if bytes.len() > BOT_IMAGE_LIMIT {
        return Err(code(40_009, "invalid image size"));
    }
    if picture::is_plain(&bytes) {
        Ok(picture::shown(&bytes))
    } else {
        Err(code(40_004, "invalid media type"))
    }
}

/// What the members would read. Too long a text is cut, not refused.
fn app_content(body: &Value) -> Result<String, Reply> {
    let kind = kind_of(body, &APP_TYPES)?;
    let content = body.get(kind).filter(|content| content.is_object());
    let content = content.ok_or_else(|| code(40_058, "invalid Request Parameter"))?;
    let field = |name: &str| content.get(name).and_then(Value::as_str).unwrap_or_default();
    match kind {
        "text" if field("content").is_empty() => Err(code(44_004, "empty content")),
        "text" => {
            let text = field("content");
            Ok(text.get(..text.floor_char_boundary(TEXT_LIMIT)).unwrap_or_default().to_owned())
        }
        "textcard" if ["title", "description", "url"].iter().any(|name| field(name).is_empty()) => {
            Err(code(40_058, "invalid Request Parameter"))
        }
        _ => Ok(visible(content)),
    }
}

fn kind_of<'a>(body: &'a Value, known: &[&str]) -> Result<&'a str, Reply> {
    body.get("msgtype")
        .and_then(Value::as_str)
        .filter(|kind| known.contains(kind))
        .ok_or_else(|| code(40_008, "invalid message type"))
}

/// The members that can be reached, and the others in lower case as the platform lists them.
fn receivers(app: &WecomApp, body: &Value) -> (Vec<String>, Vec<String>) {
    let to = body.get("touser").and_then(Value::as_str).unwrap_or_default();
    if to == "@all" {
        return (app.members.clone(), Vec::new());
    }
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for name in to.split('|').filter(|name| !name.is_empty()) {
        match app.members.iter().find(|member| member.eq_ignore_ascii_case(name)) {
            Some(member) => known.push(member.clone()),
            None => unknown.push(name.to_lowercase()),
        }
    }
    (known, unknown)
}

fn seen(api: &str, recipient: &str, text: String, now: i64) -> Seen {
    Seen {
        platform: Platform::Wecom,
        api: api.to_owned(),
        recipient: recipient.to_owned(),
        text,
        at_ms: now,
        idempotency_key: None,
    }
}

fn code(code: i64, words: &str) -> Reply {
    Reply::code(Platform::Wecom, StatusCode::OK, code, words)
}
