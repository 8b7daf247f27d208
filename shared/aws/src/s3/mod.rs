//! S3, as far as Sluice uses it: an object is read, put under conditions, and a key's versions are listed.
//!
//! Signed by AWS's own `aws-sigv4`, over the connections of every other client. AWS's client of S3 was in each function for one
//! `GetObject`, and was a tenth of it (`docs/adr/0041-own-s3-and-http.md`).

mod address;
mod exchange;
mod listing;

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use bytes::Bytes;
use http::{Method, header};
use sha2::{Digest as _, Sha256};
use sluice_domain::time::UnixMillis;

use crate::answer::Refusal;
use crate::connection::{ConnectionParts, Http, Patience};
use crate::digests::LockMode;
use address::Addresses;
use exchange::{Answer, Call, refusal};
pub(crate) use listing::{Marker, Stored};

/// A client of S3. Cheap to clone.
#[derive(Clone)]
pub struct S3 {
    inner: Arc<Inner>,
}

struct Inner {
    http: Http,
    credentials: Credentials,
    region: String,
    agent: String,
    patience: Patience,
    addresses: Addresses,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("S3").field("addresses", &self.inner.addresses).finish_non_exhaustive()
    }
}

/// An object, or one version of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Get<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    /// The newest if none is named.
    pub(crate) version: Option<&'a str>,
    /// Not if it still has this entity tag.
    pub(crate) unless: Option<&'a str>,
    /// Only its bytes from the one to the other, both included.
    pub(crate) range: Option<(u64, u64)>,
    /// A longer one is not read.
    pub(crate) limit: usize,
}

/// What a read gave.
#[derive(Debug)]
pub(crate) enum Got {
    Object {
        bytes: Bytes,
        tag: Option<String>,
    },
    /// It still has the tag.
    Same,
    /// It is longer than the limit.
    TooLong,
}

/// On which condition an object is put.
#[derive(Debug, Clone, Copy)]
pub(crate) enum When<'a> {
    Always,
    /// There is none of this key.
    Absent,
    /// The one of this key has this entity tag.
    Unchanged(&'a str),
}

/// An object to be stored, with the checksum that S3 compares and keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Put<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) bytes: &'a [u8],
    pub(crate) when: When<'a>,
    /// How it is locked, and until when.
    pub(crate) lock: Option<(LockMode, UnixMillis)>,
}

impl S3 {
    pub(crate) fn new(
        http: Http,
        credentials: Credentials,
        parts: &ConnectionParts,
        endpoint: Option<&str>,
    ) -> Self {
        let name = parts.app_name.as_ref().map(|name| format!(" app/{name}")).unwrap_or_default();
        let inner = Inner {
            http,
            credentials,
            region: parts.region.clone(),
            agent: format!("sluice/{}{name}", env!("CARGO_PKG_VERSION")),
            patience: parts.patience,
            addresses: Addresses::of(&parts.region, endpoint),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Reads an object.
    pub(crate) async fn get(&self, get: Get<'_>) -> Result<Got, Refusal> {
        let mut call = Call::new(Method::GET, get.bucket, get.key);
        call.limit = get.limit;
        if let Some(version) = get.version {
            call.query.push(("versionId", version));
        }
        if let Some(tag) = get.unless {
            call.headers.push((header::IF_NONE_MATCH.as_str(), tag.to_owned()));
        }
        if let Some((first, last)) = get.range {
            call.headers.push((header::RANGE.as_str(), format!("bytes={first}-{last}")));
        }
        match self.inner.exchange(&call).await? {
            Answer::TooLong => Ok(Got::TooLong),
            Answer::Whole { status, .. } if status.as_u16() == 304 => Ok(Got::Same),
            Answer::Whole { status, headers, bytes } if status.is_success() => {
                let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
                Ok(Got::Object { bytes, tag })
            }
            Answer::Whole { status, bytes, .. } => Err(refusal(status, &bytes)),
        }
    }

    /// Stores an object.
    pub(crate) async fn put(&self, put: Put<'_>) -> Result<(), Refusal> {
        let mut call = Call::new(Method::PUT, put.bucket, put.key);
        call.body = put.bytes;
        call.headers.push((header::CONTENT_TYPE.as_str(), put.content_type.to_owned()));
        call.headers.push(("x-amz-checksum-sha256", sha256(put.bytes)));
        match put.when {
            When::Always => {}
            When::Absent => call.headers.push((header::IF_NONE_MATCH.as_str(), "*".to_owned())),
            When::Unchanged(tag) => call.headers.push((header::IF_MATCH.as_str(), tag.to_owned())),
        }
        if let Some((mode, until)) = put.lock {
            let until = DateTime::from_secs(until.as_secs()).fmt(Format::DateTime);
            let until = until.map_err(|_| Refusal::Code("the end of a lock is no date".to_owned()))?;
            call.headers.push(("x-amz-object-lock-mode", mode.to_string()));
            call.headers.push(("x-amz-object-lock-retain-until-date", until));
        }
        match self.inner.exchange(&call).await? {
            Answer::Whole { status, .. } if status.is_success() => Ok(()),
            Answer::Whole { status, bytes, .. } => Err(refusal(status, &bytes)),
            Answer::TooLong => Err(Refusal::NoAnswer("answer is longer than any of S3's".to_owned())),
        }
    }

    /// A page of the versions of the keys with a prefix, newest first of each key.
    pub(crate) async fn versions(
        &self,
        bucket: &str,
        prefix: &str,
        after: &Marker,
    ) -> Result<(Vec<Stored>, Option<Marker>), Refusal> {
        let mut call = Call::new(Method::GET, bucket, "");
        call.query.push(("versions", ""));
        call.query.push(("prefix", prefix));
        if let Some(key) = &after.key {
            call.query.push(("key-marker", key));
        }
        if let Some(version) = &after.version {
            call.query.push(("version-id-marker", version));
        }
        match self.inner.exchange(&call).await? {
            Answer::Whole { status, bytes, .. } if status.is_success() => listing::read(&bytes)
                .ok_or_else(|| Refusal::NoAnswer("answer was cut off or is malformed".to_owned())),
            Answer::Whole { status, bytes, .. } => Err(refusal(status, &bytes)),
            Answer::TooLong => Err(Refusal::NoAnswer("answer is longer than any of S3's".to_owned())),
        }
    }
}

/// The checksum that S3 compares and keeps.
fn sha256(bytes: &[u8]) -> String {
    aws_smithy_types::base64::encode(Sha256::digest(bytes))
}
