//! Files that hold secrets: only their owner may read or write them.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// No secrets file is larger.
const LARGEST: u64 = 1 << 20;

/// Why a file with secrets can not be used.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// Others may read or write it.
    #[error("`{}` holds secrets but has mode {mode:o}: run `chmod 600 {}`", path.display(), path.display())]
    TooOpen {
        /// Which.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It can not be read or written.
    #[error("`{}` can not be used: {cause}", path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
}

/// Reads a file of mode 0600 or stricter.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, PrivateFileError> {
    let unusable = |cause| PrivateFileError::Unusable { path: path.to_owned(), cause };
    let file = File::open(path).map_err(unusable)?;
    // Asked of the open file: a path could be exchanged between the look and the read.
    let mode = mode_of(&file.metadata().map_err(unusable)?);
    if mode & 0o077 != 0 {
        return Err(PrivateFileError::TooOpen { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.take(LARGEST).read_to_string(&mut text).map_err(unusable)?;
    Ok(text)
}

/// Writes a new file of mode 0600, durably. An existing file is left alone.
pub(crate) fn create(path: &Path, text: &str) -> Result<(), PrivateFileError> {
    let unusable = |cause| PrivateFileError::Unusable { path: path.to_owned(), cause };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(unusable)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(unusable)?;
    // The name must be on disk too, before anything is encrypted under what the file holds.
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(unusable)
}

#[cfg(unix)]
fn mode_of(metadata: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777
}

#[cfg(not(unix))]
fn mode_of(_: &std::fs::Metadata) -> u32 {
    0o600
}
