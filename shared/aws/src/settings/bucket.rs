//! A place in a bucket: the pointer, and the files of versions.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sluice_domain::time::UnixMillis;
use sluice_ports::PortError;
use sluice_settings::COMPILED_FILE;

use super::{SettingsError, unfit};
use crate::answer::Refusal;
use crate::reports::refused;
use crate::s3::{Get, Got, Put, S3, When};

const WHAT: &str = "configuration";
/// A pointer with 64 names is below 16 KiB.
const LARGEST_POINTER: usize = 64 * 1024;
const MOST_FILES: usize = 64;
/// A function with 256 MB must load it beside the one in force.
const LARGEST_FILE: usize = 16 * 1024 * 1024;

/// A place in a bucket.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    pub(super) client: S3,
    pub(super) name: String,
    /// Without a slash at the end; may be empty.
    prefix: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pointer {
    pub(super) version: String,
    /// Lower-case hex SHA-256 by file name.
    pub(super) files: BTreeMap<String, String>,
}

impl Bucket {
    pub(super) fn at(address: &str, client: S3) -> Result<Self, SettingsError> {
        let refused = || SettingsError::Address(address.to_owned());
        let rest = address.strip_prefix("s3://").ok_or_else(refused)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(refused());
        }
        Ok(Self { client, name: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() })
    }

    pub(super) fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }

    pub(super) fn file_key(&self, version: &str, file: &str) -> String {
        self.key(&format!("versions/{version}/{file}"))
    }

    /// Of an image.
    pub(super) fn image_key(&self, sha256: &str) -> String {
        self.key(&format!("images/{sha256}"))
    }

    /// Of a compiled lexicon.
    pub(super) fn lexicon_key(&self, sha256: &str) -> String {
        self.key(&format!("lexicons/{sha256}.slx"))
    }

    pub(super) fn error(&self, refusal: &Refusal, now: UnixMillis) -> PortError {
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
    pub(super) async fn pointer(
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
            range: None,
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
    pub(super) async fn file(
        &self,
        pointer: &Pointer,
        name: &str,
        sha256: &str,
        now: UnixMillis,
    ) -> Result<Bytes, SettingsError> {
        let key = self.file_key(&pointer.version, name);
        let get = Get {
            bucket: &self.name,
            key: &key,
            version: None,
            unless: None,
            range: None,
            limit: LARGEST_FILE,
        };
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
    pub(super) async fn put(
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
    pub(super) fn check(&self) -> Result<(), SettingsError> {
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
    pub(super) fn compiled(&self) -> Result<&str, SettingsError> {
        self.files.get(COMPILED_FILE).map(String::as_str).ok_or_else(|| {
            unfit(format!(
                "version `{}` has no `{COMPILED_FILE}`: publish it with this version of sluice-aws",
                self.version
            ))
        })
    }
}

fn too_long(name: &str, limit: usize) -> SettingsError {
    unfit(format!("`{name}` must be at most {limit} bytes"))
}
