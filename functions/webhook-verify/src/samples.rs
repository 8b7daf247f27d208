//! The sample events of `events/webhook-verify`, and how they are signed.
//!
//! `samples.json` lists them; `bodies/` holds the raw messages, byte for byte; beside it lies one API Gateway event for each,
//! which [`Manifest::write`] signs again. All secrets in it are made up. The demo and the tests use the same bodies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use sluice_domain::event::EventKind;
use sluice_domain::id::SourceId;
use sluice_domain::scheme::{Credentials, SignError, Signed, ToSign, sign};
use sluice_domain::source::{SchemeName, Source};
use sluice_domain::time::UnixMillis;

/// The list of samples.
#[derive(Debug, Deserialize)]
pub struct Manifest {
    /// The tenant they belong to.
    pub tenant: String,
    /// When they are signed, so that writing them again gives the same bytes.
    pub signed_at_ms: UnixMillis,
    /// The sources, with their secrets.
    pub sources: Vec<SampleSource>,
    /// The samples.
    pub samples: Vec<Sample>,
    /// Where the list lies.
    #[serde(skip)]
    dir: PathBuf,
}

/// A source that exists for samples only.
#[derive(Debug, Deserialize)]
pub struct SampleSource {
    /// Its name in the path.
    pub id: SourceId,
    /// How it signs.
    pub scheme: SchemeName,
    /// The application's public key or id.
    pub app_id: Option<String>,
    /// What it is checked with, and, but for `signing_key_file`, signed with.
    secret: Option<SecretString>,
    secret_file: Option<PathBuf>,
    signing_key_file: Option<PathBuf>,
}

/// One sample.
#[derive(Debug, Deserialize)]
pub struct Sample {
    /// The name of its event's file, without `.json`.
    pub name: String,
    /// The source in its path.
    pub source: String,
    /// The method.
    #[serde(default = "post")]
    pub method: String,
    /// The file of its message in `bodies/`.
    pub body: Option<String>,
    /// Headers besides those of the signature.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Query parameters besides those of the signature.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Does the gateway hand the body over in base64?
    #[serde(default)]
    pub base64: bool,
    /// Is it signed with another secret?
    #[serde(default)]
    pub forge: bool,
    /// What it shows.
    pub description: String,
    /// What becomes of it.
    pub expect: Expectation,
}

fn post() -> String {
    "POST".to_owned()
}

/// What becomes of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Expectation {
    /// The answer's HTTP status.
    pub status: u16,
    /// The kinds of the queued events, in order.
    #[serde(default)]
    pub kinds: Vec<EventKind>,
    /// Is it a handshake?
    #[serde(default)]
    pub handshake: bool,
    /// The code of the refusal.
    #[serde(default)]
    pub code: Option<String>,
}

/// Why the samples can't be read, signed or written.
#[derive(Debug, thiserror::Error)]
pub enum SamplesError {
    /// A file can't be read or written.
    #[error("`{}`: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The list is malformed.
    #[error("`samples.json` is malformed: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A sample can't be signed.
    #[error("sample `{name}` can not be signed: {cause}")]
    Unsigned {
        /// Which.
        name: String,
        /// Why.
        cause: SignError,
    },
    /// A source has no secret.
    #[error("source `{0}` has neither `secret` nor `secret_file`")]
    NoSecret(String),
}

impl Manifest {
    /// Reads `samples.json` of a directory.
    ///
    /// # Errors
    /// [`SamplesError`].
    pub fn load(dir: &Path) -> Result<Self, SamplesError> {
        let mut manifest: Self = serde_json::from_slice(&read(&dir.join("samples.json"))?)?;
        dir.clone_into(&mut manifest.dir);
        Ok(manifest)
    }

    /// The source as it would be configured; the secret's name is the source's.
    pub fn source(&self, sample: &SampleSource) -> Source {
        Source {
            id: sample.id.clone(),
            scheme: sample.scheme,
            secret: sample.id.to_string(),
            app_id: sample.app_id.clone(),
            digest: sluice_domain::source::Digest::Sha1,
            freshness_seconds: 300,
            recipient: None,
            events: BTreeMap::new(),
            welcome: None,
        }
    }

    /// What the source's callbacks are checked with.
    ///
    /// # Errors
    /// [`SamplesError`].
    pub fn secret(&self, source: &SampleSource) -> Result<SecretString, SamplesError> {
        self.secret_of(source, source.secret_file.as_deref())
    }

    /// The raw message of a sample, as it stands in `bodies/`.
    ///
    /// # Errors
    /// [`SamplesError::File`].
    pub fn body(&self, sample: &Sample) -> Result<Vec<u8>, SamplesError> {
        let file = sample.body.as_ref().map(|file| self.dir.join("bodies").join(file));
        file.map_or(Ok(Vec::new()), |file| read(&file))
    }

    /// Signs a sample as its source's platform does. One of no known source is not signed.
    ///
    /// # Errors
    /// [`SamplesError`].
    pub fn signed(&self, sample: &Sample) -> Result<Signed, SamplesError> {
        self.signed_with_body(sample, &self.body(sample)?)
    }

    /// Signs another message as if it were the sample's.
    ///
    /// # Errors
    /// [`SamplesError`].
    pub fn signed_with_body(&self, sample: &Sample, body: &[u8]) -> Result<Signed, SamplesError> {
        let query: Vec<_> = sample.query.clone().into_iter().collect();
        let headers: Vec<_> = sample.headers.clone().into_iter().collect();
        let Some(source) = self.sources.iter().find(|source| source.id.as_str() == sample.source) else {
            return Ok(Signed { headers, query, body: body.to_vec() });
        };
        let mut secret =
            self.secret_of(source, source.signing_key_file.as_deref().or(source.secret_file.as_deref()))?;
        if sample.forge {
            secret = SecretString::from(format!("not {}", secret.expose_secret()));
        }
        let credentials = Credentials { app_id: source.app_id.as_deref(), ..Credentials::of_secret(&secret) };
        let rng = ring::rand::SystemRandom::new();
        let message = ToSign {
            method: &sample.method,
            query: &query,
            headers: &headers,
            rng: Some(&rng),
            ..ToSign::post(body, self.signed_at_ms)
        };
        sign(source.scheme, message, &credentials)
            .map_err(|cause| SamplesError::Unsigned { name: sample.name.clone(), cause })
    }

    /// The API Gateway event (HTTP API, payload format 2.0) of a sample.
    ///
    /// # Errors
    /// [`SamplesError`].
    pub fn event(&self, sample: &Sample) -> Result<Value, SamplesError> {
        let signed = self.signed(sample)?;
        Ok(gateway_event(&sample.source, &sample.method, &signed, sample.base64, self.signed_at_ms))
    }

    /// The file of a sample's event.
    pub fn file(&self, sample: &Sample) -> PathBuf {
        self.dir.join(format!("{}.json", sample.name))
    }

    /// Signs every sample again and writes its event; says how many files changed.
    ///
    /// # Errors
    /// [`SamplesError`].
    pub fn write(&self) -> Result<usize, SamplesError> {
        let mut changed = 0;
        for sample in &self.samples {
            let mut text = serde_json::to_string_pretty(&self.event(sample)?)?;
            text.push('\n');
            let path = self.file(sample);
            if std::fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
                continue;
            }
            std::fs::write(&path, text).map_err(|cause| SamplesError::File { path, cause })?;
            changed += 1;
        }
        Ok(changed)
    }

    fn secret_of(&self, source: &SampleSource, file: Option<&Path>) -> Result<SecretString, SamplesError> {
        if let Some(file) = file {
            let text = read(&self.dir.join(file))?;
            return Ok(SecretString::from(String::from_utf8_lossy(&text).into_owned()));
        }
        source.secret.clone().ok_or_else(|| SamplesError::NoSecret(source.id.to_string()))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, SamplesError> {
    std::fs::read(path).map_err(|cause| SamplesError::File { path: path.to_owned(), cause })
}

/// Wraps a signed request in an API Gateway event.
///
/// Gateways hand over text as it is and everything else in base64; `base64` asks for the latter, which a body that is no UTF-8
/// gets in any case.
pub fn gateway_event(source: &str, method: &str, signed: &Signed, base64: bool, at: UnixMillis) -> Value {
    let path = format!("/callbacks/{source}");
    // HTTP APIs hand header names over in lower case.
    let headers: BTreeMap<_, _> =
        signed.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let pairs = signed.query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    let query = pairs.collect::<Vec<_>>().join("&");
    let text = std::str::from_utf8(&signed.body).ok().filter(|_| !base64);
    let body = text.map_or_else(|| STANDARD.encode(&signed.body), str::to_owned);
    let parameters: BTreeMap<_, _> = signed.query.iter().cloned().collect();
    let mut event = json!({
        "version": "2.0",
        "routeKey": format!("{method} /callbacks/{{source}}"),
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "pathParameters": { "source": source },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "sample",
            "domainName": "sample.execute-api.localhost",
            "domainPrefix": "sample",
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "sample",
            },
            "requestId": "sample",
            "routeKey": format!("{method} /callbacks/{{source}}"),
            "stage": "$default",
            "time": at.to_string(),
            "timeEpoch": at.0,
        },
        "isBase64Encoded": text.is_none(),
    });
    if let Value::Object(fields) = &mut event {
        if !parameters.is_empty() {
            fields.insert("queryStringParameters".to_owned(), json!(parameters));
        }
        if method != "GET" {
            fields.insert("body".to_owned(), Value::String(body));
        }
    }
    event
}

/// Percent-encoding of everything but unreserved characters (RFC 3986 §2.3).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    out
}
