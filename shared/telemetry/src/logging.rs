use sluice_domain::failure::FailureKind;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// The variable that chooses what is logged, in the filter language of `tracing-subscriber`: `info`, `sluice=debug,info`.
const FILTER: &str = "SLUICE_LOG";

/// Why logging could not be set up.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoggingError {
    /// `SLUICE_LOG` is not a filter.
    #[error("`SLUICE_LOG` is not a log filter: {0}")]
    Filter(String),
    /// It is set up already.
    #[error("logging is set up already")]
    AlreadySet,
}

impl LoggingError {
    /// What the program does: a person must mend the set-up.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Configuration
    }
}

/// Sends logs to standard error, as text or as one JSON object a line, from level `info` unless `SLUICE_LOG` says otherwise.
///
/// Standard output stays free for answers and, on Lambda, for metrics.
///
/// # Errors
/// [`LoggingError`], by cause.
pub fn init_logging(json: bool) -> Result<(), LoggingError> {
    let filter = filter(std::env::var(FILTER).ok().as_deref())?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = if json {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        use std::io::IsTerminal as _;
        builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    set.map_err(|_| LoggingError::AlreadySet)
}

fn filter(chosen: Option<&str>) -> Result<EnvFilter, LoggingError> {
    let builder = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    builder.parse(chosen.unwrap_or_default()).map_err(|error| LoggingError::Filter(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_from_info_by_default() {
        assert_eq!(filter(None).unwrap().to_string(), "info");
        assert_eq!(filter(Some("warn")).unwrap().to_string(), "warn");
    }

    #[test]
    fn a_filter_that_is_none_is_named() {
        let error = filter(Some("sluice=loud=er")).unwrap_err();
        assert!(error.to_string().starts_with("`SLUICE_LOG` is not a log filter"), "{error}");
    }
}
