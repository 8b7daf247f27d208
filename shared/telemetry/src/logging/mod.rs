//! The logs' set-up: which lines are written, which are kept until an invocation fails, and in which form.

mod levels;
mod lines;
mod ring;
#[cfg(test)]
mod tests;

use sluice_domain::failure::FailureKind;
use sluice_domain::time::UnixMillis;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry};

pub use levels::Levels;
pub(crate) use lines::FAILED;
pub use lines::JsonLines;
pub(crate) use ring::Ring;

/// The variable that chooses what is logged: a level, or levels by module: `info`, `sluice=debug,info`.
const LEVELS: &str = "SLUICE_LOG";
/// Lambda's own choice of a level (`LoggingConfig.ApplicationLogLevel`). Lambda drops what is below it, whatever is written.
const LAMBDA_LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";
/// Lambda's own choice of a form (`LoggingConfig.LogFormat`): `JSON` or `Text`.
const LAMBDA_FORMAT: &str = "AWS_LAMBDA_LOG_FORMAT";

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
/// Standard output stays free for answers.
///
/// # Errors
/// [`LoggingError`], by cause.
pub fn init_logging(json: bool) -> Result<(), LoggingError> {
    let levels = Levels::read(variable(LEVELS).as_deref(), None)?.without_keeping();
    init(levels, json)
}

/// Sends a function's logs to standard error, where Lambda collects them: one JSON object a line unless `AWS_LAMBDA_LOG_FORMAT` is
/// `Text`; from `SLUICE_LOG`, or else `AWS_LAMBDA_LOG_LEVEL`, or else `info` upwards.
///
/// Our own debug lines below that are kept and written only when their invocation fails ([`crate::Invocations`]), unless
/// `AWS_LAMBDA_LOG_LEVEL` is above `DEBUG`: Lambda would drop them. A panic becomes a line too, without the values it was formatted
/// with.
///
/// # Errors
/// [`LoggingError`], by cause.
pub fn init_function_logging() -> Result<(), LoggingError> {
    let levels = Levels::read(variable(LEVELS).as_deref(), variable(LAMBDA_LEVEL).as_deref())?;
    let text = variable(LAMBDA_FORMAT).is_some_and(|format| format.eq_ignore_ascii_case("text"));
    init(if text { levels.without_keeping() } else { levels }, !text)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        // A literal is ours; a formatted message may quote a value of an event.
        let what = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("a formatted message");
        tracing::error!(code = "panic", place, "panicked: {what}");
    }));
    Ok(())
}

fn init(levels: Levels, json: bool) -> Result<(), LoggingError> {
    let set = if json {
        Registry::default().with(JsonLines::new(std::io::stderr, now, levels)).try_init()
    } else {
        use std::io::IsTerminal as _;
        let form = tracing_subscriber::fmt::layer()
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .with_filter(levels.written);
        Registry::default().with(form).try_init()
    };
    set.map_err(|_| LoggingError::AlreadySet)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn now() -> UnixMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
