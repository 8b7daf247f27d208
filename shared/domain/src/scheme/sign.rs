//! Signing as the platforms do: for `sluice send`, the demo, the sample events and tests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SecureRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use secrecy::ExposeSecret as _;

use super::callback::{FeishuEvents, event_signature};
use super::mini_app_encrypted::Keys;
use super::{Credentials, Received, VerifyError, digest, doudian, life_spi, live_push, ocean_engine};
use super::{feishu_events, open_platform, rsa_key, tencent_push, trade_system};
use crate::source::SchemeName;
use crate::time::UnixMillis;

/// What is to be signed.
#[derive(Clone, Copy)]
pub struct ToSign<'a> {
    /// `POST`, or `GET` for a handshake.
    pub method: &'a str,
    /// Parameters besides those that the scheme adds.
    pub query: &'a [(String, String)],
    /// Headers besides those that the scheme adds: `Msg-Id`, `x-msg-type`, `x-roomid`, …
    pub headers: &'a [(String, String)],
    /// The message. `mini-app-encrypted` and the channels' schemes encrypt and wrap it, `secured-payment` wraps it as `msg`, `ocean-engine` sets
    /// its `timestamp`; the others send it as it is.
    pub body: &'a [u8],
    /// The time that is signed.
    pub now: UnixMillis,
    /// The nonce, where the scheme has one.
    pub nonce: &'a str,
    /// The random prefix of `mini-app-encrypted`.
    pub random: [u8; 32],
    /// Needed by `trade-system` only.
    pub rng: Option<&'a dyn SecureRandom>,
}

impl<'a> ToSign<'a> {
    /// A POST of `body` at `now`, with a fixed nonce and prefix.
    pub fn post(body: &'a [u8], now: UnixMillis) -> Self {
        Self {
            method: "POST",
            query: &[],
            headers: &[],
            body,
            now,
            nonce: "sluice-nonce",
            random: [7; 32],
            rng: None,
        }
    }
}

/// A signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// All headers besides `Host` and `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// All query parameters, not yet encoded.
    pub query: Vec<(String, String)>,
    /// The body to send.
    pub body: Vec<u8>,
}

/// Why nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The credentials don't fit the scheme, or the body is none of its kind.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// `trade-system` signs with a private key.
    #[error("`trade-system` signs with an RSA private key (PKCS#8, PEM) and needs a source of randomness")]
    PrivateKey,
    /// The message is too long, or no text where the scheme takes text only.
    #[error("body can not be signed")]
    Body,
}

/// Signs as the scheme's platform does. For `trade-system` the secret is a **private** key.
///
/// # Errors
/// [`SignError`].
pub fn sign(
    scheme: SchemeName,
    message: ToSign<'_>,
    credentials: &Credentials<'_>,
) -> Result<Signed, SignError> {
    let secret = credentials.current.expose_secret();
    let mut out = Signed {
        headers: message.headers.to_vec(),
        query: message.query.to_vec(),
        body: message.body.to_vec(),
    };
    if message.method != "GET" && out.header("content-type").is_none() {
        out.set_header("content-type", "application/json");
    }
    match scheme {
        SchemeName::OpenPlatform => {
            let signature = open_platform::expected(secret, &out.body, credentials.digest);
            out.set_header(open_platform::SIGNATURE, &hex::encode(signature));
        }
        SchemeName::LifeSpi => sign_life_spi(&mut out, message, secret, credentials.app_id),
        SchemeName::MiniAppPush => sign_push(&mut out, message, secret)?,
        SchemeName::MiniAppEncrypted => sign_encrypted(&mut out, message, secret, credentials.app_id)?,
        SchemeName::SecuredPayment => sign_payment(&mut out, message, secret)?,
        SchemeName::TradeSystem => sign_trade(&mut out, message, secret)?,
        SchemeName::LivePush => sign_live(&mut out, message, secret)?,
        SchemeName::Doudian => {
            let app_key = credentials.need_app_id()?;
            let signature = digest::md5(&[app_key.as_bytes(), &out.body, secret.as_bytes()]);
            out.set_header(doudian::APP_ID, app_key);
            out.set_header(doudian::SIGNATURE, &hex::encode(signature));
        }
        SchemeName::OceanEngine if message.method != "GET" => {
            out.body = ocean_engine::restamped(message.body, message.now);
            let signature = digest::hmac_sha256(secret.as_bytes(), &out.body);
            out.set_header(ocean_engine::SIGNATURE, &hex::encode(signature));
        }
        SchemeName::OceanEngine => {}
        SchemeName::WecomCallback | SchemeName::WechatPush => sign_tencent(&mut out, message, credentials)?,
        SchemeName::FeishuEvents => sign_feishu(&mut out, message, secret)?,
    }
    Ok(out)
}

impl Signed {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn set_header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn set_query(&mut self, name: &str, value: &str) {
        self.query.retain(|(key, _)| key != name);
        self.query.push((name.to_owned(), value.to_owned()));
    }

    /// The request as its receiver sees it.
    pub fn received<'a>(&'a self, method: &'a str) -> Received<'a> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let query = self.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Received::new(method, headers, &self.body).with_query(query)
    }
}

fn sign_life_spi(out: &mut Signed, message: ToSign<'_>, secret: &str, app_id: Option<&str>) {
    out.set_query("timestamp", &message.now.0.to_string());
    if let Some(app_id) = app_id {
        out.set_query("client_key", app_id);
        out.set_header("x-life-clientkey", app_id);
    }
    let text = life_spi::signed_text(&out.received(message.method));
    let signature = digest::sha256(&[secret.as_bytes(), text.as_slice()]);
    out.set_header(life_spi::SIGNATURE, &hex::encode(signature));
}

fn sign_push(out: &mut Signed, message: ToSign<'_>, token: &str) -> Result<(), SignError> {
    let timestamp = message.now.as_secs().to_string();
    out.set_query("timestamp", &timestamp);
    out.set_query("nonce", message.nonce);
    let signature = {
        let received = out.received(message.method);
        let text = super::mini_app_push::message(&received)?;
        hex::encode(digest::sha1_sorted([token, &timestamp, message.nonce, text]))
    };
    out.set_query("signature", &signature);
    Ok(())
}

fn sign_encrypted(
    out: &mut Signed,
    message: ToSign<'_>,
    secret: &str,
    app_id: Option<&str>,
) -> Result<(), SignError> {
    let keys = Keys::parse(secret)?;
    let encrypted =
        keys.seal(message.random, message.body, app_id.unwrap_or_default()).ok_or(SignError::Body)?;
    let timestamp = message.now.as_secs().to_string();
    let signature = digest::sha1_sorted([keys.token(), &timestamp, message.nonce, &encrypted]);
    let body = serde_json::json!({
        "Nonce": message.nonce, "TimeStamp": timestamp, "Encrypt": encrypted, "MsgSignature": hex::encode(signature),
    });
    out.body = body.to_string().into_bytes();
    Ok(())
}

/// A POST in XML, as both platforms send by default.
fn sign_tencent(
    out: &mut Signed,
    message: ToSign<'_>,
    credentials: &Credentials<'_>,
) -> Result<(), SignError> {
    let callback = tencent_push::callback(credentials.current.expose_secret(), credentials)?;
    let random = message.random.first_chunk().copied().unwrap_or_default();
    let sealed = callback.seal(message.body, random).map_err(|_| SignError::Body)?;
    let timestamp = message.now.as_secs().to_string();
    out.set_query("msg_signature", &callback.sign(&timestamp, message.nonce, &sealed));
    out.set_query("timestamp", &timestamp);
    out.set_query("nonce", message.nonce);
    if message.method == "GET" {
        out.set_query("echostr", &sealed);
        out.body.clear();
        return Ok(());
    }
    out.set_header("content-type", "text/xml");
    out.body = format!("<xml><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>").into_bytes();
    Ok(())
}

fn sign_feishu(out: &mut Signed, message: ToSign<'_>, secret: &str) -> Result<(), SignError> {
    let key = feishu_events::Secret::parse(secret)?.encrypt_key;
    let iv = message.random.first_chunk().copied().unwrap_or_default();
    let sealed = FeishuEvents::new(key.clone()).seal(message.body, iv).map_err(|_| SignError::Body)?;
    out.body = serde_json::json!({ "encrypt": sealed }).to_string().into_bytes();
    let timestamp = message.now.as_secs().to_string();
    let signature = event_signature(&timestamp, message.nonce, key.expose_secret(), &out.body);
    out.set_header(feishu_events::TIMESTAMP, &timestamp);
    out.set_header(feishu_events::NONCE, message.nonce);
    out.set_header(feishu_events::SIGNATURE, &signature);
    Ok(())
}

fn sign_payment(out: &mut Signed, message: ToSign<'_>, token: &str) -> Result<(), SignError> {
    let text = std::str::from_utf8(message.body).map_err(|_| SignError::Body)?;
    let timestamp = message.now.as_secs().to_string();
    let signature = digest::sha1_sorted([token, &timestamp, message.nonce, text]);
    let body = serde_json::json!({
        "timestamp": timestamp, "nonce": message.nonce, "msg": text, "type": "payment",
        "msg_signature": hex::encode(signature),
    });
    out.body = body.to_string().into_bytes();
    Ok(())
}

fn sign_trade(out: &mut Signed, message: ToSign<'_>, private_key: &str) -> Result<(), SignError> {
    let (Some(der), Some(rng)) = (rsa_key::der(private_key), message.rng) else {
        return Err(SignError::PrivateKey);
    };
    let key = RsaKeyPair::from_pkcs8(&der).map_err(|_| SignError::PrivateKey)?;
    let timestamp = message.now.as_secs().to_string();
    let signed = trade_system::signed_bytes(&timestamp, message.nonce, &out.body);
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, rng, &signed, &mut signature).map_err(|_| SignError::PrivateKey)?;
    out.set_header(trade_system::TIMESTAMP, &timestamp);
    out.set_header(trade_system::NONCE, message.nonce);
    out.set_header(trade_system::SIGNATURE, &STANDARD.encode(signature));
    Ok(())
}

fn sign_live(out: &mut Signed, message: ToSign<'_>, secret: &str) -> Result<(), SignError> {
    out.set_header("x-timestamp", &message.now.0.to_string());
    out.set_header("x-nonce-str", message.nonce);
    if out.header("x-msg-type").is_none() {
        out.set_header("x-msg-type", "live_comment");
    }
    let head = live_push::signed_head(&out.received(message.method))?;
    let signature = digest::md5(&[head.as_bytes(), &out.body, secret.as_bytes()]);
    out.set_header(live_push::SIGNATURE, &STANDARD.encode(signature));
    Ok(())
}
