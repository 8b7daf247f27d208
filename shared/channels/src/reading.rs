//! Reads a platform's answer. Success is in the body, never in the HTTP status alone.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;
use sluice_ports::HttpResponse;

use crate::verdict::{Row, row};
use crate::{echo, text};

/// How one platform words its answers.
pub(crate) struct Dialect {
    /// For logs.
    pub(crate) name: &'static str,
    /// Its error tables; the first that has a code counts.
    pub(crate) errors: &'static [&'static [Row]],
    /// Where the code is, whatever it holds.
    pub(crate) code: fn(&Value) -> Option<&Value>,
    /// Where the words are.
    pub(crate) words: fn(&Value) -> Option<&str>,
    /// Where the log id is.
    pub(crate) log_id: fn(&HttpResponse, Option<&str>) -> Option<String>,
}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// HTTP 2xx and an integer 0.
    Accepted,
    /// A code of the table.
    Listed(&'static Row),
    /// An integer code that nobody wrote down.
    Unlisted,
    /// HTTP 429 and no code of the table.
    TooMany,
    /// HTTP 413 and no code of the table.
    TooLarge,
    /// HTTP 5xx of the platform itself, and no code of the table: not taken.
    ServerFault,
    /// Anything else: redirects, pages, cut or odd JSON, a gateway that lost its server.
    Unreadable,
}

/// An answer, read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    pub(crate) ruling: Ruling,
    /// The platform's code, or `http_<status>`.
    pub(crate) code: String,
    /// Its words, at most 1 KiB.
    pub(crate) message: Option<String>,
    pub(crate) log_id: Option<String>,
    /// Seconds until the limit resets, by the header.
    pub(crate) reset_seconds: Option<i64>,
    /// Neither code field is there at all.
    pub(crate) codeless: bool,
    /// The whole body; null when it is no JSON.
    pub(crate) body: Value,
    /// The same as it came. It may hold a token, if it answers a request for one.
    pub(crate) raw: Bytes,
}

impl Reading {
    /// What is kept of an answer to a send: the platform's words for a code that is known, otherwise everything it said.
    pub(crate) fn said(&self) -> Option<Cow<'_, str>> {
        match self.ruling {
            Ruling::Accepted | Ruling::Listed(_) => self.message.as_deref().map(Cow::Borrowed),
            Ruling::Unlisted
            | Ruling::TooMany
            | Ruling::TooLarge
            | Ruling::ServerFault
            | Ruling::Unreadable => (!self.raw.is_empty()).then(|| Cow::Owned(echo::raw(&self.raw))),
        }
    }
}

impl Dialect {
    /// Reads an answer to anything that reports its code on success too.
    pub(crate) fn read(&self, answer: &HttpResponse) -> Reading {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        let field = (self.code)(&body);
        let (codeless, code) = (field.is_none(), field.and_then(Value::as_i64));
        let words = (self.words)(&body);
        Reading {
            ruling: self.rule(answer.status, code),
            code: code.map_or_else(|| format!("http_{}", answer.status.as_u16()), |code| code.to_string()),
            message: words
                .filter(|words| !words.is_empty())
                .map(|words| text::cut(words, echo::KEPT).to_owned()),
            log_id: (self.log_id)(answer, words),
            reset_seconds: header(answer, "x-ogw-ratelimit-reset")
                .and_then(|seconds| seconds.trim().parse().ok()),
            codeless,
            body,
            raw: answer.body.clone(),
        }
    }

    fn rule(&self, status: StatusCode, code: Option<i64>) -> Ruling {
        match code.map(|code| (code, self.errors.iter().find_map(|table| row(table, code)))) {
            Some((_, Some(row))) => return Ruling::Listed(row),
            Some((0, None)) if status.is_success() => return Ruling::Accepted,
            // 0 under an error status contradicts itself.
            Some((0, None)) => return Ruling::Unreadable,
            Some((_, None)) if status.is_success() || is_refusal(status) => return Ruling::Unlisted,
            Some((_, None)) | None => {}
        }
        match status {
            StatusCode::TOO_MANY_REQUESTS => Ruling::TooMany,
            StatusCode::PAYLOAD_TOO_LARGE => Ruling::TooLarge,
            // A gateway lost the server behind it; that one may have taken the message.
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Ruling::Unreadable,
            status if status.is_server_error() => Ruling::ServerFault,
            _ => Ruling::Unreadable,
        }
    }
}

/// A 4xx whose JSON code can be believed: Feishu's message API answers faults so.
fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error()
        && !matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT
        )
}

/// A header as text.
pub(crate) fn header<'a>(answer: &'a HttpResponse, name: &str) -> Option<&'a str> {
    answer.headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Verdict;

    fn answer(status: u16, body: &str) -> HttpResponse {
        HttpResponse {
            status: StatusCode::from_u16(status).unwrap(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    #[test]
    fn feishu_succeeds_in_three_shapes_only() {
        for (status, body, accepted) in [
            (200, r#"{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}"#, true),
            (200, r#"{"Extra":null,"StatusCode":0,"StatusMessage":"success"}"#, true),
            (200, r#"{"code":0,"msg":"success","data":{"message_id":"om_1"}}"#, true),
            (200, r#"{"code":19021,"StatusCode":0,"msg":"sign match fail"}"#, false),
            (200, r#"{"code":"0","StatusCode":0}"#, false),
            (200, r#"{"code":null,"StatusCode":0}"#, false),
            (200, r#"{"code":0.0}"#, false),
            (200, r#"{"StatusCode":"0"}"#, false),
            (200, r#"{"msg":"success"}"#, false),
            (200, "[0]", false),
            (200, "<html>", false),
            (200, r#"{"code":0"#, false),
            (200, "", false),
            (302, r#"{"code":0}"#, false),
            (400, r#"{"code":0}"#, false),
            (500, r#"{"code":0}"#, false),
        ] {
            let reading = crate::feishu::DIALECT.read(&answer(status, body));
            assert_eq!(reading.ruling == Ruling::Accepted, accepted, "{status} {body}");
        }
    }

    #[test]
    fn what_can_not_be_read_is_unreadable_and_never_success() {
        for (status, body, ruling) in [
            (301, "", Ruling::Unreadable),
            (200, "<html>ok</html>", Ruling::Unreadable),
            (200, r#"{"errcode":"0"}"#, Ruling::Unreadable),
            (200, r#"{"errmsg":"ok"}"#, Ruling::Unreadable),
            (404, "not found", Ruling::Unreadable),
            (408, "", Ruling::Unreadable),
            (502, "", Ruling::Unreadable),
            (504, "<html>", Ruling::Unreadable),
            (500, "", Ruling::ServerFault),
            (503, "busy", Ruling::ServerFault),
            (503, r#"{"errcode":123456}"#, Ruling::ServerFault),
            (429, "", Ruling::TooMany),
            (413, "<html>", Ruling::TooLarge),
            (200, r#"{"errcode":123456}"#, Ruling::Unlisted),
            (400, r#"{"errcode":123456}"#, Ruling::Unlisted),
            (200, r#"{"errcode":0}"#, Ruling::Accepted),
        ] {
            for dialect in [&crate::wecom::DIALECT, &crate::wechat::DIALECT] {
                assert_eq!(dialect.read(&answer(status, body)).ruling, ruling, "{status} {body}");
            }
        }
    }

    #[test]
    fn a_listed_code_counts_under_any_status() {
        for status in [200, 400, 429, 500] {
            let reading = crate::feishu::DIALECT.read(&answer(status, r#"{"code":230053,"msg":"stopped"}"#));
            let Ruling::Listed(row) = reading.ruling else { panic!("{status}") };
            assert_eq!(row.verdict, Verdict::Recipient { opt_out: true });
        }
    }

    #[test]
    fn log_ids_and_reset_times_are_found() {
        let mut limited = answer(429, r#"{"code":99991400,"msg":"request trigger frequency limit"}"#);
        limited.headers.insert("x-ogw-ratelimit-reset", http::HeaderValue::from_static("52"));
        limited.headers.insert("x-tt-logid", http::HeaderValue::from_static("2024AB"));
        let reading = crate::feishu::DIALECT.read(&limited);
        assert_eq!((reading.reset_seconds, reading.log_id.as_deref()), (Some(52), Some("2024AB")));

        let words = r#"{"errcode":93000,"errmsg":"invalid webhook url, hint: [1755605200056773468916791], from ip: 192.0.2.1"}"#;
        let reading = crate::wecom::DIALECT.read(&answer(200, words));
        assert_eq!(reading.log_id.as_deref(), Some("1755605200056773468916791"));

        let words = r#"{"errcode":40001,"errmsg":"invalid credential rid: 6613-aa-0c, ask"}"#;
        let reading = crate::wechat::DIALECT.read(&answer(200, words));
        assert_eq!(reading.log_id.as_deref(), Some("6613-aa-0c"));
    }
}
