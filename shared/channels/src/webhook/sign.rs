use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// How many bytes a secret has: 192 to 512 bits (specification).
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that can not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a webhook's secret must be `whsec_` and the base64 of 24 to 64 bytes")]
pub(crate) struct InvalidSecret;

/// One signature of `webhook-signature`: `v1,` and the base64 of HMAC-SHA256 over `{id}.{timestamp}.{body}`.
pub(crate) fn signature(secret: &str, id: &str, seconds: i64, body: &[u8]) -> Result<String, InvalidSecret> {
    let encoded = secret.trim().strip_prefix("whsec_").ok_or(InvalidSecret)?;
    let key = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| InvalidSecret)?);
    if !BYTES.contains(&key.len()) {
        return Err(InvalidSecret);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| InvalidSecret)?;
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_message_has_the_published_signature() {
        let text = include_str!("../../../../tests/vectors/standard_webhooks.json");
        let vector: serde_json::Value = serde_json::from_str(text).unwrap();
        let text = |name: &str| vector[name].as_str().unwrap();
        let seconds = vector["timestamp"].as_i64().unwrap();
        let signed = signature(text("secret"), text("id"), seconds, text("payload").as_bytes());
        assert_eq!(signed.as_deref(), Ok(text("signature")));
        let other = signature(text("secret"), text("id"), seconds + 1, text("payload").as_bytes());
        assert_ne!(other.as_deref(), Ok(text("signature")));
    }

    #[test]
    fn a_secret_that_is_none_signs_nothing() {
        let short = format!("whsec_{}", STANDARD.encode([1; 23]));
        let long = format!("whsec_{}", STANDARD.encode([1; 65]));
        for secret in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!", &short, &long] {
            assert_eq!(signature(secret, "msg_1", 0, b""), Err(InvalidSecret), "{secret}");
        }
    }
}
