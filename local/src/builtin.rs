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
    "rules/advertising.yaml",
    "rules/baseline.yaml",
    "rules/content_safety.yaml",
    "rules/messages.yaml",
    "rules/minors.yaml",
    "rules/pipl.yaml",
    "rules/platform.yaml",
    "lexicons/absolute_exemptions.yaml",
    "lexicons/absolute_words.yaml",
    "lexicons/alcohol.yaml",
    "lexicons/contact_diversion.yaml",
    "lexicons/cosmetics.yaml",
    "lexicons/discrimination.yaml",
    "lexicons/disparagement.yaml",
    "lexicons/education.yaml",
    "lexicons/false_claims.yaml",
    "lexicons/finance.yaml",
    "lexicons/food.yaml",
    "lexicons/grey_words.yaml",
    "lexicons/guarantees.yaml",
    "lexicons/medical.yaml",
    "lexicons/minor_cues.yaml",
    "lexicons/minor_inducement.yaml",
    "lexicons/off_platform_trade.yaml",
    "lexicons/opt_out_notice.yaml",
    "lexicons/patents.yaml",
    "lexicons/property.yaml",
    "lexicons/state_organs.yaml",
    "lexicons/tobacco.yaml",
    "lexicons/vices.yaml",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_configuration_is_good_and_whole() {
        let report = sluice_settings::check_bundle(&bundle());
        assert!(report.is_ok(), "{:?}", report.problems);
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
        let count = |folder: &str| {
            std::fs::read_dir(shipped.join(folder))
                .unwrap()
                // The Makefile there is how `sam build` takes the directory, and no part of it.
                .filter(|entry| {
                    entry.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "yaml")
                })
                .count()
        };
        assert_eq!(FILES.len(), count("") + count("rules") + count("lexicons"));
    }
}
