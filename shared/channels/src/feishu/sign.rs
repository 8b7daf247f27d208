use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// A custom bot's `sign`: Base64 of HMAC-SHA256 whose *key* is `"{seconds}\n{secret}"` and whose message is empty
/// (`DingTalk` does it the other way round).
pub(super) fn sign(secret: &str, seconds: i64) -> String {
    let key = format!("{seconds}\n{secret}");
    // HMAC takes keys of every length; without one there would be nothing to send but a wrong sign.
    Hmac::<Sha256>::new_from_slice(key.as_bytes())
        .map(|mac| STANDARD.encode(mac.finalize().into_bytes()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_platform_does() {
        for (secret, seconds, expected) in [
            ("xxx", 1_661_860_880, "QnWVTSBe6FmQDE0bG6X0mURbI+DnvVyu1h+j5dHOjrU="),
            ("demo", 1_599_360_473, "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="),
        ] {
            assert_eq!(sign(secret, seconds), expected);
        }
    }

    #[test]
    fn does_not_sign_in_the_order_of_another_platform() {
        let other_way_round = "dIUMcehSFkPlWOGqwoP5EFcartyN67QSY9wbVW+hTbE=";
        let mut mac = Hmac::<Sha256>::new_from_slice(b"xxx").unwrap();
        mac.update(b"1661860880\nxxx");
        assert_eq!(STANDARD.encode(mac.finalize().into_bytes()), other_way_round);
        assert_ne!(sign("xxx", 1_661_860_880), other_way_round);
    }
}
