//! Requests to platforms, as plain values.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sluice_ports::{HttpRequest, Reach};

use crate::refusal::Refusal;

/// A body that is ready to send, and the same bytes at every attempt.
#[derive(Debug, Clone)]
pub(crate) struct Payload(Bytes);

impl Payload {
    /// The body, unless it is longer than the platform takes.
    pub(crate) fn json(value: &Value, limit: usize) -> Result<Self, Refusal> {
        let bytes = Bytes::from(value.to_string());
        if bytes.len() <= limit { Ok(Self(bytes)) } else { Err(Refusal::content("too_long")) }
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Lower-case hex SHA-256.
    pub(crate) fn sha256(&self) -> String {
        hex::encode(Sha256::digest(&self.0))
    }
}

/// `POST` of JSON.
pub(crate) fn post(url: String, payload: &Payload) -> HttpRequest {
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    HttpRequest {
        method: Method::POST,
        url,
        headers: vec![(header::CONTENT_TYPE, json)],
        body: payload.0.clone(),
        reach: Reach::Platform,
    }
}

/// `GET`.
pub(crate) fn get(url: String) -> HttpRequest {
    HttpRequest { method: Method::GET, url, headers: Vec::new(), body: Bytes::new(), reach: Reach::Platform }
}

/// `POST` of a form.
pub(crate) fn form(url: String, fields: &[(&str, &str)]) -> HttpRequest {
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", query(value))).collect();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    HttpRequest {
        method: Method::POST,
        url,
        headers: vec![(header::CONTENT_TYPE, form)],
        body: Bytes::from(pairs.join("&")),
        reach: Reach::Platform,
    }
}

/// `Authorization: Bearer …`, kept out of hyper's logs.
pub(crate) fn bearer(token: &str) -> Result<(HeaderName, HeaderValue), Refusal> {
    secret_header(header::AUTHORIZATION, &format!("Bearer {token}"))
}

/// A token in a header of its own, likewise.
pub(crate) fn token_header(name: &'static str, token: &str) -> Result<(HeaderName, HeaderValue), Refusal> {
    secret_header(HeaderName::from_static(name), token)
}

fn secret_header(name: HeaderName, value: &str) -> Result<(HeaderName, HeaderValue), Refusal> {
    let mut value = HeaderValue::from_str(value).map_err(|_| Refusal::endpoint("token_malformed"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// A value inside a query, percent-encoded but for unreserved characters.
pub(crate) fn query(value: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a `String` can not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A bot's key: what stands in the address, never an address itself (a frequent mistake that the platforms answer unclearly).
pub(crate) fn bot_key(secret: &str) -> Result<&str, Refusal> {
    let key = secret.trim();
    let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if plain && !key.is_empty() && key.len() <= 128 {
        Ok(key)
    } else {
        Err(Refusal::endpoint("key_malformed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_values_can_not_break_out() {
        assert_eq!(query("a&b=c/中 "), "a%26b%3Dc%2F%E4%B8%AD%20");
        assert_eq!(query("Aa0-._~"), "Aa0-._~");
    }

    #[test]
    fn a_whole_address_is_no_key() {
        assert_eq!(bot_key(" 693a91f6-7xxx_1\n").unwrap(), "693a91f6-7xxx_1");
        for wrong in ["", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=1", "a/b", "a?b", "键"] {
            assert_eq!(bot_key(wrong).unwrap_err().code, "key_malformed", "{wrong}");
        }
    }
}
