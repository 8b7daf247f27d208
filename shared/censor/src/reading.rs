//! Answers: strict, for what is not understood must never pass as clean.

use serde::Deserialize;
use serde::de::IgnoredAny;
use sluice_domain::safety::{CensorApi, LogId, MODELS_KEPT, ModelName};
use sluice_ports::HttpResponse;

use crate::error::{CensorError, Trouble};
use crate::errors::{Class, class_of};

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) hits: Vec<ModelName>,
    pub(crate) log_id: Option<LogId>,
}

/// An answer that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The token is dead.
    Token(CensorError),
    /// Anything else.
    Other(CensorError),
}

impl Refused {
    pub(crate) fn into_error(self) -> CensorError {
        match self {
            Self::Token(error) | Self::Other(error) => error,
        }
    }
}

/// A token as the platform issued it.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) value: String,
    pub(crate) seconds: i64,
}

/// Both shells and the older API's error, as far as they are read. Additional fields are the platform's business.
#[derive(Deserialize)]
struct Shell {
    err_no: Option<i64>,
    log_id: Option<String>,
    data: Option<serde_json::Value>,
    extra: Option<Extra>,
    /// Of `{error_id, code, message, exception}`.
    error_id: Option<IgnoredAny>,
    code: Option<i64>,
}

#[derive(Deserialize)]
struct Extra {
    error_code: Option<i64>,
    logid: Option<String>,
}

#[derive(Deserialize)]
struct Task {
    code: i64,
    predicts: Vec<Predict>,
}

#[derive(Deserialize)]
struct Predict {
    model_name: String,
    hit: bool,
}

impl Shell {
    fn log_id(&self) -> Option<LogId> {
        let extra = self.extra.as_ref().and_then(|extra| extra.logid.as_deref());
        self.log_id.as_deref().or(extra).map(LogId::new)
    }

    /// The first code that is not 0, wherever the shell has it.
    fn refusal(&self) -> Option<i64> {
        let own =
            self.data.as_ref().and_then(|data| data.get("error_code")).and_then(serde_json::Value::as_i64);
        let extra = self.extra.as_ref().and_then(|extra| extra.error_code);
        // Only the older API's error has a code at the top, and an `error_id` beside it.
        let auth = self.code.filter(|code| *code != 0 || self.error_id.is_some());
        [self.err_no, own, extra, auth].into_iter().flatten().find(|code| *code != 0)
    }
}

fn malformed(what: impl Into<String>) -> Refused {
    Refused::Other(CensorError::new(Trouble::Malformed, what))
}

/// A code that is not success, as what it means.
fn refused(code: i64) -> Result<(), Refused> {
    let trouble = match class_of(code) {
        Some(Class::Hit) => return Ok(()),
        Some(Class::Token) => {
            let error = CensorError::new(Trouble::Credentials, format!("code {code}: the token is refused"));
            return Err(Refused::Token(error));
        }
        Some(Class::Credentials) => Trouble::Credentials,
        Some(Class::Busy) => Trouble::Busy,
        Some(Class::Rate) => Trouble::Rate,
        Some(Class::Quota) => Trouble::Quota,
        Some(Class::Permission) => Trouble::Permission,
        Some(Class::Parameter) => Trouble::Parameter,
        None => Trouble::UnknownCode,
    };
    Err(Refused::Other(CensorError::new(trouble, format!("code {code}"))))
}

/// The shell of an answer under a status that may have one.
fn shell(answer: &HttpResponse) -> Result<Shell, Refused> {
    let status = answer.status.as_u16();
    let other = |trouble, detail: String| Err(Refused::Other(CensorError::new(trouble, detail)));
    let parsed: Result<Shell, _> = serde_json::from_slice(&answer.body);
    match (status, parsed) {
        (200, Ok(shell)) => Ok(shell),
        // The older API says it under 401; whether or not its words are readable, the token is dead.
        (401, _) => Err(Refused::Token(CensorError::new(Trouble::Credentials, "HTTP status 401"))),
        (429, _) => other(Trouble::Rate, "HTTP status 429".to_owned()),
        (500..=599, _) => other(Trouble::Busy, format!("HTTP status {status}")),
        // A code under another status is still a code.
        (_, Ok(shell)) if shell.refusal().is_some() => Ok(shell),
        (200, Err(_)) => Err(malformed("the answer is no JSON of the documented form")),
        (_, _) => other(Trouble::Malformed, format!("HTTP status {status}")),
    }
}

fn with_log_id(refused: Refused, log_id: Option<LogId>) -> Refused {
    match refused {
        Refused::Token(error) => Refused::Token(error.of(log_id)),
        Refused::Other(error) => Refused::Other(error.of(log_id)),
    }
}

/// The answer about so many texts.
pub(crate) fn judged(api: CensorApi, answer: &HttpResponse, texts: usize) -> Result<Judged, Refused> {
    let shell = shell(answer)?;
    let log_id = shell.log_id();
    let hits = hits(api, shell, texts).map_err(|refused| with_log_id(refused, log_id.clone()))?;
    Ok(Judged { hits, log_id })
}

fn hits(api: CensorApi, shell: Shell, texts: usize) -> Result<Vec<ModelName>, Refused> {
    if let Some(code) = shell.refusal() {
        refused(code)?;
        return Ok(vec![ModelName::new(&format!("code_{code}"))]);
    }
    if api == CensorApi::OpenPlatform && shell.err_no.is_none() {
        return Err(malformed("the answer has no `err_no`"));
    }
    if api == CensorApi::MiniApp && shell.log_id.is_none() {
        return Err(malformed("the answer has no `log_id`"));
    }
    let data = shell.data.unwrap_or_default();
    let tasks: Vec<Task> = serde_json::from_value(data).map_err(|_| {
        malformed("`data` is no list of tasks with `code` and `predicts` of `model_name` and `hit`")
    })?;
    if tasks.len() != texts {
        return Err(malformed(format!("{} tasks for {texts} texts", tasks.len())));
    }
    let mut hits = Vec::new();
    for task in &tasks {
        if task.code != 0 {
            refused(task.code)?;
            hits.push(ModelName::new(&format!("code_{}", task.code)));
            continue;
        }
        if task.predicts.is_empty() {
            return Err(malformed("a task has no `predicts`: no model has looked at its text"));
        }
        let hit = task.predicts.iter().filter(|predict| predict.hit);
        hits.extend(hit.map(|predict| ModelName::new(&predict.model_name)));
    }
    hits.sort();
    hits.dedup();
    hits.truncate(MODELS_KEPT);
    Ok(hits)
}

/// The token in an answer.
pub(crate) fn issued(answer: &HttpResponse) -> Result<Issued, CensorError> {
    #[derive(Deserialize)]
    struct Data {
        access_token: String,
        expires_in: i64,
    }
    let shell = shell(answer).map_err(Refused::into_error)?;
    let log_id = shell.log_id();
    if let Some(code) = shell.refusal() {
        return match refused(code) {
            Err(refused) => Err(refused.into_error().of(log_id)),
            // No text was shown yet, so none can be refused.
            Ok(()) => Err(CensorError::new(Trouble::UnknownCode, format!("code {code}")).of(log_id)),
        };
    }
    let data: Result<Data, _> = serde_json::from_value(shell.data.unwrap_or_default());
    match data {
        Ok(Data { access_token, expires_in }) if (1..=1_024).contains(&access_token.len()) => {
            Ok(Issued { value: access_token, seconds: expires_in })
        }
        _ => Err(CensorError::new(Trouble::Malformed, "no `access_token` with `expires_in` in the answer")
            .of(log_id)),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use serde_json::{Value, json};

    use super::*;

    fn answer(status: u16, body: impl Into<Bytes>) -> HttpResponse {
        HttpResponse {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.into(),
        }
    }

    fn open(body: &Value) -> Result<Judged, Refused> {
        judged(CensorApi::OpenPlatform, &answer(200, body.to_string()), 1)
    }

    fn task(predicts: &Value) -> Value {
        json!({ "code": 0, "msg": "", "task_id": "t", "data_id": null, "predicts": predicts })
    }

    fn shell_of(tasks: &Value) -> Value {
        json!({ "err_no": 0, "err_msg": "", "log_id": "L1", "data": tasks })
    }

    fn trouble(result: Result<Judged, Refused>) -> Trouble {
        result.unwrap_err().into_error().trouble
    }

    const CLEAN: &str = include_str!("../tests/vectors/censor_text_clean.json");
    const HIT: &str = include_str!("../tests/vectors/censor_text_hit.json");
    const OLD_CLEAN: &str = include_str!("../tests/vectors/antidirt_clean.json");
    const OLD_HIT: &str = include_str!("../tests/vectors/antidirt_hit.json");
    const OLD_AUTH: &str = include_str!("../tests/vectors/antidirt_unauthorised.json");

    #[test]
    fn documented_answers_are_read() {
        for (api, clean, hit) in
            [(CensorApi::OpenPlatform, CLEAN, HIT), (CensorApi::MiniApp, OLD_CLEAN, OLD_HIT)]
        {
            let read = judged(api, &answer(200, clean), 1).unwrap();
            assert_eq!(read.hits, []);
            assert!(read.log_id.is_some());
            let read = judged(api, &answer(200, hit), 1).unwrap();
            assert_eq!(read.hits, [ModelName::new("short_content_antidirt")]);
        }
        for status in [200, 401] {
            let dead = judged(CensorApi::MiniApp, &answer(status, OLD_AUTH), 1).unwrap_err();
            assert!(matches!(dead, Refused::Token(_)), "{dead:?}");
        }
    }

    #[test]
    fn nothing_but_the_documented_form_is_clean() {
        let good = json!([{ "model_name": "m", "prob": 0, "hit": false, "target": null }]);
        assert_eq!(open(&shell_of(&json!([task(&good)]))).unwrap().hits, []);
        for (why, body) in [
            ("nothing", json!({})),
            ("no list", json!({ "err_no": 0, "log_id": "L1" })),
            ("null", shell_of(&Value::Null)),
            ("no task", shell_of(&json!([]))),
            ("one task too many", shell_of(&json!([task(&good), task(&good)]))),
            ("no model", shell_of(&json!([task(&json!([]))]))),
            ("predicts missing", shell_of(&json!([{ "code": 0 }]))),
            ("no hit", shell_of(&json!([task(&json!([{ "model_name": "m" }]))]))),
            ("hit is a number", shell_of(&json!([task(&json!([{ "model_name": "m", "hit": 0 }]))]))),
            ("hit is a text", shell_of(&json!([task(&json!([{ "model_name": "m", "hit": "false" }]))]))),
            ("no task code", shell_of(&json!([{ "predicts": good }]))),
            ("no err_no", json!({ "log_id": "L1", "data": [task(&good)] })),
            ("err_no is a text", json!({ "err_no": "0", "log_id": "L1", "data": [task(&good)] })),
        ] {
            assert_eq!(trouble(open(&body)), Trouble::Malformed, "{why}");
        }
        for body in ["", "null", "[]", "<html>errcode 0 ok</html>", "{\"err_no\":0"] {
            let read = judged(CensorApi::OpenPlatform, &answer(200, body), 1);
            assert_eq!(trouble(read), Trouble::Malformed, "{body}");
        }
        let no_log_id = json!({ "data": [task(&good)] }).to_string();
        assert_eq!(trouble(judged(CensorApi::MiniApp, &answer(200, no_log_id), 1)), Trouble::Malformed);
    }

    #[test]
    fn an_answer_that_broke_off_anywhere_is_none() {
        for (api, whole) in [(CensorApi::OpenPlatform, CLEAN), (CensorApi::MiniApp, OLD_CLEAN)] {
            let whole = whole.trim_end().as_bytes();
            for length in 0..whole.len() {
                let part = whole.get(..length).unwrap().to_vec();
                assert_eq!(trouble(judged(api, &answer(200, part), 1)), Trouble::Malformed, "{length} bytes");
            }
        }
    }

    #[test]
    fn one_hit_of_any_model_in_any_task_is_a_hit() {
        let model = |name: &str, hit: bool| json!({ "model_name": name, "prob": 0, "hit": hit });
        let tasks =
            json!([task(&json!([model("a", false), model("b", true)])), task(&json!([model("b", true)]))]);
        let read = judged(CensorApi::OpenPlatform, &answer(200, shell_of(&tasks).to_string()), 2).unwrap();
        assert_eq!(read, Judged { hits: vec![ModelName::new("b")], log_id: Some(LogId::new("L1")) });
        let many: Vec<Value> = (0..40).map(|n| model(&format!("m{n}"), true)).collect();
        let read = open(&shell_of(&json!([task(&json!(many))]))).unwrap();
        assert_eq!(read.hits.len(), MODELS_KEPT);
        let echo = shell_of(&json!([task(&json!([model("我的号码 13800138000", true)]))]));
        assert_eq!(open(&echo).unwrap().hits, [ModelName::new("unnamed")]);
    }

    #[test]
    fn codes_mean_what_the_table_says_wherever_they_stand() {
        let rows = [
            (28_001_003, Trouble::Credentials),
            (28_001_005, Trouble::Busy),
            (28_003_018, Trouble::Rate),
            (28_003_017, Trouble::Quota),
            (28_001_018, Trouble::Permission),
            (28_001_007, Trouble::Parameter),
            (99_999, Trouble::UnknownCode),
            (-1, Trouble::UnknownCode),
        ];
        for (code, expected) in rows {
            for body in [
                json!({ "err_no": code, "err_msg": "x", "log_id": "L1", "data": null }),
                json!({ "data": { "error_code": code, "description": "x" }, "extra": { "error_code": code, "logid": "L1" } }),
                json!({ "extra": { "error_code": code, "logid": "L1" } }),
                shell_of(&json!([{ "code": code, "msg": "x", "predicts": [] }])),
            ] {
                let refused = open(&body).unwrap_err();
                assert_eq!(matches!(refused, Refused::Token(_)), code == 28_001_003, "{body}");
                let error = refused.into_error();
                assert_eq!((error.trouble, error.log_id), (expected, Some(LogId::new("L1"))), "{body}");
            }
        }
        let sensitive = open(&json!({ "err_no": 2_111_001, "err_msg": "", "log_id": "L1" })).unwrap();
        assert_eq!(sensitive.hits, [ModelName::new("code_2111001")]);
    }

    #[test]
    fn a_status_is_no_answer() {
        for (status, expected) in [
            (429, Trouble::Rate),
            (500, Trouble::Busy),
            (503, Trouble::Busy),
            (302, Trouble::Malformed),
            (404, Trouble::Malformed),
        ] {
            let read = judged(CensorApi::OpenPlatform, &answer(status, CLEAN), 1);
            assert_eq!(trouble(read), expected, "{status}");
        }
        let code = json!({ "err_no": 28_001_007 }).to_string();
        assert_eq!(trouble(judged(CensorApi::OpenPlatform, &answer(400, code), 1)), Trouble::Parameter);
    }

    #[test]
    fn tokens_are_read_from_both_shells() {
        let open = json!({ "data": { "access_token": "clt.1", "expires_in": 7200, "error_code": 0, "description": "" }, "message": "success" });
        let mini = json!({ "err_no": 0, "err_tips": "success", "data": { "access_token": "0801", "expires_in": 7200 } });
        for (body, value) in [(open, "clt.1"), (mini, "0801")] {
            let token = issued(&answer(200, body.to_string())).unwrap();
            assert_eq!((token.value.as_str(), token.seconds), (value, 7_200));
        }
        for (body, expected) in [
            (json!({ "data": { "error_code": 10_013, "description": "x" } }), Trouble::Credentials),
            (json!({ "err_no": 40_017, "err_tips": "bad secret" }), Trouble::Credentials),
            (json!({ "data": { "error_code": 10_020 } }), Trouble::Rate),
            (json!({ "data": { "access_token": "", "expires_in": 7200 } }), Trouble::Malformed),
            (json!({ "err_no": 0 }), Trouble::Malformed),
        ] {
            assert_eq!(issued(&answer(200, body.to_string())).unwrap_err().trouble, expected, "{body}");
        }
    }
}
