//! Every signing formula that is in use somewhere, for telling which one a wrong signature was made with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::digest::{hmac_sha1, hmac_sha256, md5, sha1, sha256};

/// From secret, application id and body to the digest.
type Compute = fn(&[u8], &[u8], &[u8]) -> Vec<u8>;

/// A formula over secret, application id and body.
pub(super) struct Formula {
    pub(super) name: &'static str,
    pub(super) compute: Compute,
}

/// Every formula that is compared.
pub(super) const ALL: [Formula; 11] = [
    Formula { name: "SHA-1(secret ‖ body)", compute: |secret, _, body| sha1(&[secret, body]) },
    Formula { name: "SHA-256(secret ‖ body)", compute: |secret, _, body| sha256(&[secret, body]) },
    Formula { name: "HMAC-SHA256(secret, body)", compute: |secret, _, body| hmac_sha256(secret, body) },
    Formula { name: "HMAC-SHA1(secret, body)", compute: |secret, _, body| hmac_sha1(secret, body) },
    Formula { name: "SHA-1(body ‖ secret)", compute: |secret, _, body| sha1(&[body, secret]) },
    Formula { name: "SHA-256(body ‖ secret)", compute: |secret, _, body| sha256(&[body, secret]) },
    Formula {
        name: "MD5(app id ‖ body ‖ secret)", compute: |secret, app, body| md5(&[app, body, secret])
    },
    Formula {
        name: "SHA-1(app id ‖ body ‖ secret)",
        compute: |secret, app, body| sha1(&[app, body, secret]),
    },
    Formula { name: "MD5(secret ‖ body)", compute: |secret, _, body| md5(&[secret, body]) },
    Formula { name: "MD5(body ‖ secret)", compute: |secret, _, body| md5(&[body, secret]) },
    Formula { name: "SHA-1(body)", compute: |_, _, body| sha1(&[body]) },
];

/// Is `received` the digest, in hex or base64?
pub(super) fn is(received: &str, digest: &[u8]) -> bool {
    received.eq_ignore_ascii_case(&hex::encode(digest)) || received == STANDARD.encode(digest)
}

/// What middleware and tools commonly do to a body, with the words for it.
pub(super) fn altered_bodies(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut out = vec![("a line feed was cut off its end", [body, b"\n"].concat())];
    if let Some(cut) = body.strip_suffix(b"\n") {
        let cut = cut.strip_suffix(b"\r").unwrap_or(cut);
        out.push(("a line feed was added at its end", cut.to_vec()));
    }
    if let Some(cut) = body.strip_prefix(b"\xef\xbb\xbf") {
        out.push(("a byte order mark was put before it", cut.to_vec()));
    }
    out.push(("white space was added around it", body.trim_ascii().to_vec()));
    let no_white: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    out.push(("the signer hashed it without its white space", no_white));
    if let Ok(text) = std::str::from_utf8(body) {
        out.push(("line ends were changed from CR LF to LF", text.replace('\n', "\r\n").into_bytes()));
        out.push(("line ends were changed from LF to CR LF", text.replace("\r\n", "\n").into_bytes()));
        if let Ok(value) = serde_json::from_str::<serde_json::Value>(text) {
            out.push(("the signer hashed it parsed and serialised again", value.to_string().into_bytes()));
        }
        out.push(("its slashes are no longer escaped", text.replace('/', "\\/").into_bytes()));
    }
    if let Ok(decoded) = STANDARD.decode(body) {
        out.push(("it is still in the gateway's base64", decoded));
    }
    out.retain(|(_, altered)| altered != body);
    out
}
