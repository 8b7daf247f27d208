//! Images beside the configuration: files of `images/` that scripts name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sluice_domain::image::{Image, ImageName, LARGEST};

use crate::file::SettingsFile;
use crate::{Bundle, MAIN_FILE, Problem};

/// The folder.
pub(crate) const IMAGES: &str = "images";
/// How its files end.
pub(crate) const ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];

/// A file that was seen, not read: there may be many megabytes of them, and the directory is looked at every other second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageFile {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
}

impl ImageFile {
    /// Takes note of it. What is different at the next look was changed.
    pub(crate) fn note(path: &Path) -> Result<Self, String> {
        let found = std::fs::metadata(path).map_err(|error| error.kind().to_string())?;
        Ok(Self { path: path.to_owned(), length: found.len(), modified: found.modified().ok() })
    }

    pub(crate) fn read(&self) -> Result<Vec<u8>, String> {
        read(&self.path)
    }
}

/// The bytes of an image that a checked configuration names, from that configuration's directory.
///
/// # Errors
/// When there is no such file, or another one in its place; in words.
pub fn image_in(directory: &Path, image: &Image) -> Result<Vec<u8>, String> {
    checked(image, read(&directory.join(IMAGES).join(image.name.as_str())))
}

/// What was read, if it is this image.
pub(crate) fn checked(image: &Image, read: Result<Vec<u8>, String>) -> Result<Vec<u8>, String> {
    let name = &image.name;
    let bytes = read.map_err(|cause| format!("`{IMAGES}/{name}`: {cause}"))?;
    if image.is(&bytes) {
        return Ok(bytes);
    }
    Err(format!("`{IMAGES}/{name}` is another file than the one that was checked"))
}

/// Looks at every image that a script names, and tells each script what is known of its own.
pub(crate) fn attach(file: &mut SettingsFile, bundle: &Bundle, problems: &mut Vec<Problem>) -> Vec<Image> {
    let mut seen: BTreeMap<ImageName, Result<Image, (&'static str, String)>> = BTreeMap::new();
    for script in file.tenants.iter_mut().flat_map(|tenant| &mut tenant.value.scripts) {
        let Some(name) = &script.value.image else { continue };
        match seen.entry(name.clone()).or_insert_with(|| look(bundle, name)) {
            Ok(image) => script.value.image_file = Some(image.clone()),
            Err((code, cause)) => {
                let message = format!("script `{}`: `{IMAGES}/{name}`: {cause}", script.value.id);
                problems.push(Problem::at(MAIN_FILE, script, code, message));
            }
        }
    }
    seen.into_values().filter_map(Result::ok).collect()
}

fn look(bundle: &Bundle, name: &ImageName) -> Result<Image, (&'static str, String)> {
    let Some(read) = bundle.image(name) else {
        let there = bundle.image_names();
        let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
        return Err(("image_missing", format!("no such file; there: {there}")));
    };
    let bytes = read.map_err(|cause| ("unreadable", cause))?;
    Image::inspect(name.clone(), &bytes).map_err(|error| ("image_unfit", error.to_string()))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|error| error.kind().to_string())?;
    let mut bytes = Vec::new();
    // One more than any channel takes shows that it is too large.
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| error.kind().to_string())?;
    Ok(bytes)
}
