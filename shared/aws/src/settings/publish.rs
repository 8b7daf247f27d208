//! Publishing.

use std::path::Path;

use sha2::{Digest as _, Sha256};
use sluice_domain::time::UnixMillis;
use sluice_ports::PortError;
use sluice_settings::{Bundle, COMPILED_FILE, CompiledSettings};

use super::bucket::{Bucket, Pointer};
use super::images;
use super::lexicons::fetch;
use super::{SettingsError, unfit};
use crate::s3::{S3, When};

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
    publish_lexicons(&bucket, &bundle, &compiled, now).await?;
    publish_images(&bucket, &bundle, &compiled, now).await?;
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

/// Stores the compiled lexicons that the compiled file names, unless they are there: versions share them.
async fn publish_lexicons(
    bucket: &Bucket,
    bundle: &Bundle,
    compiled: &[u8],
    now: UnixMillis,
) -> Result<(), SettingsError> {
    for (name, lexicon) in CompiledSettings::read(compiled)?.lexicons() {
        let path = bundle.lexicon(name).ok_or_else(|| unfit(format!("no file `lexicons/{name}.slx`")))?;
        let bytes =
            std::fs::read(path).map_err(|error| unfit(format!("`lexicons/{name}.slx`: {}", error.kind())))?;
        if hex::encode(Sha256::digest(&bytes)) != lexicon.sha256 {
            return Err(unfit(format!("`lexicons/{name}.slx` was changed meanwhile")));
        }
        let key = bucket.lexicon_key(&lexicon.sha256);
        if !bucket.put(&key, "application/octet-stream", &bytes, When::Absent, now).await? {
            // What is there must be what the compiled file promises.
            fetch(bucket, lexicon, &mut std::io::sink(), now).await?;
        }
    }
    Ok(())
}

/// Stores the images that the compiled file names, likewise.
async fn publish_images(
    bucket: &Bucket,
    bundle: &Bundle,
    compiled: &[u8],
    now: UnixMillis,
) -> Result<(), SettingsError> {
    for image in CompiledSettings::read(compiled)?.images() {
        let bytes = bundle.image_bytes(image).map_err(unfit)?;
        let (key, kind) = (bucket.image_key(&image.sha256), image.format.media_type());
        if !bucket.put(&key, kind, &bytes, When::Absent, now).await? {
            let _same = images::fetch(bucket, image, now).await?;
        }
    }
    Ok(())
}
