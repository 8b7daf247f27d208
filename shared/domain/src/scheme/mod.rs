//! How callbacks are signed: one file per scheme, chosen by the source's configuration, never sniffed.
//!
//! [`verify`] is the only way to a [`Verified`], and only a [`Verified`] can be normalised, so that nothing unproven
//! travels further. [`explain`] tells the holder of a secret why a signature does not match; [`sign`] makes a genuine
//! request for tests, demos and samples; [`Acknowledgement`] is what each platform wants to hear.
//!
//! | scheme | what is signed | digest | timestamp signed |
//! |---|---|---|---|
//! | `open-platform` | secret ‖ body | hex SHA-1 | no: `Msg-Id` is the only replay protection |
//! | `life-spi` | secret, sorted query, body | hex SHA-256 | query `timestamp`, ms |
//! | `mini-app-push` | sorted(token, timestamp, nonce, message) | hex SHA-1 | query `timestamp`, s |
//! | `mini-app-encrypted` | sorted(token, timestamp, nonce, ciphertext) | hex SHA-1 | `TimeStamp`, s |
//! | `secured-payment` | sorted(token, timestamp, nonce, `msg`) | hex SHA-1 | `timestamp`, s |
//! | `trade-system` | timestamp, nonce, body, a line each | RSA PKCS#1 v1.5 SHA-256 | `Byte-Timestamp`, s |
//! | `live-push` | sorted `x-` headers ‖ body ‖ secret | base64 MD5 | `x-timestamp`, s or ms |
//! | `doudian` | `app_key` ‖ body ‖ secret | hex MD5 | no |
//! | `ocean-engine` | HMAC of the body | hex HMAC-SHA-256 | `timestamp` in the body, ms |
//! | `wecom-callback`, `wechat-push` | sorted(token, timestamp, nonce, sealed text) | hex SHA-1 | query `timestamp`, s |
//! | `feishu-events` | timestamp ‖ nonce ‖ key ‖ body | hex SHA-256 | `X-Lark-Request-Timestamp`, s |
//!
//! The last three are the channels' own callbacks: what becomes of people there comes back through the same door.

mod acknowledgement;
pub mod callback;
mod credentials;
mod digest;
mod doudian;
mod error;
mod explain;
mod feishu_events;
mod flat_xml;
mod formula;
mod life_spi;
mod live_push;
mod mini_app_encrypted;
mod mini_app_push;
pub mod mobile;
mod nested_xml;
mod ocean_engine;
mod open_platform;
mod received;
mod rsa_key;
mod secured_payment;
mod sign;
mod tencent_push;
#[cfg(test)]
mod tests;
mod trade_system;
mod verified;

pub use acknowledgement::{Acknowledgement, Refusal, deadline_ms};
pub use credentials::{Credentials, SecretVersion};
pub use error::VerifyError;
pub use explain::{Explanation, Hint, explain};
pub(crate) use flat_xml::FlatXml;
pub(crate) use nested_xml::Element as NestedXml;
pub use received::Received;
pub use sign::{SignError, Signed, ToSign, sign};
pub use verified::{Handshake, Verified};

use crate::source::SchemeName;
use crate::time::UnixMillis;

/// Proves that a callback is genuine.
///
/// # Errors
/// [`VerifyError`]: what is missing, malformed, stale or wrong; never the secret or the body.
pub fn verify<'a>(
    scheme: SchemeName,
    received: &'a Received<'a>,
    credentials: &Credentials<'_>,
    now: UnixMillis,
) -> Result<Verified<'a>, VerifyError> {
    match scheme {
        SchemeName::OpenPlatform => open_platform::verify(received, credentials),
        SchemeName::LifeSpi => life_spi::verify(received, credentials, now),
        SchemeName::MiniAppPush => mini_app_push::verify(received, credentials, now),
        SchemeName::MiniAppEncrypted => mini_app_encrypted::verify(received, credentials, now),
        SchemeName::SecuredPayment => secured_payment::verify(received, credentials, now),
        SchemeName::TradeSystem => trade_system::verify(received, credentials, now),
        SchemeName::LivePush => live_push::verify(received, credentials, now),
        SchemeName::Doudian => doudian::verify(received, credentials),
        SchemeName::OceanEngine => ocean_engine::verify(received, credentials, now),
        SchemeName::WecomCallback | SchemeName::WechatPush => {
            tencent_push::verify(scheme, received, credentials, now)
        }
        SchemeName::FeishuEvents => feishu_events::verify(received, credentials, now),
    }
}
