//! The browser in which the simulators' page is tested; `tests/simulators/tests/page/browser.rs` starts it.

use std::ffi::OsStr;

use anyhow::{Result, bail};

use crate::{process, say};

/// Debian's program, and its package.
const DEBIANS: &str = "chromium";
/// Names another one.
const NAMED_BY: &str = "SLUICE_BROWSER";

/// Is it here? Asked before everything else, for without it the suite fails after minutes. Whoever may, as in a container, gets Debian's.
pub(crate) fn ready() -> Result<()> {
    if let Some(named) = std::env::var_os(NAMED_BY) {
        return is_ready(&named);
    }
    let debians = OsStr::new(DEBIANS);
    if is_ready(debians).is_err()
        && is_root()
        && process::answers(process::program("apt-get").arg("--version"))
    {
        say::step("installing chromium, for the simulators' page");
        process::run(process::program("apt-get").args(["update", "-qq"]))?;
        let install = ["install", "-y", "-qq", "--no-install-recommends", DEBIANS];
        process::run(process::program("apt-get").args(install))?;
    }
    is_ready(debians)
}

fn is_root() -> bool {
    process::output(process::program("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn is_ready(browser: &OsStr) -> Result<()> {
    if !process::answers(process::program(browser).arg("--version")) {
        bail!(
            "there is no browser `{}`: install Debian's (`apt-get install chromium`), or name a Chromium or Chrome by {NAMED_BY}",
            browser.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_browser_is_named_with_what_to_install() {
        let error = is_ready(OsStr::new("/nowhere/chromium")).unwrap_err().to_string();
        assert!(
            error.contains("`/nowhere/chromium`") && error.contains("`apt-get install chromium`"),
            "{error}"
        );
        is_ready(OsStr::new("true")).unwrap();
    }
}
