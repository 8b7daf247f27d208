//! 微信 as it enforces itself: two kinds of tokens, and custom messages only after the person acted.

use std::collections::HashMap;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::picture::{self, Uploads};
use crate::record::{Record, visible};
use crate::token::{Issued, Standing};
use crate::wire::{Call, Reply};
use crate::{Platform, Seen, WechatAccount};

const MINUTE_MS: i64 = 60_000;
const TOKEN_LIFE_MS: i64 = 120 * MINUTE_MS;
/// In its last five minutes a stable token is followed by another, and both are good.
const OVERLAP_MS: i64 = 5 * MINUTE_MS;
const WINDOW_MS: i64 = 48 * 60 * MINUTE_MS;
const WINDOW_MESSAGES: u32 = 5;
const TEXT_LIMIT: usize = 2_048;
const IMAGE_LIMIT: usize = 10 * 1_024 * 1_024;
/// `media_id` holds for three days.
const MEDIA_LIFE_MS: i64 = 72 * 60 * MINUTE_MS;
const TYPES: [&str; 10] =
    ["text", "image", "voice", "video", "music", "news", "mpnews", "link", "miniprogrampage", "msgmenu"];

/// WeChat's state.
pub(crate) struct Wechat {
    accounts: Vec<WechatAccount>,
    stable: Issued,
    plain: Issued,
    pub(crate) uploads: Uploads,
    people: HashMap<(usize, String), Person>,
    /// By account, person and `client_msg_id`: when it was sent.
    pub(crate) client_ids: HashMap<(usize, String, String), i64>,
    /// By account, person and template: how many messages are allowed.
    pub(crate) consents: HashMap<(usize, String, String), u32>,
    pub(crate) messages: u64,
}

#[derive(Debug, Clone, Copy)]
struct Person {
    wrote_at: i64,
    received: u32,
    refuses: bool,
}

impl Wechat {
    pub(crate) fn new(accounts: Vec<WechatAccount>, now: i64) -> Self {
        let mut people = HashMap::new();
        for (place, account) in accounts.iter().enumerate() {
            for follower in &account.followers {
                let person = Person { wrote_at: now, received: 0, refuses: false };
                people.insert((place, follower.clone()), person);
            }
        }
        Self {
            accounts,
            stable: Issued::new("stable-"),
            plain: Issued::new("plain-"),
            uploads: Uploads::new("wechat-media-"),
            people,
            client_ids: HashMap::new(),
            consents: HashMap::new(),
            messages: 0,
        }
    }

    pub(crate) fn revoke_tokens(&mut self) {
        self.stable.revoke(None);
        self.plain.revoke(None);
    }

    /// The person writes (and follows, if they did not): five messages within 48 hours.
    pub(crate) fn writes(&mut self, app_id: &str, open_id: &str, now: i64) {
        if let Some(place) = self.place(app_id) {
            let person = Person { wrote_at: now, received: 0, refuses: false };
            self.people.insert((place, open_id.to_owned()), person);
        }
    }

    /// The person switches the account's messages off.
    pub(crate) fn refuses(&mut self, app_id: &str, open_id: &str) {
        let place = self.place(app_id);
        if let Some(person) = place.and_then(|place| self.people.get_mut(&(place, open_id.to_owned()))) {
            person.refuses = true;
        }
    }

    /// Does the person follow the account, or have they written to it?
    pub(crate) fn knows(&self, place: usize, open_id: &str) -> bool {
        self.people.contains_key(&(place, open_id.to_owned()))
    }

    pub(crate) fn place(&self, app_id: &str) -> Option<usize> {
        self.accounts.iter().position(|account| account.app_id == app_id)
    }

    fn account(&self, app_id: &str, secret: &str) -> Result<usize, Reply> {
        let place = self.place(app_id).ok_or_else(|| code(40_013, "invalid appid rid: 0-sim-1"))?;
        let right = self.accounts.get(place).is_some_and(|account| account.secret == secret);
        if right { Ok(place) } else { Err(code(40_125, "invalid appsecret rid: 0-sim-2")) }
    }

    pub(crate) fn stable_token(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        let body = call.json().unwrap_or_default();
        let field = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        if call.method != Method::POST || field("grant_type") != "client_credential" {
            return code(40_002, "invalid grant_type");
        }
        let place = match self.account(field("appid"), field("secret")) {
            Ok(place) => place,
            Err(refused) => return refused,
        };
        if body.get("force_refresh") == Some(&Value::Bool(true)) {
            self.stable.revoke(Some(place));
        }
        let current = self.stable.current(place, now, OVERLAP_MS + 1);
        let (token, seconds) = current.unwrap_or_else(|| {
            record.counters.tokens_issued += 1;
            self.stable.issue(place, now, TOKEN_LIFE_MS)
        });
        Reply::ok(&json!({ "access_token": token, "expires_in": seconds }))
    }

    /// Every call ends the plain token before it.
    pub(crate) fn plain_token(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        if call.parameter("grant_type") != "client_credential" {
            return code(40_002, "invalid grant_type");
        }
        let place = match self.account(call.parameter("appid"), call.parameter("secret")) {
            Ok(place) => place,
            Err(refused) => return refused,
        };
        self.plain.revoke(Some(place));
        record.counters.tokens_issued += 1;
        let (token, seconds) = self.plain.issue(place, now, TOKEN_LIFE_MS);
        Reply::ok(&json!({ "access_token": token, "expires_in": seconds }))
    }

    pub(crate) fn custom(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        self.custom_message(call, now, record).unwrap_or_else(|refused| refused)
    }

    fn custom_message(&mut self, call: &Call, now: i64, record: &mut Record) -> Result<Reply, Reply> {
        let place = self.authorised(call.parameter("access_token"), now)?;
        let body = call
            .json()
            .filter(|_| call.method == Method::POST)
            .ok_or_else(|| code(47_001, "data format error rid: 0-sim-3"))?;
        let text = match body.pointer("/image/media_id").and_then(Value::as_str) {
            Some(media_id) if body.get("msgtype").and_then(Value::as_str) == Some("image") => {
                let seen = self.uploads.seen(Some(place), media_id, now);
                seen.ok_or_else(|| code(40_007, "invalid media_id rid: 0-sim-16"))?
            }
            _ => content(&body)?,
        };
        let open_id = body.get("touser").and_then(Value::as_str).unwrap_or_default();
        let person = self
            .people
            .get_mut(&(place, open_id.to_owned()))
            .ok_or_else(|| code(40_003, "invalid openid rid: 0-sim-4"))?;
        if person.refuses {
            return Err(code(48_002, "user refuses messages rid: 0-sim-5"));
        }
        if now - person.wrote_at >= WINDOW_MS {
            return Err(code(45_015, "response out of time limit or subscription is canceled rid: 0-sim-6"));
        }
        if person.received >= WINDOW_MESSAGES {
            record.counters.over_limit += 1;
            return Err(code(45_047, "out of response count limit rid: 0-sim-7"));
        }
        person.received += 1;
        record.committed([Seen {
            platform: Platform::Wechat,
            api: "custom".to_owned(),
            recipient: open_id.to_owned(),
            text,
            at_ms: now,
            idempotency_key: None,
        }]);
        Ok(code(0, "ok"))
    }

    /// A form with one file: PNG, JPG or GIF, at most 10 MB (uploadTempMedia). Its success has no code.
    pub(crate) fn media(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        self.kept(call, now, record).unwrap_or_else(|refused| refused)
    }

    fn kept(&mut self, call: &Call, now: i64, record: &mut Record) -> Result<Reply, Reply> {
        let place = self.authorised(call.parameter("access_token"), now)?;
        if call.parameter("type") != "image" {
            return Err(code(40_004, "invalid media type rid: 0-sim-17"));
        }
        let parts = picture::parts(call).filter(|_| call.method == Method::POST).unwrap_or_default();
        let part = parts.iter().find(|part| part.name == "media" && part.file.is_some());
        let part = part.ok_or_else(|| code(41_005, "media data missing rid: 0-sim-18"))?;
        if part.content.is_empty() || part.content.len() > IMAGE_LIMIT {
            return Err(code(40_009, "invalid image size rid: 0-sim-19"));
        }
        if !picture::is_plain_or_gif(&part.content) {
            return Err(code(40_137, "invalid image format rid: 0-sim-20"));
        }
        record.counters.uploads += 1;
        let media_id = self.uploads.keep(place, &part.content, now + MEDIA_LIFE_MS);
        Ok(Reply::ok(&json!({ "type": "image", "media_id": media_id, "created_at": now / 1_000 })))
    }

    /// Template messages reach followers alone.
    pub(crate) fn is_follower(&self, place: usize, open_id: &str) -> Result<(), Reply> {
        match self.people.get(&(place, open_id.to_owned())) {
            Some(person) if person.refuses => Err(code(43_004, "require subscribe rid: 0-sim-13")),
            Some(_) => Ok(()),
            None => Err(code(40_003, "invalid openid rid: 0-sim-14")),
        }
    }

    pub(crate) fn authorised(&self, token: &str, now: i64) -> Result<usize, Reply> {
        for issued in [&self.stable, &self.plain] {
            match issued.standing(token, now) {
                Standing::Good(place) => return Ok(place),
                Standing::Expired => return Err(code(42_001, "access_token expired rid: 0-sim-8")),
                Standing::Unknown => {}
            }
        }
        Err(code(40_001, "invalid credential, access_token is invalid or not latest rid: 0-sim-9"))
    }
}

fn content(body: &Value) -> Result<String, Reply> {
    let kind = body.get("msgtype").and_then(Value::as_str).filter(|kind| TYPES.contains(kind));
    let kind = kind.ok_or_else(|| code(40_008, "invalid message type rid: 0-sim-10"))?;
    let content = body.get(kind).ok_or_else(|| code(47_001, "data format error rid: 0-sim-11"))?;
    let text = content.get("content").and_then(Value::as_str).unwrap_or_default();
    match (kind, text.len()) {
        ("text", 0) => Err(code(44_004, "empty content rid: 0-sim-12")),
        ("text", length) if length > TEXT_LIMIT => {
            Err(code(45_002, "content size out of limit rid: 0-sim-13"))
        }
        _ => Ok(visible(content)),
    }
}

fn code(code: i64, words: &str) -> Reply {
    Reply::code(Platform::Wechat, StatusCode::OK, code, words)
}
