use std::path::PathBuf;

/// The workspace that the tests belong to: the directory with `template.yaml`.
pub fn workspace() -> PathBuf {
    // What cargo says now, not what it said when this was built: a build directory may serve several checkouts.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let here = PathBuf::from(here);
    let found = here.ancestors().find(|directory| directory.join("template.yaml").exists());
    found.unwrap_or(&here).to_owned()
}
