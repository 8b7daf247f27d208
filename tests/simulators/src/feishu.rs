//! 飞书 as it enforces itself: bot signatures and limits, tenant tokens, messages with `uuid` memory.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::limit::Window;
use crate::picture::{self, Uploads};
use crate::record::{Record, visible};
use crate::token::{Issued, Standing};
use crate::wire::{Call, Reply};
use crate::{FeishuApp, FeishuBot, Platform, Seen};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const TOKEN_LIFE_MS: i64 = 2 * HOUR_MS;
const BOT_BODY_LIMIT: usize = 20 * 1_024;
const IMAGE_LIMIT: usize = 10 * 1_024 * 1_024;
const BOT_TYPES: [&str; 5] = ["text", "post", "image", "share_chat", "interactive"];
const APP_TYPES: [&str; 11] = [
    "text",
    "post",
    "image",
    "file",
    "audio",
    "media",
    "sticker",
    "interactive",
    "share_chat",
    "share_user",
    "system",
];
const RECEIVE_ID_TYPES: [&str; 5] = ["open_id", "union_id", "user_id", "email", "chat_id"];

/// Feishu's state.
pub(crate) struct Feishu {
    bots: Vec<FeishuBot>,
    apps: Vec<FeishuApp>,
    tokens: Issued,
    pub(crate) uploads: Uploads,
    bot_pace: HashMap<String, Window>,
    app_pace: HashMap<usize, Window>,
    receiver_pace: HashMap<String, Window>,
    /// By application and `uuid`: when the message was sent, and its id.
    sent: HashMap<(usize, String), (i64, String)>,
    stopped: HashSet<String>,
    messages: u64,
}

type Answered = Result<Reply, Reply>;

impl Feishu {
    pub(crate) fn new(bots: Vec<FeishuBot>, apps: Vec<FeishuApp>) -> Self {
        Self {
            bots,
            apps,
            tokens: Issued::new("t-"),
            uploads: Uploads::new("img_v3_"),
            bot_pace: HashMap::new(),
            app_pace: HashMap::new(),
            receiver_pace: HashMap::new(),
            sent: HashMap::new(),
            stopped: HashSet::new(),
            messages: 0,
        }
    }

    pub(crate) fn revoke_tokens(&mut self) {
        self.tokens.revoke(None);
    }

    /// From now on this receiver has stopped the bot.
    pub(crate) fn stop_bot(&mut self, receive_id: &str) {
        self.stopped.insert(receive_id.to_owned());
    }

    /// May any of the applications write to this receiver?
    pub(crate) fn has_receiver(&self, receive_id: &str) -> bool {
        self.apps.iter().any(|app| app.receivers.iter().any(|known| known == receive_id))
    }

    pub(crate) fn bot(&mut self, hook: &str, call: &Call, now: i64, record: &mut Record) -> Reply {
        self.bot_message(hook, call, now, record).unwrap_or_else(|refused| refused)
    }

    fn bot_message(&mut self, hook: &str, call: &Call, now: i64, record: &mut Record) -> Answered {
        let bot = self
            .bots
            .iter()
            .find(|bot| bot.hook == hook)
            .ok_or_else(|| refused(19_001, "param invalid: incoming webhook access token invalid"))?;
        if !self.bot_pace.entry(hook.to_owned()).or_default().admits_all(now, &[(5, 1_000), (100, MINUTE_MS)])
        {
            record.counters.over_limit += 1;
            return Err(refused(11_232, "frequency limited psm[lark.oapi.app_platform_runtime]"));
        }
        if call.body.len() > BOT_BODY_LIMIT {
            return Err(refused(19_036, "payload too large"));
        }
        let body = call
            .json()
            .filter(|_| call.method == Method::POST)
            .ok_or_else(|| refused(9_499, "Bad Request"))?;
        if let Some(secret) = &bot.signing {
            signed(&body, secret, now)?;
        }
        let content = bot_content(&body).ok_or_else(|| refused(9_499, "invalid param"))?;
        let text = match body.get("msg_type").and_then(Value::as_str) {
            // Whichever application of the company uploaded it.
            Some("image") => {
                let seen = self.uploads.seen(None, text_of(content, "image_key"), now);
                seen.ok_or_else(|| refused(9_499, "invalid image_key"))?
            }
            _ => visible(content),
        };
        if !bot.keywords.is_empty() && !bot.keywords.iter().any(|word| text.contains(word)) {
            return Err(refused(19_024, "Key Words Not Found"));
        }
        record.committed([seen("bot", hook, text, now, None)]);
        Ok(Reply::ok(&json!({
            "StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"
        })))
    }

    pub(crate) fn token(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        let body = call.json().unwrap_or_default();
        let (id, secret) = (text_of(&body, "app_id"), text_of(&body, "app_secret"));
        let Some((place, app)) = self.apps.iter().enumerate().find(|(_, app)| app.app_id == id) else {
            return Reply::code(Platform::Feishu, StatusCode::OK, 99_991_543, "invalid app_id or app_secret");
        };
        if app.app_secret != secret {
            return Reply::code(Platform::Feishu, StatusCode::OK, 10_015, "app secret invalid");
        }
        // With half an hour to live the same token comes again; with less a second one, and both are good.
        let (token, seconds) = self.tokens.current(place, now, 30 * MINUTE_MS).unwrap_or_else(|| {
            record.counters.tokens_issued += 1;
            self.tokens.issue(place, now, TOKEN_LIFE_MS)
        });
        Reply::ok(&json!({ "code": 0, "msg": "ok", "tenant_access_token": token, "expire": seconds }))
    }

    pub(crate) fn message(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        self.app_message(call, now, record).unwrap_or_else(|refused| refused)
    }

    fn app_message(&mut self, call: &Call, now: i64, record: &mut Record) -> Answered {
        let place = self.authorised(call, now)?;
        if !self.app_pace.entry(place).or_default().admits_all(now, &[(50, 1_000), (1_000, MINUTE_MS)]) {
            record.counters.over_limit += 1;
            let limit = "request trigger frequency limit";
            return Err(Reply::code(Platform::Feishu, StatusCode::TOO_MANY_REQUESTS, 99_991_400, limit));
        }
        let message = AppMessage::read(call).ok_or_else(|| rejected(230_001, "invalid parameter"))?;
        let limit = if message.kind == "text" { 150 * 1_024 } else { 30 * 1_024 };
        if message.content.len() > limit {
            return Err(rejected(230_025, "the message content reaches its limit"));
        }
        let content = message.parsed()?;
        let text = match message.kind.as_str() {
            "image" => {
                let seen = self.uploads.seen(Some(place), text_of(&content, "image_key"), now);
                seen.ok_or_else(|| rejected(230_001, "invalid image_key"))?
            }
            _ => visible(&content),
        };
        let receiver = message.receive_id.as_str();
        if !self.apps.get(place).is_some_and(|app| app.receivers.iter().any(|known| known == receiver)) {
            return Err(rejected(230_034, "the receive_id is invalid"));
        }
        if self.stopped.contains(receiver) {
            return Err(rejected(230_053, "the user has stopped the bot from sending messages"));
        }
        if let Some(known) = self.remembered(place, message.uuid.as_deref(), now) {
            record.counters.duplicates_suppressed += 1;
            return Ok(sent(&known, &message));
        }
        if !self.receiver_pace.entry(receiver.to_owned()).or_default().admits(now, 5, 1_000) {
            record.counters.over_limit += 1;
            return Err(rejected(230_020, "this operation triggers the frequency limit"));
        }
        self.messages += 1;
        let id = format!("om_{:024x}", self.messages);
        if let Some(uuid) = &message.uuid {
            self.sent.insert((place, uuid.clone()), (now, id.clone()));
        }
        record.committed([seen("app", receiver, text, now, message.uuid.clone())]);
        Ok(sent(&id, &message))
    }

    /// A form of `image_type` and `image`: at most 10 MB (im/v1/images).
    pub(crate) fn image(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        self.kept(call, now, record).unwrap_or_else(|refused| refused)
    }

    fn kept(&mut self, call: &Call, now: i64, record: &mut Record) -> Answered {
        let place = self.authorised(call, now)?;
        let parts = picture::parts(call).filter(|_| call.method == Method::POST).unwrap_or_default();
        let part = |name: &str| parts.iter().find(|part| part.name == name);
        let (Some(kind), Some(image)) =
            (part("image_type"), part("image").filter(|part| part.file.is_some()))
        else {
            return Err(rejected(234_001, "Invalid request param."));
        };
        // Libraries that left out the part's type were answered so.
        if image.media_type.is_none() || kind.content.as_ref() != b"message" {
            return Err(rejected(99_992_402, "field validation failed"));
        }
        match image.content.len() {
            0 => return Err(rejected(234_010, "File's size can't be 0.")),
            length if length > IMAGE_LIMIT => {
                return Err(rejected(234_006, "The file size exceed the max value."));
            }
            _ => {}
        }
        if !picture::is_plain_or_gif(&image.content) {
            return Err(rejected(234_011, "Can't recognize the image format."));
        }
        record.counters.uploads += 1;
        // No end of an `image_key` is documented.
        let image_key = self.uploads.keep(place, &image.content, i64::MAX);
        Ok(Reply::ok(&json!({ "code": 0, "msg": "success", "data": { "image_key": image_key } })))
    }

    /// The message of this `uuid` in the last hour.
    fn remembered(&self, place: usize, uuid: Option<&str>, now: i64) -> Option<String> {
        let (at, id) = self.sent.get(&(place, uuid?.to_owned()))?;
        (now - at < HOUR_MS).then(|| id.clone())
    }

    fn authorised(&self, call: &Call, now: i64) -> Result<usize, Reply> {
        let Some(token) = call.bearer() else { return Err(rejected(99_991_661, "Missing access token")) };
        if !token.starts_with("t-") && !token.starts_with("u-") {
            return Err(rejected(99_991_671, "Invalid access token, must start with t- or u-"));
        }
        match self.tokens.standing(token, now) {
            Standing::Good(place) => Ok(place),
            Standing::Expired | Standing::Unknown => Err(rejected(99_991_663, "Invalid access token")),
        }
    }
}

struct AppMessage {
    receive_id: String,
    kind: String,
    /// JSON inside a string.
    content: String,
    uuid: Option<String>,
}

impl AppMessage {
    fn read(call: &Call) -> Option<Self> {
        if call.method != Method::POST || !RECEIVE_ID_TYPES.contains(&call.parameter("receive_id_type")) {
            return None;
        }
        let body = call.json()?;
        let kind = body.get("msg_type")?.as_str().filter(|kind| APP_TYPES.contains(kind))?;
        let uuid = match body.get("uuid") {
            None => None,
            Some(uuid) => Some(uuid.as_str().filter(|uuid| uuid.chars().count() <= 50)?.to_owned()),
        };
        Some(Self {
            receive_id: body.get("receive_id")?.as_str()?.to_owned(),
            kind: kind.to_owned(),
            content: body.get("content")?.as_str()?.to_owned(),
            uuid: uuid.filter(|uuid| !uuid.is_empty()),
        })
    }

    fn parsed(&self) -> Result<Value, Reply> {
        let parsed: Option<Value> = serde_json::from_str(&self.content).ok().filter(Value::is_object);
        match (self.kind.as_str(), parsed) {
            ("text", Some(content)) if !text_of(&content, "text").is_empty() => Ok(content),
            ("interactive", Some(card)) if is_card(&card) => Ok(card),
            ("interactive", _) => Err(rejected(230_099, "Failed to create card content")),
            ("text", _) | (_, None) => Err(rejected(230_001, "content is not valid")),
            (_, Some(content)) => Ok(content),
        }
    }
}

fn sent(id: &str, message: &AppMessage) -> Reply {
    Reply::ok(&json!({
        "code": 0,
        "msg": "success",
        "data": { "message_id": id, "chat_id": message.receive_id, "msg_type": message.kind },
    }))
}

fn is_card(card: &Value) -> bool {
    card.get("elements").is_some_and(Value::is_array)
        || card.get("body").is_some_and(Value::is_object)
        || card.get("type").is_some_and(|kind| kind == "template")
}

fn bot_content(body: &Value) -> Option<&Value> {
    let kind = body.get("msg_type")?.as_str().filter(|kind| BOT_TYPES.contains(kind))?;
    if kind == "interactive" {
        return body.get("card").filter(|card| is_card(card));
    }
    // An object here; a string in the application's API.
    let content = body.get("content").filter(|content| content.is_object())?;
    (kind != "text" || !text_of(content, "text").is_empty()).then_some(content)
}

fn signed(body: &Value, secret: &str, now: i64) -> Result<(), Reply> {
    let timestamp = match body.get("timestamp") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(Value::Number(number)) => number.as_i64(),
        _ => None,
    };
    let expected = timestamp.map(|seconds: i64| bot_sign(secret, seconds));
    let fresh = timestamp.is_some_and(|seconds| (now / 1_000 - seconds).abs() <= 3_600);
    if fresh && expected.as_deref() == Some(text_of(body, "sign")) {
        return Ok(());
    }
    Err(refused(19_021, "sign match fail or timestamp is not within one hour from current time"))
}

fn bot_sign(secret: &str, seconds: i64) -> String {
    Hmac::<Sha256>::new_from_slice(format!("{seconds}\n{secret}").as_bytes())
        .map(|mac| STANDARD.encode(mac.finalize().into_bytes()))
        .unwrap_or_default()
}

fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn seen(api: &str, recipient: &str, text: String, now: i64, idempotency_key: Option<String>) -> Seen {
    Seen {
        platform: Platform::Feishu,
        api: api.to_owned(),
        recipient: recipient.to_owned(),
        text,
        at_ms: now,
        idempotency_key,
    }
}

/// The bot's refusals come under 200.
fn refused(code: i64, words: &str) -> Reply {
    Reply::code(Platform::Feishu, StatusCode::OK, code, words)
}

/// The application's under 400.
fn rejected(code: i64, words: &str) -> Reply {
    Reply::code(Platform::Feishu, StatusCode::BAD_REQUEST, code, words)
}
