//! The configuration: a directory (the layer at `/opt`), or a bucket from which functions take a new version while they are warm.
//!
//! In a bucket, `<prefix>/current` is a small JSON pointer, `{"version": "2026-11-21a", "files": {"sluice.yaml": "<sha256>", …}}`, and the
//! files are objects `<prefix>/versions/<version>/<file>`, which never change. Publishing puts the files first and the
//! pointer last; going back is putting the old pointer. A file that does not have the pointer's hash is not used.
//!
//! Once a minute a warm function asks for the pointer with its entity tag: "not modified" is the whole answer mostly. A version that can
//! not be read or is not good leaves the last good one in force, and is told and counted at every look until it is mended; a cold function
//! without a good version does not start, so nothing passes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sluice_domain::failure::FailureKind;
use sluice_domain::settings::Settings;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, PortError};
use sluice_settings::{Bundle, Care, CurrentSettings, LastGood, LoadError};
use sluice_telemetry::{Metrics, Signal};

use crate::answer::Refusal;
use crate::reports::{refused, sha256};

const WHAT: &str = "configuration";
/// How often a warm function looks for a new version: one `GetObject` a minute and process.
const LOOK_EVERY_MS: i64 = 60_000;
/// A pointer with 64 names is below 16 KiB.
const LARGEST_POINTER: i64 = 64 * 1024;
const MOST_FILES: usize = 64;
/// As a directory's files may have.
const LARGEST_FILE: i64 = 4 * 1024 * 1024;
/// All files together: a function with 256 MB must load them beside the ones in force.
const LARGEST_TOTAL: usize = 16 * 1024 * 1024;

/// Why there is no configuration, or no newer one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The address is none.
    #[error("configuration address `{0}` must be a directory or s3://bucket/prefix")]
    Address(String),
    /// The bucket did not give it.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The pointer or a file is not what it must be.
    #[error("configuration version can not be used: {0}")]
    Unfit(String),
    /// The files are not a good configuration.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl SettingsError {
    /// What helps.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Port(error) => error.kind(),
            Self::Address(_) | Self::Unfit(_) => FailureKind::Configuration,
            Self::Load(error) => error.kind(),
        }
    }
}

/// A look for a newer configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Look {
    /// It was not time yet, or there is nothing newer.
    Unchanged,
    /// A newer one is in force.
    Changed,
    /// The newer one, or the bucket, is not usable: the last good one stays. It is counted, and an alarm hangs on that.
    Failed(SettingsError),
}

/// The configuration in force. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SettingsSource {
    inner: Arc<Source>,
}

struct Source {
    good: LastGood,
    bucket: Option<Bucket>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    seen: Mutex<Seen>,
    /// Held by whoever looks; the others go on with what there is.
    looking: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SettingsSource").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

struct Seen {
    at: UnixMillis,
    /// The entity tag of the pointer whose version was tried last and did not fail for a passing reason.
    tag: Option<String>,
    /// Why that version is not in force.
    failure: Option<SettingsError>,
}

/// A place in a bucket.
#[derive(Debug, Clone)]
struct Bucket {
    client: Client,
    name: String,
    /// Without a slash at the end; may be empty.
    prefix: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pointer {
    version: String,
    /// Lower-case hex SHA-256 by file name.
    files: BTreeMap<String, String>,
}

impl SettingsSource {
    /// Loads the configuration of `SLUICE_CONFIG`: a directory, or `s3://bucket/prefix`, for which `s3` is called.
    ///
    /// # Errors
    /// [`SettingsError`] when there is no good one.
    pub async fn open(
        address: &str,
        s3: impl FnOnce() -> Client,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, SettingsError> {
        let (good, bucket, tag) = if address.starts_with("s3://") {
            let bucket = Bucket::at(address, s3())?;
            let (pointer, tag) =
                bucket.pointer(None, clock.now()).await?.ok_or_else(|| unfit("no pointer"))?;
            let bundle = bucket.bundle(&pointer, clock.now()).await?;
            (LastGood::of(bundle, Care::Published)?, Some(bucket), tag)
        } else if address.is_empty() {
            return Err(SettingsError::Address(address.to_owned()));
        } else {
            (LastGood::of(Bundle::read(Path::new(address)), Care::Published)?, None, None)
        };
        let seen = Mutex::new(Seen { at: clock.now(), tag, failure: None });
        let looking = tokio::sync::Mutex::default();
        Ok(Self { inner: Arc::new(Source { good, bucket, clock, metrics, seen, looking }) })
    }

    /// Looks for a newer version, at most once a minute: to be called before an invocation is handled. Only configurations in a bucket change.
    pub async fn refresh(&self) -> Look {
        let source = &self.inner;
        let Some(bucket) = &source.bucket else { return Look::Unchanged };
        let now = source.clock.now();
        let Ok(_looking) = source.looking.try_lock() else { return Look::Unchanged };
        let tag = {
            let mut seen = source.seen();
            if (0..LOOK_EVERY_MS).contains(&now.since(seen.at)) {
                return Look::Unchanged;
            }
            seen.at = now;
            seen.tag.clone()
        };
        // Boxed: the happy path makes no call.
        match Box::pin(source.look(bucket, tag, now)).await {
            Ok(look) => look,
            Err(error) => {
                source.metrics.count(Signal::SettingsReloadFailure);
                tracing::error!("the last good configuration stays in force: {error}");
                Look::Failed(error)
            }
        }
    }
}

impl CurrentSettings for SettingsSource {
    fn current(&self) -> Arc<Settings> {
        self.inner.good.current()
    }
}

impl Source {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look(
        &self,
        bucket: &Bucket,
        tag: Option<String>,
        now: UnixMillis,
    ) -> Result<Look, SettingsError> {
        let Some((pointer, tag)) = bucket.pointer(tag, now).await? else {
            // The same pointer as at the last look: a version that was bad then is bad now.
            return self.seen().failure.clone().map_or(Ok(Look::Unchanged), Err);
        };
        let offered = match bucket.bundle(&pointer, now).await {
            Ok(bundle) => self.good.offer(bundle).map_err(SettingsError::from),
            // Not a word about the version: it is tried again at the next look.
            Err(error) if !matches!(error.kind(), FailureKind::Configuration) => return Err(error),
            Err(error) => Err(error),
        };
        let mut seen = self.seen();
        seen.tag = tag;
        seen.failure = offered.as_ref().err().cloned();
        if offered? {
            tracing::info!(
                version = pointer.version,
                "configuration version {} is in force",
                pointer.version
            );
            return Ok(Look::Changed);
        }
        Ok(Look::Unchanged)
    }
}

impl Bucket {
    fn at(address: &str, client: Client) -> Result<Self, SettingsError> {
        let refused = || SettingsError::Address(address.to_owned());
        let rest = address.strip_prefix("s3://").ok_or_else(refused)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(refused());
        }
        Ok(Self { client, name: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() })
    }

    fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }

    fn file_key(&self, version: &str, file: &str) -> String {
        self.key(&format!("versions/{version}/{file}"))
    }

    fn error(&self, refusal: &Refusal, now: UnixMillis) -> PortError {
        let to_do = format!(
            "`s3://{}` must hold a published configuration (`sluice-aws config publish`), and the role needs GetObject on it and its KMS key",
            self.key_of_bucket()
        );
        refused(refusal, WHAT, now, &to_do)
    }

    fn key_of_bucket(&self) -> String {
        format!("{}/{}", self.name, self.prefix)
    }

    /// The pointer and its entity tag; `None` when it still has the tag given.
    async fn pointer(
        &self,
        tag: Option<String>,
        now: UnixMillis,
    ) -> Result<Option<(Pointer, Option<String>)>, SettingsError> {
        let get = self.client.get_object().bucket(&self.name).key(self.key("current"));
        let object = match get.set_if_none_match(tag).send().await {
            Ok(object) => object,
            Err(error) if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 304) => {
                return Ok(None);
            }
            Err(error) => return Err(self.error(&Refusal::of(&error), now).into()),
        };
        let tag = object.e_tag().map(str::to_owned);
        let bytes = body(object.content_length(), LARGEST_POINTER, "current", object.body).await?;
        let pointer: Pointer = serde_json::from_slice(&bytes).map_err(|error| {
            unfit(format!("`current` is no pointer at line {} column {}", error.line(), error.column()))
        })?;
        pointer.check()?;
        Ok(Some((pointer, tag)))
    }

    /// The files that a pointer names.
    async fn bundle(&self, pointer: &Pointer, now: UnixMillis) -> Result<Bundle, SettingsError> {
        let files = try_join_all(pointer.files.iter().map(|(name, sha256)| async move {
            let get = self.client.get_object().bucket(&self.name).key(self.file_key(&pointer.version, name));
            let object = get.send().await.map_err(|error| self.error(&Refusal::of(&error), now))?;
            let bytes = body(object.content_length(), LARGEST_FILE, name, object.body).await?;
            if hex::encode(Sha256::digest(&bytes)) != *sha256 {
                return Err(unfit(format!("`{name}` is not the file that was published")));
            }
            Ok((name.clone(), bytes))
        }))
        .await?;
        let total: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
        if total > LARGEST_TOTAL {
            return Err(unfit(format!("the files have {total} bytes, at most {LARGEST_TOTAL} are taken")));
        }
        Ok(files.into_iter().collect())
    }
}

impl Pointer {
    fn check(&self) -> Result<(), SettingsError> {
        let plain = |text: &str| {
            (1..=128).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        if !plain(&self.version) {
            return Err(unfit("the version must be 1 to 128 of [A-Za-z0-9._-]"));
        }
        if self.files.len() > MOST_FILES {
            return Err(unfit(format!(
                "it names {} files, at most {MOST_FILES} are taken",
                self.files.len()
            )));
        }
        let named = |name: &str| {
            let file = name.strip_prefix("rules/").or_else(|| name.strip_prefix("lexicons/")).unwrap_or(name);
            plain(file) && Path::new(file).extension().is_some_and(|ending| ending == "yaml")
        };
        match self.files.keys().find(|name| !named(name)) {
            None => Ok(()),
            Some(_) => Err(unfit("it names a file that is no .yaml of the top, rules/ or lexicons/")),
        }
    }
}

/// Publishes a directory's configuration as a new version and makes it the current one. Nothing is published that would not load.
///
/// # Errors
/// [`SettingsError`]; with [`SettingsError::Unfit`] when somebody else published at the same time.
pub async fn publish(
    dir: &Path,
    address: &str,
    version: &str,
    client: Client,
    now: UnixMillis,
) -> Result<(), SettingsError> {
    let bucket = Bucket::at(address, client)?;
    let bundle = Bundle::read(dir);
    sluice_settings::load_bundle(&bundle)?;
    let files =
        bundle.files().map(|(name, bytes)| (name.to_owned(), hex::encode(Sha256::digest(bytes)))).collect();
    let pointer = Pointer { version: version.to_owned(), files };
    pointer.check()?;
    let tag = match bucket.pointer(None, now).await {
        Ok(found) => found.and_then(|(_, tag)| tag),
        // The first one; without ListBucket S3 says "access denied" of what is not there.
        Err(SettingsError::Port(PortError::Missing { .. })) => None,
        Err(error) => return Err(error),
    };
    for (name, bytes) in bundle.files() {
        let put = bucket.client.put_object().bucket(&bucket.name).key(bucket.file_key(version, name));
        let put = put.if_none_match("*").content_type("application/yaml").checksum_sha256(sha256(bytes));
        match put.body(ByteStream::from(bytes.to_vec())).send().await.map_err(|error| Refusal::of(&error)) {
            Ok(_) => {}
            // A run that broke off; the pointer's hash tells whether it is the same file.
            Err(Refusal::Code(code)) if code == "PreconditionFailed" => {}
            Err(refusal) => return Err(bucket.error(&refusal, now).into()),
        }
    }
    // What is there under this version must be what the pointer will promise.
    let _same = bucket.bundle(&pointer, now).await?;
    let bytes = serde_json::to_vec(&pointer).map_err(|error| unfit(error.to_string()))?;
    let put = bucket.client.put_object().bucket(&bucket.name).key(bucket.key("current"));
    let put = match tag {
        Some(tag) => put.if_match(tag),
        None => put.if_none_match("*"),
    };
    let put =
        put.content_type("application/json").checksum_sha256(sha256(&bytes)).body(ByteStream::from(bytes));
    match put.send().await.map_err(|error| Refusal::of(&error)) {
        Ok(_) => Ok(()),
        Err(Refusal::Code(code)) if code == "PreconditionFailed" => {
            Err(unfit("somebody else published meanwhile: look at theirs, then publish again"))
        }
        Err(refusal) => Err(bucket.error(&refusal, now).into()),
    }
}

async fn body(
    length: Option<i64>,
    limit: i64,
    name: &str,
    body: ByteStream,
) -> Result<Vec<u8>, SettingsError> {
    if length.is_none_or(|length| length > limit) {
        return Err(unfit(format!("`{name}` must be at most {limit} bytes")));
    }
    let cut = |_| PortError::Unavailable { what: WHAT, cause: "answer was cut off".to_owned() };
    Ok(body.collect().await.map_err(cut)?.to_vec())
}

fn unfit(cause: impl Into<String>) -> SettingsError {
    SettingsError::Unfit(cause.into())
}
