//! 抖音 as it enforces itself: tokens by a merchant's authorisation, replies within 24 h of the person's message, six to each.

use std::collections::HashMap;

use http::StatusCode;
use serde_json::{Value, json};

use crate::record::Record;
use crate::token::{Issued, Standing};
use crate::wire::{Call, Reply, parameters};
use crate::{DouyinAccount, Platform, Seen};

const HOUR_MS: i64 = 3_600_000;
const TOKEN_LIFE_MS: i64 = 15 * 24 * HOUR_MS;
const WINDOW_MS: i64 = 24 * HOUR_MS;
const REPLIES: u32 = 6;

/// Douyin's state.
pub(crate) struct Douyin {
    accounts: Vec<DouyinAccount>,
    tokens: Issued,
    /// By message id: when it came, and how often it was answered.
    messages: HashMap<String, (i64, u32)>,
    sent: u64,
}

impl Douyin {
    pub(crate) fn new(accounts: Vec<DouyinAccount>) -> Self {
        Self { accounts, tokens: Issued::new("act."), messages: HashMap::new(), sent: 0 }
    }

    pub(crate) fn revoke_tokens(&mut self) {
        self.tokens.revoke(None);
    }

    /// A person writes: this message can be answered.
    pub(crate) fn writes(&mut self, message_id: &str, now: i64) {
        self.messages.insert(message_id.to_owned(), (now, 0));
    }

    pub(crate) fn token(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        let text = String::from_utf8_lossy(&call.body).into_owned();
        let form = parameters(Some(&text));
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        let found = self.accounts.iter().position(|account| account.client_key == field("client_key"));
        let Some(place) = found else { return code(10_003, "invalid client_key") };
        if field("grant_type") != "refresh_token" {
            return code(10_002, "invalid grant_type");
        }
        if self.accounts.get(place).is_none_or(|account| account.refresh_token != field("refresh_token")) {
            return code(10_010, "refresh_token expired");
        }
        record.counters.tokens_issued += 1;
        let (token, seconds) = self.tokens.issue(place, now, TOKEN_LIFE_MS);
        let open_id = self.accounts.get(place).map(|account| account.open_id.clone());
        Reply::ok(&json!({ "message": "success", "data": {
            "access_token": token, "expires_in": seconds, "open_id": open_id, "error_code": 0, "description": "",
        } }))
    }

    pub(crate) fn message(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        self.answer(call, now, record).unwrap_or_else(|refused| refused)
    }

    fn answer(&mut self, call: &Call, now: i64, record: &mut Record) -> Result<Reply, Reply> {
        let body = self.authorised(call, now)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let words = body.pointer("/content/text/text").and_then(Value::as_str).unwrap_or_default();
        if words.is_empty() || body.pointer("/content/msg_type") != Some(&json!(1)) {
            return Err(code(28_001_038, "content invalid"));
        }
        let known = self.messages.get_mut(text("msg_id"));
        let (came, answers) = known.ok_or_else(|| code(28_003_082, "conversation not match"))?;
        if now - *came >= WINDOW_MS {
            return Err(code(28_003_080, "message too old"));
        }
        if *answers >= REPLIES {
            record.counters.over_limit += 1;
            return Err(code(28_003_070, "frequency limit"));
        }
        *answers += 1;
        Ok(self.taken("message", text("to_user_id"), words, now, record))
    }

    pub(crate) fn comment(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        let body = match self.authorised(call, now) {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("item_id").is_empty() || text("comment_id").is_empty() || text("content").is_empty() {
            return code(2_100_005, "invalid parameter");
        }
        self.taken("comment", text("comment_id"), text("content"), now, record)
    }

    fn taken(&mut self, api: &str, recipient: &str, text: &str, at_ms: i64, record: &mut Record) -> Reply {
        record.committed([Seen {
            platform: Platform::Douyin,
            api: api.to_owned(),
            recipient: recipient.to_owned(),
            text: text.to_owned(),
            at_ms,
            idempotency_key: None,
        }]);
        self.sent += 1;
        Reply::ok(&json!({
            "extra": { "error_code": 0, "sub_error_code": 0, "logid": format!("sim-{}", self.sent) },
            "data": { "error_code": 0, "description": "" }, "msg_id": format!("@sim-{}==", self.sent),
        }))
    }

    fn authorised(&self, call: &Call, now: i64) -> Result<Value, Reply> {
        let token = call.headers.get("access-token").and_then(|token| token.to_str().ok());
        let place = match self.tokens.standing(token.unwrap_or_default(), now) {
            Standing::Good(place) => place,
            Standing::Expired => return Err(code(28_001_008, "access_token expired")),
            Standing::Unknown => return Err(code(28_001_003, "access_token invalid")),
        };
        if self.accounts.get(place).is_none_or(|account| account.open_id != call.parameter("open_id")) {
            return Err(code(28_001_015, "open_id does not match"));
        }
        call.json().ok_or_else(|| code(28_001_007, "invalid parameter"))
    }
}

fn code(code: i64, words: &str) -> Reply {
    Reply::code(Platform::Douyin, StatusCode::OK, code, words)
}
