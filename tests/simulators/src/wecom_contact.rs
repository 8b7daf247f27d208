//! 企业微信, customer contact: contact-me entries, and welcome messages within 20 s, once.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::record::{Record, visible};
use crate::wecom::Wecom;
use crate::wire::{Call, Reply};
use crate::{Platform, Seen};

const WELCOME_MS: i64 = 20_000;
const STATE_LIMIT: usize = 30;

/// A code that came with a customer's first contact.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WelcomeCode {
    issued_at: i64,
    used: bool,
}

impl Wecom {
    /// A customer adds a member: the code with which they can be welcomed.
    pub(crate) fn adds(&mut self, code: &str, now: i64) {
        self.welcome_codes.insert(code.to_owned(), WelcomeCode { issued_at: now, used: false });
    }

    pub(crate) fn contact_way(&mut self, call: &Call, now: i64) -> Reply {
        self.made_contact_way(call, now).unwrap_or_else(|refused| refused)
    }

    fn made_contact_way(&mut self, call: &Call, now: i64) -> Result<Reply, Reply> {
        let place = self.authorised(call.parameter("access_token"), now)?;
        let body = json_of(call)?;
        let state = body.get("state").and_then(Value::as_str).unwrap_or_default();
        let users = body.get("user").and_then(Value::as_array).map_or(0, Vec::len);
        let known = body.get("user").and_then(Value::as_array).is_some_and(|users| {
            users.iter().filter_map(Value::as_str).all(|user| self.is_member(place, user))
        });
        if state.chars().count() > STATE_LIMIT || users == 0 {
            return Err(code(40_058, "invalid Request Parameter"));
        }
        if !known {
            return Err(code(40_003, "invalid userid"));
        }
        self.messages += 1;
        let config_id = format!("{:032x}", self.messages);
        let qr_code = format!("http://p.qpic.cn/wwhead/sim{}", self.messages);
        Ok(Reply::ok(&json!({ "errcode": 0, "errmsg": "ok", "config_id": config_id, "qr_code": qr_code })))
    }

    pub(crate) fn welcome(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        self.sent_welcome(call, now, record).unwrap_or_else(|refused| refused)
    }

    fn sent_welcome(&mut self, call: &Call, now: i64, record: &mut Record) -> Result<Reply, Reply> {
        self.authorised(call.parameter("access_token"), now)?;
        let body = json_of(call)?;
        let id = body.get("welcome_code").and_then(Value::as_str).unwrap_or_default();
        let known = self.welcome_codes.get_mut(id).ok_or_else(|| code(41_050, "invalid welcome code"))?;
        if known.used {
            return Err(code(41_051, "customer has started chatting"));
        }
        if now - known.issued_at >= WELCOME_MS {
            return Err(code(41_050, "welcome code expired"));
        }
        known.used = true;
        record.committed([Seen {
            platform: Platform::Wecom,
            api: "welcome".to_owned(),
            recipient: id.to_owned(),
            text: visible(&body),
            at_ms: now,
            idempotency_key: None,
        }]);
        Ok(code(0, "ok"))
    }
}

fn json_of(call: &Call) -> Result<Value, Reply> {
    call.json()
        .filter(|_| call.method == Method::POST)
        .ok_or_else(|| code(40_058, "Warning: wrong json format."))
}

fn code(code: i64, words: &str) -> Reply {
    Reply::code(Platform::Wecom, StatusCode::OK, code, words)
}
