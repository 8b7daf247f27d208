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
//! A compiled lexicon is an object `<prefix>/lexicons/<sha256>.slx`, which versions share. The compiled file names it by its hash, so that it is as much
//! of the version as the rules are; a function that looks at texts fetches it in parts to its own disk before the version comes into force, and maps it.
//!
//! An image is an object `<prefix>/images/<sha256>`, likewise; channel-dispatch fetches it when it is about to be sent and not in memory.
//!
//! Once a minute a warm function asks for the pointer with its entity tag: "not modified" is the whole answer mostly. A version that can
//! not be read or is not good leaves the last good one in force, and is told and counted at every look until it is mended; a cold function
//! without a good version does not start, so nothing passes.

mod bucket;
mod images;
mod lexicons;
mod publish;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use sluice_domain::failure::FailureKind;
use sluice_domain::settings::Settings;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, PortError};
use sluice_settings::{COMPILED_FILE, CurrentSettings, LoadError};
use sluice_telemetry::{Metrics, Signal};

use crate::s3::S3;
use bucket::{Bucket, Pointer};
pub use lexicons::Words;
pub use publish::publish;

/// How often a warm function looks for a new version: one `GetObject` a minute and process.
const LOOK_EVERY_MS: i64 = 60_000;

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
    /// There is no place for its compiled lexicons.
    #[error("no place for compiled lexicons among temporary files: {0}")]
    Place(String),
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
            Self::Place(_) => FailureKind::Retry,
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
    /// Where it is without a bucket.
    directory: PathBuf,
    images: tokio::sync::Mutex<images::Kept>,
    words: Words,
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

impl SettingsSource {
    /// Loads the configuration of `SLUICE_CONFIG`: a directory with a compiled file, or `s3://bucket/prefix`, for which `s3` is called.
    ///
    /// # Errors
    /// [`SettingsError`] when there is no good one.
    pub async fn open(
        address: &str,
        s3: impl FnOnce() -> S3,
        words: Words,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, SettingsError> {
        let (good, bucket, tag, loaded) = if address.starts_with("s3://") {
            let bucket = Bucket::at(address, s3())?;
            let (pointer, tag) =
                bucket.pointer(None, clock.now()).await?.ok_or_else(|| unfit("no pointer"))?;
            let sha256 = pointer.compiled()?;
            let bytes = bucket.file(&pointer, COMPILED_FILE, sha256, clock.now()).await?;
            let good = words.load(&bytes, &bucket, clock.now()).await?;
            (good, Some(bucket), tag, Some(sha256.to_owned()))
        } else if address.is_empty() {
            return Err(SettingsError::Address(address.to_owned()));
        } else {
            let directory = Path::new(address);
            (words.load_directory(&read(directory)?, directory)?, None, None, None)
        };
        let directory = PathBuf::from(address);
        let good = RwLock::new(Arc::new(good));
        let seen = Mutex::new(Seen { at: clock.now(), tag, failure: None, loaded });
        let (images, looking) = (tokio::sync::Mutex::default(), tokio::sync::Mutex::default());
        let source = Source { good, bucket, directory, images, words, clock, metrics, seen, looking };
        Ok(Self { inner: Arc::new(source) })
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
        let settings = Arc::new(self.words.load(&bytes, bucket, now).await?);
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

/// Hashes become names of objects and files: nothing else may.
fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn unfit(cause: impl Into<String>) -> SettingsError {
    SettingsError::Unfit(cause.into())
}
