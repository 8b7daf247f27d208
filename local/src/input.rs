//! Files named on the command line; `-` is standard input.

use std::io::Read as _;
use std::path::Path;

use crate::output::CommandError;

/// Reads a whole file, or standard input for `-`.
///
/// # Errors
/// [`CommandError`] that names the file.
pub fn bytes(path: &Path) -> Result<Vec<u8>, CommandError> {
    let mut content = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut content).map(|_| ())
    } else {
        std::fs::read(path).map(|read| content = read)
    };
    read.map_err(|error| CommandError::usage(format!("can not read `{}`: {error}", path.display())))?;
    Ok(content)
}

/// Reads a whole file of UTF-8 text.
///
/// # Errors
/// [`CommandError`] that names the file.
pub fn text(path: &Path) -> Result<String, CommandError> {
    String::from_utf8(bytes(path)?)
        .map_err(|error| CommandError::usage(format!("`{}` is no UTF-8 text: {error}", path.display())))
}
