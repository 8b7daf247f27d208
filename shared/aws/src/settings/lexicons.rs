//! Compiled lexicons of a configuration in a bucket: objects by their hash, fetched into files once, and used where they lie.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use sluice_domain::settings::Settings;
use sluice_domain::time::UnixMillis;
use sluice_settings::{CompiledLexicon, CompiledSettings, Lexicons};

use super::bucket::Bucket;
use super::{SettingsError, is_sha256, unfit};
use crate::s3::{Get, Got};

/// So much is in memory at once.
const PART: u64 = 8 * 1024 * 1024;
/// Of all lexicons of a version. The files of the version in force and those of the next are there together, and `/tmp` of a function has 512 MB.
const MOST_BYTES: u64 = 224 * 1024 * 1024;
/// How their files end.
const ENDING: &str = "slx";

/// What a process wants of compiled lexicons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// It looks at texts: lexicons are fetched into this folder, which is its own.
    Kept(PathBuf),
    /// It looks at welcomes alone: as kept where a source welcomes people, as withheld elsewhere.
    KeptForWelcomes(PathBuf),
    /// It never looks at a text.
    Withheld,
}

impl Words {
    /// Puts a configuration of a directory to use.
    pub(super) fn load_directory(&self, bytes: &[u8], directory: &Path) -> Result<Settings, SettingsError> {
        let compiled = CompiledSettings::read(bytes)?;
        Ok(match self.folder(&compiled) {
            None => compiled.load(&Lexicons::Withheld)?,
            Some(_) => compiled.load_beside(directory)?,
        })
    }

    /// Where lexicons of this configuration are fetched to, if it is used for texts.
    fn folder(&self, compiled: &CompiledSettings) -> Option<&Path> {
        match self {
            Self::Kept(folder) => Some(folder),
            Self::KeptForWelcomes(folder) => compiled.welcomes().then_some(folder),
            Self::Withheld => None,
        }
    }

    /// Puts a configuration of a bucket to use; what it needs is fetched before anything of it is in force.
    pub(super) async fn load(
        &self,
        bytes: &[u8],
        bucket: &Bucket,
        now: UnixMillis,
    ) -> Result<Settings, SettingsError> {
        let compiled = CompiledSettings::read(bytes)?;
        let Some(folder) = self.folder(&compiled) else { return Ok(compiled.load(&Lexicons::Withheld)?) };
        let needed: Vec<&CompiledLexicon> = compiled.lexicons().map(|(_, lexicon)| lexicon).collect();
        check(&needed)?;
        if !needed.is_empty() {
            keep(folder, &needed, bucket, now).await?;
        }
        let place = |_: &str, lexicon: &CompiledLexicon| file(folder, &lexicon.sha256);
        Ok(compiled.load(&Lexicons::At(&place))?)
    }
}

fn check(needed: &[&CompiledLexicon]) -> Result<(), SettingsError> {
    if !needed.iter().all(|lexicon| is_sha256(&lexicon.sha256)) {
        return Err(unfit("it names a compiled lexicon by something that is no SHA-256"));
    }
    let sum = needed.iter().fold(0_u64, |sum, lexicon| sum.saturating_add(lexicon.bytes));
    if sum > MOST_BYTES {
        return Err(unfit(format!("its compiled lexicons have {sum} bytes, at most {MOST_BYTES} are taken")));
    }
    Ok(())
}

fn file(folder: &Path, sha256: &str) -> PathBuf {
    folder.join(format!("{sha256}.{ENDING}"))
}

/// Sees to it that all are in the folder, and nothing else: what is in force is mapped and stays so without its file.
async fn keep(
    folder: &Path,
    needed: &[&CompiledLexicon],
    bucket: &Bucket,
    now: UnixMillis,
) -> Result<(), SettingsError> {
    tidy(folder, needed).map_err(unkept)?;
    for lexicon in needed {
        let path = file(folder, &lexicon.sha256);
        // Only what was whole has such a name.
        if path.exists() {
            continue;
        }
        let part = path.with_extension("part");
        let mut out = File::create(&part).map_err(unkept)?;
        fetch(bucket, lexicon, &mut out, now).await?;
        fs::rename(&part, &path).map_err(unkept)?;
    }
    Ok(())
}

fn tidy(folder: &Path, needed: &[&CompiledLexicon]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let needed: BTreeSet<PathBuf> = needed.iter().map(|lexicon| file(folder, &lexicon.sha256)).collect();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !needed.contains(&path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Fetches a lexicon in parts, if it is the one that was published.
pub(super) async fn fetch(
    bucket: &Bucket,
    lexicon: &CompiledLexicon,
    out: &mut impl Write,
    now: UnixMillis,
) -> Result<(), SettingsError> {
    let key = bucket.lexicon_key(&lexicon.sha256);
    let other = || unfit(format!("compiled lexicon `{}` is not the file that was published", lexicon.sha256));
    let (mut at, mut digest) = (0, Sha256::new());
    while at < lexicon.bytes {
        let end = lexicon.bytes.min(at + PART);
        let length = usize::try_from(end - at).map_err(|_| other())?;
        let get = Get {
            bucket: &bucket.name,
            key: &key,
            version: None,
            unless: None,
            range: Some((at, end - 1)),
            limit: length,
        };
        let bytes = match bucket.client.get(get).await {
            Ok(Got::Object { bytes, .. }) if bytes.len() == length => bytes,
            Ok(Got::Object { .. } | Got::Same | Got::TooLong) => return Err(other()),
            // There is no such part: it is shorter.
            Err(crate::answer::Refusal::Code(code)) if code == "InvalidRange" => return Err(other()),
            Err(refusal) => return Err(bucket.error(&refusal, now).into()),
        };
        digest.update(&bytes);
        out.write_all(&bytes).map_err(unkept)?;
        at = end;
    }
    if hex::encode(digest.finalize()) == lexicon.sha256 { Ok(()) } else { Err(other()) }
}

/// Not for lack of a good version: the next look may find room.
#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn unkept(error: io::Error) -> SettingsError {
    SettingsError::Place(error.kind().to_string())
}
