#![doc = include_str!("../README.md")]

use std::fs::File;
use std::io;
use std::path::Path;

/// A mapped file.
#[derive(Debug)]
pub struct Mapped(memmap2::Mmap);

impl Mapped {
    /// Maps a file.
    ///
    /// Whoever writes such a file writes another one and renames it: then this mapping keeps the old bytes for as long as it lives. A file
    /// that is changed or cut in place all the same changes the bytes, or ends the process with `SIGBUS`.
    ///
    /// # Errors
    /// When the file cannot be opened or mapped.
    #[expect(
        unsafe_code,
        reason = "mapping a file is unsafe by nature: its bytes are whoever's who may write it"
    )]
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: bytes under a `&[u8]` must not change. Files of ours are published by rename and never changed in place (above), the
        // mapping is private and read-only, and what reads it checks every bound and takes any bytes for what they are.
        let map = unsafe { memmap2::MmapOptions::new().map_copy_read_only(&file)? };
        Ok(Self(map))
    }

    /// Tells the system that reads will be here and there: the first answers come sooner from a cold disk, for it reads no more than it must.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn expect_scattered_reads(&self) -> io::Result<()> {
        #[cfg(unix)]
        self.0.advise(memmap2::Advice::Random)?;
        Ok(())
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_replaces_a_file_does_not_change_a_mapping() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("list");
        std::fs::write(&path, b"old")?;
        let mapped = Mapped::open(&path)?;
        mapped.expect_scattered_reads()?;
        std::fs::write(folder.path().join("new"), b"newer")?;
        std::fs::rename(folder.path().join("new"), &path)?;
        assert_eq!(mapped.as_ref(), b"old");
        assert_eq!(Mapped::open(&path)?.as_ref(), b"newer");
        Ok(())
    }

    #[test]
    fn an_empty_file_is_no_bytes_and_a_missing_one_an_error() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("list");
        assert_eq!(Mapped::open(&path).map_err(|error| error.kind()).err(), Some(io::ErrorKind::NotFound));
        std::fs::write(&path, b"")?;
        assert!(Mapped::open(&path)?.as_ref().is_empty());
        Ok(())
    }
}
