use std::io;
use std::path::{Path, PathBuf};

use sluice_settings::{Bundle, COMPILED_FILE, compile};

/// The workspace that the tests belong to: the directory with `template.yaml`.
pub fn workspace() -> PathBuf {
    // What cargo says now, not what it said when this was built: a build directory may serve several checkouts.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let here = PathBuf::from(here);
    let found = here.ancestors().find(|directory| directory.join("template.yaml").exists());
    found.unwrap_or(&here).to_owned()
}

/// Compiles the shipped configuration into a directory: what a function finds at `/opt`.
///
/// # Errors
/// When it does not compile, or can not be written.
pub fn compile_settings(directory: &Path) -> io::Result<()> {
    let compiled = compile(&Bundle::read(&workspace().join("config"))).map_err(io::Error::other)?;
    std::fs::write(directory.join(COMPILED_FILE), compiled)
}
