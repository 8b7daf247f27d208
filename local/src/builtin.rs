//! The configuration that is built in: what `demo` runs with, `scan` uses without `--config`, and `config init` writes.

use std::path::Path;

use sluice_settings::Bundle;

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        /// (path in the configuration directory, text).
        pub const FILES: &[(&str, &str)] = &[$(($path, include_str!(concat!("../../config/", $path)))),*];
    };
}

files![
    "sluice.yaml",
];

/// As the settings loader takes it.
pub fn bundle() -> Bundle {
    FILES.iter().map(|(path, text)| (*path, *text)).collect()
}

/// Writes it to a new directory.
///
/// # Errors
/// When the directory exists or can not be written.
pub fn write(directory: &Path) -> std::io::Result<()> {
    std::fs::create_dir(directory)?;
    for (path, text) in FILES {
        let file = directory.join(path);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, text)?;
    }
    Ok(())
}
