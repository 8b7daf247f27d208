//! The browser in which the simulators' page is tested; `tests/simulators/tests/page/browser.rs` starts it.

use std::ffi::OsStr;

use anyhow::{Result, bail};

use crate::process;

/// Names another one than Debian's `chromium`.
const NAMED_BY: &str = "SLUICE_BROWSER";

/// Is it here? Asked before everything else, for without it the suite fails after minutes.
pub(crate) fn ready() -> Result<()> {
    is_ready(&std::env::var_os(NAMED_BY).unwrap_or_else(|| "chromium".into()))
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
