//! Signs the sample events again: what `cargo xtask events` runs.
//!
//! A program of its own, so that the other chores build without the gate.

use std::path::Path;

use anyhow::{Context as _, bail};
use webhook_verify::samples::Manifest;

fn main() -> anyhow::Result<()> {
    let here = std::env::var("CARGO_MANIFEST_DIR").context("run it with `cargo xtask events`")?;
    let folder = Path::new(&here).join("../events/webhook-verify");
    let manifest = Manifest::load(&folder).context("the list of samples")?;
    if std::env::args().any(|argument| argument == "--check") {
        for sample in &manifest.samples {
            let written = std::fs::read_to_string(manifest.file(sample))
                .with_context(|| format!("sample `{}` was not written yet", sample.name))?;
            let written: serde_json::Value = serde_json::from_str(&written)?;
            if written != manifest.event(sample)? {
                bail!(
                    "sample `{}` is not what its body and secret give: run `cargo xtask events`",
                    sample.name
                );
            }
        }
        return tell(&format!("{} samples are signed as they should be", manifest.samples.len()));
    }
    let changed = manifest.write().context("signing the samples")?;
    tell(&format!("{changed} of {} samples changed", manifest.samples.len()))
}

fn tell(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{text}").context("standard output")
}
