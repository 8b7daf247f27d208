//! Douyin's text censors as they enforce themselves: tokens of the two kinds, hit words, a quota of the day, and the two shapes of answers.

use std::collections::HashMap;

use http::StatusCode;
use serde_json::{Value, json};

use crate::CensorApp;
use crate::record::Record;
use crate::token::{Issued, Standing};
use crate::wire::{Call, Reply};

const TOKEN_LIFE_MS: i64 = 2 * 3_600_000;
const DAY_MS: i64 = 86_400_000;
const MOST_TASKS: usize = 10;
const MODEL: &str = "short_content_antidirt";

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// `open.douyin.com`.
    Open,
    /// `developer.toutiao.com`.
    Mini,
}

/// The state of both.
pub(crate) struct Censors {
    apps: Vec<CensorApp>,
    open_tokens: Issued,
    mini_tokens: Issued,
    /// Requests by application and day.
    made: HashMap<(usize, i64), u32>,
    answers: u64,
    texts: Vec<String>,
}

impl Censors {
    pub(crate) fn new(apps: Vec<CensorApp>) -> Self {
        Self {
            apps,
            open_tokens: Issued::new("clt."),
            mini_tokens: Issued::new("0801"),
            made: HashMap::new(),
            answers: 0,
            texts: Vec::new(),
        }
    }

    pub(crate) fn revoke_tokens(&mut self, shape: Shape) {
        self.tokens(shape).revoke(None);
    }

    /// Every text that was looked at, in order.
    pub(crate) fn texts(&self) -> &[String] {
        &self.texts
    }

    fn tokens(&mut self, shape: Shape) -> &mut Issued {
        match shape {
            Shape::Open => &mut self.open_tokens,
            Shape::Mini => &mut self.mini_tokens,
        }
    }

    /// `/oauth/stable_client_token/`: the same token as long as it lives.
    pub(crate) fn open_token(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        let refused = |code: i64, words: &str| {
            Reply::ok(&json!({ "data": { "error_code": code, "description": words }, "message": "error" }))
        };
        let Some(body) = call.json() else { return refused(10_002, "parameter error") };
        let field = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        if field("grant_type") != "client_credential" {
            return refused(10_002, "grant_type error");
        }
        let Some(place) = self.apps.iter().position(|app| app.app_id == field("client_key")) else {
            return refused(10_003, "client_key error");
        };
        if self.apps.get(place).is_none_or(|app| app.secret != field("client_secret")) {
            return refused(10_013, "client_secret error");
        }
        let (token, seconds) = self.issued(Shape::Open, place, now, record);
        Reply::ok(&json!({
            "data": { "access_token": token, "expires_in": seconds, "error_code": 0, "description": "" },
            "message": "success",
        }))
    }

    /// `/api/apps/v2/token`.
    pub(crate) fn mini_token(&mut self, call: &Call, now: i64, record: &mut Record) -> Reply {
        let refused = |code: i64, words: &str| Reply::ok(&json!({ "err_no": code, "err_tips": words }));
        let Some(body) = call.json() else { return refused(40_014, "bad request") };
        let field = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        if field("grant_type") != "client_credential" {
            return refused(40_020, "bad grant_type");
        }
        let Some(place) = self.apps.iter().position(|app| app.app_id == field("appid")) else {
            return refused(40_015, "bad appid");
        };
        if self.apps.get(place).is_none_or(|app| app.secret != field("secret")) {
            return refused(40_017, "bad secret");
        }
        let (token, seconds) = self.issued(Shape::Mini, place, now, record);
        let data = json!({ "access_token": token, "expires_in": seconds });
        Reply::ok(&json!({ "err_no": 0, "err_tips": "success", "data": data }))
    }

    fn issued(&mut self, shape: Shape, place: usize, now: i64, record: &mut Record) -> (String, i64) {
        if let Some(current) = self.tokens(shape).current(place, now, 0) {
            return current;
        }
        record.counters.tokens_issued += 1;
        self.tokens(shape).issue(place, now, TOKEN_LIFE_MS)
    }

    /// A check in either shape.
    pub(crate) fn check(&mut self, shape: Shape, call: &Call, now: i64, record: &mut Record) -> Reply {
        self.checked(shape, call, now, record).unwrap_or_else(|refused| refused)
    }

    fn checked(&mut self, shape: Shape, call: &Call, now: i64, record: &mut Record) -> Result<Reply, Reply> {
        let place = self.caller(shape, call, now)?;
        let texts = texts(shape, call).ok_or_else(|| parameter(shape, "bad content"))?;
        if shape == Shape::Open {
            let named = call.json().and_then(|body| body.get("app_id")?.as_str().map(str::to_owned));
            if named.as_deref() != self.apps.get(place).map(|app| app.app_id.as_str()) {
                return Err(code(shape, 2_190_015, "app_id mismatch"));
            }
        }
        let app = self.apps.get(place).ok_or_else(|| unauthorised(shape))?;
        let made = self.made.entry((place, now.div_euclid(DAY_MS))).or_default();
        if app.per_day.is_some_and(|most| *made >= most) {
            record.counters.over_limit += 1;
            return Err(code(shape, 28_003_017, "quota exhausted"));
        }
        *made += 1;
        self.answers += 1;
        let log_id = format!("2026{:028}", self.answers);
        let answer = self.answers;
        let data: Vec<Value> = texts
            .iter()
            .enumerate()
            .map(|(place, text)| {
                let hit = app.hit_words.iter().any(|word| text.contains(word.as_str()));
                let predicts =
                    json!([{ "model_name": MODEL, "prob": i32::from(hit), "hit": hit, "target": null }]);
                json!({
                    "code": 0, "msg": "", "task_id": format!("MICROAPP_{answer}_{place}"), "data_id": null,
                    "predicts": predicts,
                })
            })
            .collect();
        self.texts.extend(texts);
        record.counters.committed += 1;
        Ok(Reply::ok(&match shape {
            Shape::Open => json!({ "err_no": 0, "err_msg": "", "log_id": log_id, "data": data }),
            Shape::Mini => json!({ "log_id": log_id, "data": data }),
        }))
    }

    /// Whose token the call carries.
    fn caller(&mut self, shape: Shape, call: &Call, now: i64) -> Result<usize, Reply> {
        let header = match shape {
            Shape::Open => "access-token",
            Shape::Mini => "x-token",
        };
        let token = call.headers.get(header).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match self.tokens(shape).standing(token, now) {
            Standing::Good(place) => Ok(place),
            Standing::Expired if shape == Shape::Open => Err(code(shape, 28_001_008, "access_token expired")),
            Standing::Expired | Standing::Unknown => Err(unauthorised(shape)),
        }
    }
}

/// The texts of a request, if they are as many as the API takes.
fn texts(shape: Shape, call: &Call) -> Option<Vec<String>> {
    let body = call.json()?;
    let list = match shape {
        Shape::Open => body.get("content")?.as_array()?.clone(),
        Shape::Mini => {
            let tasks = body.get("tasks")?.as_array()?;
            tasks.iter().map(|task| task.get("content").cloned().unwrap_or_default()).collect()
        }
    };
    let texts: Option<Vec<String>> = list.iter().map(|text| text.as_str().map(str::to_owned)).collect();
    texts.filter(|texts| (1..=MOST_TASKS).contains(&texts.len()) && texts.iter().all(|text| !text.is_empty()))
}

fn parameter(shape: Shape, words: &str) -> Reply {
    match shape {
        Shape::Open => code(shape, 28_001_007, words),
        Shape::Mini => code(shape, 400, words),
    }
}

fn unauthorised(shape: Shape) -> Reply {
    match shape {
        Shape::Open => code(shape, 28_001_003, "access_token invalid"),
        Shape::Mini => code(shape, 401, "[app token sign fail] bad token"),
    }
}

/// A business code in the shape of the API.
pub(crate) fn code(shape: Shape, code: i64, words: &str) -> Reply {
    let log_id = format!("refused-{code}");
    let body = match shape {
        Shape::Open => json!({ "err_no": code, "err_msg": words, "log_id": log_id, "data": null }),
        Shape::Mini => json!({ "error_id": log_id, "code": code, "message": words, "exception": words }),
    };
    let status = if code == 401 { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    Reply::json(status, &body)
}
