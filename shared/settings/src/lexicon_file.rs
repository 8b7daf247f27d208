//! Compiled lexicons beside the word lists: `lexicons/NAME.slx`, made by `sluice lexicon build`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use sluice_domain::lexicon::Lexicon;
use sluice_domain::lexicon::index::Bytes;
use sluice_mapped::Mapped;

/// A file that was seen, with its beginning: header and checksums tell whether it is still the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LexiconFile {
    path: PathBuf,
    head: Vec<u8>,
}

impl LexiconFile {
    /// How such files end.
    pub(crate) const ENDING: &'static str = "slx";
    /// More than the header and the table of sections with their checksums.
    const HEAD: u64 = 1_024;

    /// Reads the beginning.
    pub(crate) fn note(path: &Path) -> Result<Self, String> {
        let mut head = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(Self::HEAD).read_to_end(&mut head))
            .map_err(|error| error.kind().to_string())?;
        Ok(Self { path: path.to_owned(), head })
    }

    /// What stands for its content in a pack's hash: the checksums of all of it.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Maps it and compares its checksums.
    pub(crate) fn open(&self) -> Result<Lexicon, String> {
        let mapped = Mapped::open(&self.path).map_err(|error| error.kind().to_string())?;
        Lexicon::open(Bytes::new(mapped)).map_err(|error| error.to_string())
    }
}
