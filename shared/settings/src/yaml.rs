//! One YAML file to one type, with the place of what is wrong.

use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::{Bundle, Problem};

/// Reads a file of the bundle; gives its lower-case hex SHA-256, too.
pub(crate) fn read<T: DeserializeOwned>(bundle: &Bundle, name: &str) -> Result<(T, String), Problem> {
    let Some(bytes) = bundle.file(name) else {
        return Err(Problem::unplaced(name, "missing", "no such file in the configuration"));
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::unplaced(name, "syntax", format!("no UTF-8 from byte {}", error.valid_up_to()))
    })?;
    let value = parse(text, name)?;
    Ok((value, hex::encode(Sha256::digest(bytes))))
}

/// Parses a text. The excerpt that the parser likes to print is left out: it could show a secret put there by mistake.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, name: &str) -> Result<T, Problem> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().filter(|place| place.line() > 0);
        Problem {
            file: name.to_owned(),
            line: place.map(|place| place.line()),
            column: place.map(|place| place.column()),
            code: "syntax",
            message: plain(&error.without_snippet().to_string()),
        }
    })
}

/// One line, without the place (which has fields of its own) and not too long.
fn plain(message: &str) -> String {
    const LONGEST: usize = 300;
    let line = message.lines().next().unwrap_or_default();
    let line = line.rsplit_once(" at line ").map_or(line, |(what, _)| what);
    line.chars().take(LONGEST).collect()
}
