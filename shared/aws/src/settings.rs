//! The configuration: a directory with a compiled file (the layer at `/opt`), or a bucket from which functions take a new version while
//! they are warm.
//!
//! What a function loads is one file, [`COMPILED_FILE`], made of the YAML files by `sluice config compile` or by publishing; see
//! [`sluice_settings::compile`].
//!
//! In a bucket, `<prefix>/current` is a small JSON pointer, `{"version": "2026-11-21a", "files": {"settings.json": "<sha256>", …}}`, and the
//! files are objects `<prefix>/versions/<version>/<file>`, which never change: the compiled one, and those that it was made of. Publishing puts
//! the files first and the pointer last; going back is putting the old pointer. A file that does not have the pointer's hash is not used.
//!
//! Once a minute a warm function asks for the pointer with its entity tag: "not modified" is the whole answer mostly. A version that can
//! not be read or is not good leaves the last good one in force, and is told and counted at every look until it is mended; a cold function
//! without a good version does not start, so nothing passes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sluice_domain::failure::FailureKind;
use sluice_domain::settings::Settings;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, PortError};
use sluice_settings::{Bundle, COMPILED_FILE, CurrentSettings, LoadError, load_compiled};
use sluice_telemetry::{Metrics, Signal};

use crate::answer::Refusal;
use crate::reports::refused;
use crate::s3::{Get, Got, Put, S3, When};

const WHAT: &str = "configuration";
/// How often a warm function looks for a new version: one `GetObject` a minute and process.
const LOOK_EVERY_MS: i64 = 60_000;
/// A pointer with 64 names is below 16 KiB.
const LARGEST_POINTER: usize = 64 * 1024;
const MOST_FILES: usize = 64;
/// A function with 256 MB must load it beside the one in force.
const LARGEST_FILE: usize = 16 * 1024 * 1024;

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
    good: RwLock<Arc<Settings>>,
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
    /// The hash of the file that was loaded last, good or bad: the same file gives the same settings.
    loaded: Option<String>,
}

/// A place in a bucket.
#[derive(Debug, Clone)]
struct Bucket {
    client: S3,
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
    /// Loads the configuration of `SLUICE_CONFIG`: a directory with a compiled file, or `s3://bucket/prefix`, for which `s3` is called.
    ///
    /// # Errors
    /// [`SettingsError`] when there is no good one.
    pub async fn open(
        address: &str,
        s3: impl FnOnce() -> S3,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, SettingsError> {
        let (bytes, bucket, tag, loaded) = if address.starts_with("s3://") {
            let bucket = Bucket::at(address, s3())?;
            let (pointer, tag) =
                bucket.pointer(None, clock.now()).await?.ok_or_else(|| unfit("no pointer"))?;
            let sha256 = pointer.compiled()?;
            let bytes = bucket.file(&pointer, COMPILED_FILE, sha256, clock.now()).await?;
            (bytes, Some(bucket), tag, Some(sha256.to_owned()))
        } else if address.is_empty() {
            return Err(SettingsError::Address(address.to_owned()));
        } else {
            (read(Path::new(address))?, None, None, None)
        };
        let good = RwLock::new(Arc::new(load_compiled(&bytes)?));
        let seen = Mutex::new(Seen { at: clock.now(), tag, failure: None, loaded });
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
        Arc::clone(&self.inner.good.read().unwrap_or_else(PoisonError::into_inner))
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
        let offered = match self.offered(bucket, &pointer, now).await {
            // Not a word about the version: it is tried again at the next look.
            Err(error) if !matches!(error.kind(), FailureKind::Configuration) => return Err(error),
            offered => offered,
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

    /// Loads the file of a version, unless it is the one that was loaded last; says whether another configuration is in force.
    async fn offered(
        &self,
        bucket: &Bucket,
        pointer: &Pointer,
        now: UnixMillis,
    ) -> Result<bool, SettingsError> {
        let sha256 = pointer.compiled()?;
        {
            let seen = self.seen();
            if seen.failure.is_none() && seen.loaded.as_deref() == Some(sha256) {
                return Ok(false);
            }
        }
        let bytes = bucket.file(pointer, COMPILED_FILE, sha256, now).await?;
        let settings = Arc::new(load_compiled(&bytes)?);
        *self.good.write().unwrap_or_else(PoisonError::into_inner) = settings;
        self.seen().loaded = Some(sha256.to_owned());
        Ok(true)
    }
}

/// The compiled file of a directory.
fn read(directory: &Path) -> Result<Bytes, SettingsError> {
    let path = directory.join(COMPILED_FILE);
    let bytes = std::fs::read(&path).map_err(|error| {
        unfit(format!(
            "`{}`: {}; make it with `sluice config compile`, which `sam build` does for the layer",
            path.display(),
            error.kind()
        ))
    })?;
    Ok(bytes.into())
}

impl Bucket {
    fn at(address: &str, client: S3) -> Result<Self, SettingsError> {
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
        let key = self.key("current");
        let get = Get {
            bucket: &self.name,
            key: &key,
            version: None,
            unless: tag.as_deref(),
            limit: LARGEST_POINTER,
        };
        let (bytes, tag) = match self.client.get(get).await {
            Ok(Got::Object { bytes, tag }) => (bytes, tag),
            Ok(Got::Same) => return Ok(None),
            Ok(Got::TooLong) => return Err(too_long("current", LARGEST_POINTER)),
            Err(refusal) => return Err(self.error(&refusal, now).into()),
        };
        let pointer: Pointer = serde_json::from_slice(&bytes).map_err(|error| {
            unfit(format!("`current` is no pointer at line {} column {}", error.line(), error.column()))
        })?;
        pointer.check()?;
        Ok(Some((pointer, tag)))
    }

    /// A file of a version, if it is the one that was published.
    async fn file(
        &self,
        pointer: &Pointer,
        name: &str,
        sha256: &str,
        now: UnixMillis,
    ) -> Result<Bytes, SettingsError> {
        let key = self.file_key(&pointer.version, name);
        let get = Get { bucket: &self.name, key: &key, version: None, unless: None, limit: LARGEST_FILE };
        let bytes = match self.client.get(get).await {
            Ok(Got::Object { bytes, .. }) => bytes,
            Ok(Got::Same | Got::TooLong) => return Err(too_long(name, LARGEST_FILE)),
            Err(refusal) => return Err(self.error(&refusal, now).into()),
        };
        if hex::encode(Sha256::digest(&bytes)) != *sha256 {
            return Err(unfit(format!("`{name}` is not the file that was published")));
        }
        Ok(bytes)
    }

    /// Stores a file; says whether there was none of its name.
    async fn put(
        &self,
        key: &str,
        content_type: &str,
        bytes: &[u8],
        when: When<'_>,
        now: UnixMillis,
    ) -> Result<bool, SettingsError> {
        let put = Put { bucket: &self.name, key, content_type, bytes, when, lock: None };
        match self.client.put(put).await {
            Ok(()) => Ok(true),
            Err(Refusal::Code(code)) if code == "PreconditionFailed" => Ok(false),
            Err(refusal) => Err(self.error(&refusal, now).into()),
        }
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
            if name == COMPILED_FILE {
                return true;
            }
            let file = name.strip_prefix("rules/").or_else(|| name.strip_prefix("lexicons/")).unwrap_or(name);
            plain(file) && Path::new(file).extension().is_some_and(|ending| ending == "yaml")
        };
        match self.files.keys().find(|name| !named(name)) {
            None => Ok(()),
            Some(_) => Err(unfit(format!(
                "it names a file that is neither `{COMPILED_FILE}` nor a .yaml of the top, rules/ or lexicons/"
            ))),
        }
    }

    /// The hash of the file that functions load.
    fn compiled(&self) -> Result<&str, SettingsError> {
        self.files.get(COMPILED_FILE).map(String::as_str).ok_or_else(|| {
            unfit(format!(
                "version `{}` has no `{COMPILED_FILE}`: publish it with this version of sluice-aws",
                self.version
            ))
        })
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
    client: S3,
    now: UnixMillis,
) -> Result<(), SettingsError> {
    let bucket = Bucket::at(address, client)?;
    let bundle = Bundle::read(dir);
    let compiled = sluice_settings::compile(&bundle)?;
    let files: Vec<(&str, &[u8])> = bundle.files().chain([(COMPILED_FILE, compiled.as_slice())]).collect();
    let hash = |(name, bytes): &(&str, &[u8])| ((*name).to_owned(), hex::encode(Sha256::digest(bytes)));
    let pointer = Pointer { version: version.to_owned(), files: files.iter().map(hash).collect() };
    pointer.check()?;
    let tag = match bucket.pointer(None, now).await {
        Ok(found) => found.and_then(|(_, tag)| tag),
        // The first one; without ListBucket S3 says "access denied" of what is not there.
        Err(SettingsError::Port(PortError::Missing { .. })) => None,
        Err(error) => return Err(error),
    };
    for (name, bytes) in files {
        let content_type = if name == COMPILED_FILE { "application/json" } else { "application/yaml" };
        // There already after a run that broke off; the pointer's hash tells whether it is the same file.
        let _new =
            bucket.put(&bucket.file_key(version, name), content_type, bytes, When::Absent, now).await?;
    }
    // What is there under this version must be what the pointer will promise.
    for (name, sha256) in &pointer.files {
        let _same = bucket.file(&pointer, name, sha256, now).await?;
    }
    let bytes = serde_json::to_vec(&pointer).map_err(|error| unfit(error.to_string()))?;
    let when = tag.as_deref().map_or(When::Absent, When::Unchanged);
    if bucket.put(&bucket.key("current"), "application/json", &bytes, when, now).await? {
        return Ok(());
    }
    Err(unfit("somebody else published meanwhile: look at theirs, then publish again"))
}

fn too_long(name: &str, limit: usize) -> SettingsError {
    unfit(format!("`{name}` must be at most {limit} bytes"))
}

fn unfit(cause: impl Into<String>) -> SettingsError {
    SettingsError::Unfit(cause.into())
}
