use tracing_subscriber::filter::{LevelFilter, Targets};

use super::LoggingError;

/// The crates whose debug lines are kept for a failure: our own, which follow the rule that no line holds a personal value. A
/// library's debug lines may hold requests.
const OUR_CRATES: [&str; 6] = [
    "sluice",
    "webhook_verify",
    "compliance_check",
    "bucket_assignment",
    "channel_dispatch",
    "nightly_reconciliation",
];

/// Which lines are written at once, and which are kept.
#[derive(Debug, Clone)]
pub struct Levels {
    pub(super) written: Targets,
    pub(super) kept: Option<Targets>,
}

impl Levels {
    /// Reads the values of `SLUICE_LOG` and `AWS_LAMBDA_LOG_LEVEL`.
    ///
    /// # Errors
    /// [`LoggingError::Filter`] when the former is no filter. The latter is Lambda's own; a value that is not known counts as unset.
    pub fn read(chosen: Option<&str>, lambda: Option<&str>) -> Result<Self, LoggingError> {
        let lambda = lambda.and_then(level);
        let written = match chosen {
            Some(text) => directives(text)?,
            None => Targets::new().with_default(lambda.unwrap_or(LevelFilter::INFO)),
        };
        let passes_debug = lambda.is_none_or(|least| least >= LevelFilter::DEBUG);
        let ours = || Targets::new().with_targets(OUR_CRATES.map(|name| (name, LevelFilter::DEBUG)));
        Ok(Self { written, kept: passes_debug.then(ours) })
    }

    pub(super) fn without_keeping(self) -> Self {
        Self { kept: None, ..self }
    }
}

fn directives(text: &str) -> Result<Targets, LoggingError> {
    let targets: Targets =
        text.parse().map_err(|error| LoggingError::Filter(format!("`{text}`: {error}")))?;
    // `sluice=debug` alone changes that module and leaves the rest as it was.
    let has_default = text.split(',').any(|part| !part.contains('='));
    Ok(if has_default { targets } else { targets.with_default(LevelFilter::INFO) })
}

fn level(name: &str) -> Option<LevelFilter> {
    match name.to_ascii_uppercase().as_str() {
        "TRACE" => Some(LevelFilter::TRACE),
        "DEBUG" => Some(LevelFilter::DEBUG),
        "INFO" => Some(LevelFilter::INFO),
        "WARN" => Some(LevelFilter::WARN),
        "ERROR" | "FATAL" => Some(LevelFilter::ERROR),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    fn read(chosen: Option<&str>, lambda: Option<&str>) -> Levels {
        Levels::read(chosen, lambda).unwrap()
    }

    #[test]
    fn writes_from_info_by_default_and_keeps_our_debug_lines() {
        let levels = read(None, None);
        assert!(levels.written.would_enable("hyper", &Level::INFO));
        assert!(!levels.written.would_enable("sluice_steps", &Level::DEBUG));
        let kept = levels.kept.unwrap();
        assert!(kept.would_enable("sluice_steps", &Level::DEBUG));
        assert!(kept.would_enable("channel_dispatch::handler", &Level::DEBUG));
        assert!(!kept.would_enable("sluice_steps", &Level::TRACE));
        assert!(!kept.would_enable("hyper::proto", &Level::DEBUG), "a library's lines may hold requests");
    }

    #[test]
    fn our_variable_goes_before_lambdas() {
        assert!(!read(Some("warn"), Some("DEBUG")).written.would_enable("x", &Level::INFO));
        assert!(
            !read(Some("WARN"), Some("TRACE")).written.would_enable("x", &Level::INFO),
            "as the template spells levels"
        );
        assert!(read(None, Some("DEBUG")).written.would_enable("x", &Level::DEBUG));
        assert!(!read(None, Some("WARN")).written.would_enable("x", &Level::INFO));
        assert!(read(None, Some("LOUD")).written.would_enable("x", &Level::INFO));
    }

    #[test]
    fn a_module_alone_leaves_the_others_at_info() {
        let levels = read(Some("sluice_steps=debug"), None);
        assert!(levels.written.would_enable("sluice_steps", &Level::DEBUG));
        assert!(levels.written.would_enable("hyper", &Level::INFO));
        assert!(!levels.written.would_enable("hyper", &Level::DEBUG));
    }

    #[test]
    fn nothing_is_kept_that_lambda_would_drop() {
        for (lambda, keeps) in [("TRACE", true), ("DEBUG", true), ("INFO", false), ("FATAL", false)] {
            assert_eq!(read(Some("info"), Some(lambda)).kept.is_some(), keeps, "{lambda}");
        }
    }

    #[test]
    fn a_filter_that_is_none_is_named() {
        let error = Levels::read(Some("sluice=loud=er"), None).unwrap_err();
        assert!(
            error.to_string().starts_with("`SLUICE_LOG` is not a log filter: `sluice=loud=er`"),
            "{error}"
        );
    }
}
