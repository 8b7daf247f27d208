//! Calls and replies as plain values, apart from the server that carries them.

use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use crate::Platform;
use crate::censor::{self, Shape};

/// A call as the rules see it.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Call {
    /// A parameter of the query; empty when it is not there.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// The body as a JSON object.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok().filter(Value::is_object)
    }

    /// The token of `Authorization: Bearer`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.headers.get(http::header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
    }
}

impl Reply {
    /// A page that loads nothing from elsewhere, runs no script within itself and is in no frame: messages of anybody are shown on it.
    pub(crate) fn page(html: &str) -> Self {
        let policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        let mut page = Self::part_of_page("text/html", html);
        page.headers.push(("content-security-policy", policy.to_owned()));
        page
    }

    /// The page, its style or its script; asked for anew each time, so that they belong together.
    pub(crate) fn part_of_page(media_type: &str, text: &str) -> Self {
        let headers = vec![
            ("content-type", format!("{media_type}; charset=utf-8")),
            ("cache-control", "no-store".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
        ];
        Self { status: StatusCode::OK, headers, body: text.to_owned() }
    }

    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        let json = ("content-type", "application/json; charset=utf-8".to_owned());
        Self { status, headers: vec![json], body: body.to_string() }
    }

    pub(crate) fn ok(body: &Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    pub(crate) fn not_found() -> Self {
        Self { status: StatusCode::NOT_FOUND, headers: Vec::new(), body: "404 page not found".to_owned() }
    }

    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    pub(crate) fn html() -> Self {
        let html = ("content-type", "text/html".to_owned());
        let body = "<!DOCTYPE html><html><body>errcode 0 ok</body></html>".to_owned();
        Self { status: StatusCode::OK, headers: vec![html], body }
    }

    pub(crate) fn redirect() -> Self {
        let there = ("location", "http://127.0.0.1:9/elsewhere".to_owned());
        Self { status: StatusCode::FOUND, headers: vec![there], body: String::new() }
    }

    /// A business code in the platform's shape.
    pub(crate) fn code(platform: Platform, status: StatusCode, code: i64, words: &str) -> Self {
        let mut reply = match platform {
            Platform::Feishu => Self::json(status, &json!({ "code": code, "msg": words, "data": {} })),
            Platform::Wecom | Platform::Wechat => {
                Self::json(status, &json!({ "errcode": code, "errmsg": words }))
            }
            Platform::Douyin => Self::json(
                status,
                &json!({
                    "data": { "error_code": code, "description": words },
                    "extra": { "error_code": code, "description": words, "logid": "sim-0" },
                }),
            ),
            Platform::Webhook => Self::empty(status),
            Platform::DouyinCensor => Self { status, ..censor::code(Shape::Open, code, words) },
            Platform::ToutiaoCensor => Self { status, ..censor::code(Shape::Mini, code, words) },
        };
        if status == StatusCode::TOO_MANY_REQUESTS {
            reply.headers.push(("x-ogw-ratelimit-reset", "2".to_owned()));
        }
        reply
    }
}

/// A query's parameters, percent-decoded; the first of a name counts.
pub(crate) fn parameters(query: Option<&str>) -> HashMap<String, String> {
    let mut parameters = HashMap::new();
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        parameters.entry(decoded(name)).or_insert_with(|| decoded(value));
    }
    parameters
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escape = tail.first_chunk::<2>().filter(|_| *first == b'%');
        let byte = escape
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = if byte.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
        bytes.push(byte.unwrap_or(*first));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let parameters = parameters(Some("a=%E4%B8%AD&b&c=1%2&c=2&d=x%3Dy"));
        assert_eq!(parameters["a"], "中");
        assert_eq!(parameters["b"], "");
        assert_eq!(parameters["c"], "1%2");
        assert_eq!(parameters["d"], "x=y");
    }
}
