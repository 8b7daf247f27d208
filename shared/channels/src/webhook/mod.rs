//! The generic channel: a signed `POST` to the company's own system, after the Standard Webhooks specification 1.0.
//!
//! `webhook-id` is the dispatch's name, the same at every attempt: the receiver drops what it has seen. Success is 2xx and nothing
//! else; redirects are never followed.

mod sign;

use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use sluice_ports::{HttpRequest, HttpResponse, Reach};

use crate::call::{self, Payload};
use crate::message::Message;
use crate::reading::header;
use crate::refusal::Refusal;
use crate::text;
use crate::verdict::{Scope, Verdict, Wait};

pub(crate) use sign::{InvalidSecret, signature};

/// The specification asks for less than 20 KB.
const BODY_LIMIT: usize = 20_000;

/// The body: the same bytes at every attempt.
pub(crate) fn payload(message: &Message) -> Result<Payload, Refusal> {
    text::sendable(message)?;
    let link = message.link.as_ref().map(|(label, address)| json!({ "label": label, "url": address }));
    let body = json!({
        "type": "sluice.message",
        "timestamp": message.at.to_string(),
        "data": {
            "dispatch_id": message.dispatch_id, "title": message.title, "text": message.text, "link": link,
            "fields": message.fields,
        },
    });
    Payload::json(&body, BODY_LIMIT)
}

/// The request: signed with every secret, so that the receiver may change to the new one when it likes.
pub(crate) fn request(
    url: &str,
    private: bool,
    message: &Message,
    secrets: &[&str],
    seconds: i64,
    payload: &Payload,
) -> Result<HttpRequest, Refusal> {
    let id = format!("msg_{}", message.dispatch_id);
    let signatures: Result<Vec<String>, InvalidSecret> =
        secrets.iter().map(|secret| signature(secret, &id, seconds, payload.bytes())).collect();
    let signatures = signatures.map_err(|_| Refusal::endpoint("secret_malformed"))?.join(" ");
    let mut request = call::post(url.to_owned(), payload);
    request.reach = if private { Reach::Private } else { Reach::Public };
    for (name, value) in
        [("webhook-id", id), ("webhook-timestamp", seconds.to_string()), ("webhook-signature", signatures)]
    {
        let value = HeaderValue::from_str(&value).map_err(|_| Refusal::content("dispatch_id_malformed"))?;
        request.headers.push((HeaderName::from_static(name), value));
    }
    Ok(request)
}

/// What a status means; `None` is success.
pub(crate) fn verdict(status: StatusCode) -> Option<Verdict> {
    Some(match status {
        status if status.is_success() => return None,
        // "The sender should disable the endpoint" (specification); the others are wrong for every message, too: somebody must mend
        // address or secret.
        StatusCode::GONE
        | StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED => Verdict::Endpoint,
        status if status.is_redirection() => Verdict::Endpoint,
        StatusCode::PAYLOAD_TOO_LARGE => Verdict::Content { compliance: false },
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Verdict::Throttle(Wait::ResetHeader, Scope::Endpoint)
        }
        _ => Verdict::Transient,
    })
}

/// `Retry-After` in seconds; a date is not read, and its default taken.
pub(crate) fn retry_after(answer: &HttpResponse) -> Option<i64> {
    header(answer, "retry-after")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_is_2xx_and_nothing_else() {
        for status in 100_u16..600 {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(verdict(status).is_none(), status.is_success(), "{status}");
        }
        for (status, expected) in [
            (301, Verdict::Endpoint),
            (308, Verdict::Endpoint),
            (410, Verdict::Endpoint),
            (401, Verdict::Endpoint),
            (400, Verdict::Transient),
            (500, Verdict::Transient),
            (504, Verdict::Transient),
            (413, Verdict::Content { compliance: false }),
            (429, Verdict::Throttle(Wait::ResetHeader, Scope::Endpoint)),
        ] {
            assert_eq!(verdict(StatusCode::from_u16(status).unwrap()), Some(expected), "{status}");
        }
    }
}
