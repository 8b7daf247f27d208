use std::collections::BTreeMap;
use std::path::Path;

use sluice_domain::image::{Image, ImageName};

use crate::Problem;
use crate::images::{ENDINGS, IMAGES, ImageFile, checked};
use crate::lexicon_file::LexiconFile;

/// No configuration file of ours comes near it; a wrong path (a log, a database) is refused before it fills the memory.
const LIMIT_BYTES: u64 = 4 * 1024 * 1024;

/// The folders of a configuration directory, beside its top.
const FOLDERS: [&str; 3] = ["", "rules", "lexicons"];

/// The texts of one configuration, by relative path: a directory read once, or files that a program carries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    files: BTreeMap<String, Vec<u8>>,
    /// Compiled lexicons of `lexicons/`, by file name without its ending; they are mapped, not read.
    lexicons: BTreeMap<String, LexiconFile>,
    /// Images of `images/`, by file name; they are read when they are needed.
    images: BTreeMap<String, ImageFile>,
    problems: Vec<Problem>,
}

impl Bundle {
    /// Reads the `.yaml` files of a directory, of its `rules/` and its `lexicons/`, and notes the compiled lexicons there (`.slx`) and the
    /// images of its `images/`. What can not be read becomes a problem of the check.
    pub fn read(dir: &Path) -> Self {
        let mut bundle = Self::default();
        for folder in FOLDERS {
            for name in names(&dir.join(folder), "yaml") {
                let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                match read(&dir.join(&name)) {
                    Ok(bytes) => drop(bundle.files.insert(name, bytes)),
                    Err(message) => bundle.problems.push(Problem::unplaced(&name, "unreadable", message)),
                }
            }
        }
        for name in names(&dir.join("lexicons"), LexiconFile::ENDING) {
            let file = format!("lexicons/{name}");
            match LexiconFile::note(&dir.join(&file)) {
                Ok(noted) => {
                    let name = name.trim_end_matches(LexiconFile::ENDING).trim_end_matches('.');
                    bundle.lexicons.insert(name.to_owned(), noted);
                }
                Err(message) => bundle.problems.push(Problem::unplaced(&file, "unreadable", message)),
            }
        }
        for name in ENDINGS.iter().flat_map(|ending| names(&dir.join(IMAGES), ending)) {
            match ImageFile::note(&dir.join(IMAGES).join(&name)) {
                Ok(noted) => drop(bundle.images.insert(name, noted)),
                Err(message) => {
                    bundle.problems.push(Problem::unplaced(
                        &format!("{IMAGES}/{name}"),
                        "unreadable",
                        message,
                    ));
                }
            }
        }
        bundle
    }

    /// Where a compiled lexicon is, by its file name without its ending.
    pub fn lexicon(&self, name: &str) -> Option<&Path> {
        self.lexicons.get(name).map(LexiconFile::path)
    }

    /// The compiled lexicons, by file name without its ending.
    pub(crate) fn lexicons(&self) -> &BTreeMap<String, LexiconFile> {
        &self.lexicons
    }

    /// The bytes of an image, if there is one of this name; why it can not be read, in words.
    pub(crate) fn image(&self, name: &ImageName) -> Option<Result<Vec<u8>, String>> {
        let noted = self.images.get(name.as_str()).map(ImageFile::read);
        noted.or_else(|| self.file(&format!("{IMAGES}/{name}")).map(|bytes| Ok(bytes.to_vec())))
    }

    /// The bytes of an image that the settings of this bundle name.
    ///
    /// # Errors
    /// When there is no such file, or another one in its place; in words.
    pub fn image_bytes(&self, image: &Image) -> Result<Vec<u8>, String> {
        let name = &image.name;
        let bytes = self.image(name).ok_or_else(|| format!("no file `{IMAGES}/{name}`"))?;
        checked(image, bytes)
    }

    /// The names of the images, in order.
    pub(crate) fn image_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.images.keys().map(String::as_str).chain(self.names_in(IMAGES)).collect();
        names.sort_unstable();
        names
    }

    /// Every file, by name.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// One file's bytes.
    pub(crate) fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    /// The names in a folder, without the folder, in order.
    pub(crate) fn names_in<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        self.files.keys().filter_map(move |name| name.strip_prefix(folder)?.strip_prefix('/'))
    }

    /// What could not be read.
    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// From pairs of a relative path (`rules/baseline.yaml`) and its text.
impl<N: Into<String>, B: Into<Vec<u8>>> FromIterator<(N, B)> for Bundle {
    fn from_iter<I: IntoIterator<Item = (N, B)>>(files: I) -> Self {
        let files = files.into_iter().map(|(name, bytes)| (name.into(), bytes.into())).collect();
        Self { files, ..Self::default() }
    }
}

fn names(folder: &Path, wanted: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| Path::new(name).extension().is_some_and(|ending| ending == wanted)).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).map_err(|error| error.kind().to_string())?;
    let mut bytes = Vec::new();
    file.take(LIMIT_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.kind().to_string())?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LIMIT_BYTES {
        return Err(format!("must be at most {LIMIT_BYTES} bytes"));
    }
    Ok(bytes)
}
