//! Compiled lexicons beside the word lists: `lexicons/NAME.slx`, made by `sluice lexicon build`.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
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
    const HEAD: u16 = 1_024;

    /// Reads the beginning.
    pub(crate) fn note(path: &Path) -> Result<Self, String> {
        let mut head = Vec::new();
        File::open(path)
            .and_then(|file| file.take(Self::HEAD.into()).read_to_end(&mut head))
            .map_err(|error| error.kind().to_string())?;
        Ok(Self { path: path.to_owned(), head })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Maps it and compares its checksums.
    pub(crate) fn open(&self) -> Result<Lexicon, String> {
        let mapped = Mapped::open(&self.path).map_err(|error| error.kind().to_string())?;
        Lexicon::open(Bytes::new(mapped)).map_err(|error| error.to_string())
    }

    /// What stands for its content in a pack's hash: its beginning has the checksums of all of it.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Describes it for a configuration that is read elsewhere. Reads all of it.
    pub(crate) fn describe(&self) -> Result<CompiledLexicon, String> {
        let mapped = Mapped::open(&self.path).map_err(|error| error.kind().to_string())?;
        let (bytes, sha256) = (mapped.as_ref().len() as u64, hex::encode(Sha256::digest(&mapped)));
        Ok(CompiledLexicon { sha256, bytes, head: hex::encode(&self.head) })
    }
}

/// A compiled lexicon that a compiled configuration names: the file itself is beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompiledLexicon {
    /// Lower-case hex, of the file.
    pub sha256: String,
    /// Of the file.
    pub bytes: u64,
    /// The file's beginning, in hex.
    head: String,
}

impl CompiledLexicon {
    fn head(&self) -> Result<Vec<u8>, String> {
        hex::decode(&self.head).map_err(|_| "its beginning is no hex".to_owned())
    }

    /// The file at this place, if it is this one.
    pub(crate) fn found(&self, path: &Path) -> Result<LexiconFile, String> {
        let file = LexiconFile::note(path)?;
        let length = std::fs::metadata(path).map_err(|error| error.kind().to_string())?.len();
        if length != self.bytes || file.head != self.head()? {
            return Err(
                "it is another file than the one that this configuration was compiled with".to_owned()
            );
        }
        Ok(file)
    }
}
