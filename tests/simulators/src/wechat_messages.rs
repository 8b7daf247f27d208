//! 微信: template and subscribe messages, and links into mini-programs.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::record::Record;
use crate::wechat::Wechat;
use crate::wire::{Call, Reply};
use crate::{Platform, Seen};

/// `client_msg_id`: the same person and id once in ten minutes.
const REMEMBERED_MS: i64 = 10 * 60_000;
const QUERY_LIMIT: usize = 1_024;

impl Wechat {
    pub(crate) fn template(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        self.template_message(call, now, record).unwrap_or_else(|refused| refused)
    }

    fn template_message(&mut self, call: &Call, now: i64, record: &mut Record) -> Result<Reply, Reply> {
        let place = self.authorised(call.parameter("access_token"), now)?;
        let body = json_of(call)?;
        let (open_id, text) = filled(&body)?;
        self.is_follower(place, &open_id)?;
        let id = body.get("client_msg_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !id.is_empty() {
            let key = (place, open_id.clone(), id.clone());
            if self.client_ids.get(&key).is_some_and(|sent| now - sent < REMEMBERED_MS) {
                record.counters.duplicates_suppressed += 1;
                return Ok(self.taken());
            }
            self.client_ids.insert(key, now);
        }
        record.committed([seen("template", open_id, text, now, Some(id).filter(|id| !id.is_empty()))]);
        Ok(self.taken())
    }

    /// One consent, one message (43101).
    pub(crate) fn subscribe(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        self.subscribe_message(call, now, record).unwrap_or_else(|refused| refused)
    }

    fn subscribe_message(&mut self, call: &Call, now: i64, record: &mut Record) -> Result<Reply, Reply> {
        let place = self.authorised(call.parameter("access_token"), now)?;
        let body = json_of(call)?;
        let (open_id, text) = filled(&body)?;
        let template = body.get("template_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let consents = self.consents.entry((place, open_id.clone(), template)).or_default();
        *consents = consents
            .checked_sub(1)
            .ok_or_else(|| code(43_101, "user refuse to accept the msg rid: 0-sim-20"))?;
        record.committed([seen("subscribe", open_id, text, now, None)]);
        Ok(self.taken())
    }

    /// A person allows one message of a template.
    pub(crate) fn allows(&mut self, app_id: &str, open_id: &str, template_id: &str) {
        if let Some(place) = self.place(app_id) {
            *self.consents.entry((place, open_id.to_owned(), template_id.to_owned())).or_default() += 1;
        }
    }

    /// `generate_urllink`, `generatescheme`, `genwxashortlink`: every call mints one.
    pub(crate) fn link(&mut self, api: &str, call: &Call, now: i64) -> Reply {
        self.minted(api, call, now).unwrap_or_else(|refused| refused)
    }

    fn minted(&mut self, api: &str, call: &Call, now: i64) -> Result<Reply, Reply> {
        self.authorised(call.parameter("access_token"), now)?;
        let body = json_of(call)?;
        let (program, field, link) = match api {
            "generate_urllink" => (Some(&body), "url_link", "https://wxaurl.cn/sim"),
            "generatescheme" => (body.get("jump_wxa"), "openlink", "weixin://dl/business/?t=sim"),
            _ => (body.get("page_url").map(|_| &body), "link", "#小程序://sim/"),
        };
        let program = program.ok_or_else(|| code(40_165, "invalid weapp pagepath rid: 0-sim-21"))?;
        let query = program.get("query").or_else(|| program.get("page_url")).and_then(Value::as_str);
        if query.is_some_and(|query| query.len() > QUERY_LIMIT) {
            return Err(code(40_212, "invalid query rid: 0-sim-22"));
        }
        let days = body.get("expire_interval").and_then(Value::as_i64).unwrap_or(30);
        if !(1..=30).contains(&days) {
            return Err(code(85_401, "time limit between 1min and 1year rid: 0-sim-23"));
        }
        self.messages += 1;
        Ok(Reply::ok(&json!({ "errcode": 0, "errmsg": "ok", field: format!("{link}{}", self.messages) })))
    }

    fn taken(&mut self) -> Reply {
        self.messages += 1;
        Reply::ok(&json!({ "errcode": 0, "errmsg": "ok", "msgid": 2_000_000_000_000_u64 + self.messages }))
    }
}

/// The receiver and every value of a filled-in template.
fn filled(body: &Value) -> Result<(String, String), Reply> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("template_id").is_empty() {
        return Err(code(40_037, "invalid template_id rid: 0-sim-24"));
    }
    let data = body.get("data").and_then(Value::as_object).filter(|data| !data.is_empty());
    let data = data.ok_or_else(|| code(47_003, "argument invalid! data is empty rid: 0-sim-25"))?;
    let mut values = Vec::new();
    for (name, field) in data {
        let value = field.get("value").and_then(Value::as_str).filter(|value| !value.is_empty());
        let fits = |value: &&str| !name.starts_with("thing") || value.chars().count() <= 20;
        let value = value.filter(fits);
        values.push(value.ok_or_else(|| code(47_003, "argument invalid! data field rid: 0-sim-26"))?);
    }
    Ok((text("touser").to_owned(), values.join("\n")))
}

fn json_of(call: &Call) -> Result<Value, Reply> {
    call.json()
        .filter(|_| call.method == Method::POST)
        .ok_or_else(|| code(47_001, "data format error rid: 0-sim-27"))
}

fn seen(api: &str, recipient: String, text: String, at_ms: i64, idempotency_key: Option<String>) -> Seen {
    Seen { platform: Platform::Wechat, api: api.to_owned(), recipient, text, at_ms, idempotency_key }
}

fn code(code: i64, words: &str) -> Reply {
    Reply::code(Platform::Wechat, StatusCode::OK, code, words)
}
