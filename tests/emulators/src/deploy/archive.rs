//! ZIP archives as Lambda takes them: stored, not compressed, for they only cross the loopback.

use std::io;
use std::path::Path;

/// Local headers, then the central directory, then its end (APPNOTE 4.3).
#[derive(Debug, Default)]
pub(super) struct Archive {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

/// `-rwxr-xr-x` of a regular file, in the upper half of the external attributes.
const EXECUTABLE: u32 = 0o100_755 << 16;
/// Made by Unix, version 2.0.
const MADE_BY: u16 = 0x0314;
/// 1 January 1980, midnight: archives of the same files are the same bytes.
const NO_TIME: [u8; 4] = [0, 0, 0x21, 0];

impl Archive {
    /// Adds a file.
    pub(super) fn add(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let (offset, length) = (size(self.bytes.len())?, size(content.len())?);
        let name_length = u16::try_from(name.len()).map_err(io::Error::other)?;
        let mut common = Vec::with_capacity(26);
        // Needs version 2.0, no flags (names are ASCII), stored.
        common.extend([20, 0, 0, 0, 0, 0]);
        common.extend(NO_TIME);
        common.extend(crc32fast::hash(content).to_le_bytes());
        common.extend(length.to_le_bytes());
        common.extend(length.to_le_bytes());
        common.extend(name_length.to_le_bytes());
        common.extend([0, 0]);
        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(&common);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(content);
        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(MADE_BY.to_le_bytes());
        self.directory.extend(&common);
        // No comment, first disk, no internal attributes.
        self.directory.extend([0; 6]);
        self.directory.extend(EXECUTABLE.to_le_bytes());
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.count = self.count.checked_add(1).ok_or_else(|| io::Error::other("too many files for a ZIP"))?;
        Ok(())
    }

    /// Adds every file below a directory, by its path relative to it, in the order of names.
    pub(super) fn add_directory(&mut self, root: &Path, below: &str) -> io::Result<()> {
        let mut entries = std::fs::read_dir(root.join(below))?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let file = entry.file_name();
            let file = file.to_str().ok_or_else(|| io::Error::other("a file name is not UTF-8"))?;
            let name = if below.is_empty() { file.to_owned() } else { format!("{below}/{file}") };
            if entry.file_type()?.is_dir() {
                self.add_directory(root, &name)?;
            } else {
                self.add(&name, &std::fs::read(entry.path())?)?;
            }
        }
        Ok(())
    }

    /// The archive.
    pub(super) fn finish(mut self) -> io::Result<Vec<u8>> {
        let (offset, length) = (size(self.bytes.len())?, size(self.directory.len())?);
        self.bytes.append(&mut self.directory);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(offset.to_le_bytes());
        self.bytes.extend([0, 0]);
        Ok(self.bytes)
    }
}

fn size(length: usize) -> io::Result<u32> {
    u32::try_from(length).map_err(|_| io::Error::other("too large for a ZIP without extensions"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python's own reader checks every header and checksum.
    #[test]
    fn another_reader_finds_the_files_whole_and_executable() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("rules")).unwrap();
        std::fs::write(root.path().join("rules/base.yaml"), "a: 1").unwrap();
        std::fs::write(root.path().join("sluice.yaml"), "b: 2").unwrap();
        let mut archive = Archive::default();
        archive.add_directory(root.path(), "").unwrap();
        archive.add("bootstrap", b"#!/bin/sh\n").unwrap();
        let path = root.path().join("a.zip");
        std::fs::write(&path, archive.finish().unwrap()).unwrap();
        let script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None\n\
                      for i in z.infolist(): print(i.filename, oct(i.external_attr >> 16), z.read(i).decode().strip())";
        let python = crate::process::tool("python").unwrap();
        let output = std::process::Command::new(python).args(["-c", script]).arg(&path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let listed = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<_> = listed.lines().collect();
        let expected =
            ["rules/base.yaml 0o100755 a: 1", "sluice.yaml 0o100755 b: 2", "bootstrap 0o100755 #!/bin/sh"];
        assert_eq!(lines, expected);
    }
}
