//! A company's own system behind a webhook (Standard Webhooks): it checks signature and time, and drops what it has seen.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::StatusCode;
use sha2::Sha256;

use crate::record::{Record, visible};
use crate::wire::{Call, Reply};
use crate::{Platform, Seen, WebhookReceiver};

/// How far the timestamp may be off: five minutes, as the specification's libraries take it.
const TOLERANCE_S: i64 = 300;

/// The receivers' state.
pub(crate) struct Webhook {
    receivers: Vec<WebhookReceiver>,
    known: HashSet<(String, String)>,
}

impl Webhook {
    pub(crate) fn new(receivers: Vec<WebhookReceiver>) -> Self {
        Self { receivers, known: HashSet::new() }
    }

    pub(crate) fn receive(&mut self, name: &str, call: &Call, now: i64, record: &mut Record) -> Reply {
        let header =
            |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let Some(receiver) = self.receivers.iter().find(|receiver| receiver.name == name) else {
            return Reply::empty(StatusCode::GONE);
        };
        let (id, seconds) = (header("webhook-id"), header("webhook-timestamp"));
        let fresh = seconds.parse::<i64>().is_ok_and(|at| (now / 1_000 - at).abs() <= TOLERANCE_S);
        let expected = expected(&receiver.secret, id, seconds, &call.body);
        let signed =
            header("webhook-signature").split(' ').any(|signature| Some(signature) == expected.as_deref());
        if id.is_empty() || !fresh || !signed {
            return Reply::empty(StatusCode::UNAUTHORIZED);
        }
        let Some(body) = call.json() else { return Reply::empty(StatusCode::BAD_REQUEST) };
        if !self.known.insert((name.to_owned(), id.to_owned())) {
            record.counters.duplicates_suppressed += 1;
            return Reply::empty(StatusCode::NO_CONTENT);
        }
        record.committed([Seen {
            platform: Platform::Webhook,
            api: "webhook".to_owned(),
            recipient: name.to_owned(),
            text: visible(&body),
            at_ms: now,
            idempotency_key: Some(id.to_owned()),
        }]);
        Reply::empty(StatusCode::NO_CONTENT)
    }
}

fn expected(secret: &str, id: &str, seconds: &str, body: &[u8]) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}
