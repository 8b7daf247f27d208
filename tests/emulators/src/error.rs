use std::path::PathBuf;

/// Why an emulator does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmulatorError {
    /// The pinned tools are not installed.
    #[error("`.tools/emulators` is missing in the workspace: run `cargo xtask test` once, it installs them")]
    NotInstalled,
    /// A variable names something that can not be an emulator of this machine.
    #[error("`{name}` is `{value}`: expected http://127.0.0.1:<port>; unset it to have one started")]
    NotLoopback {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
    },
    /// The one that a variable names does not answer.
    #[error("nothing answers at `{value}`, which `{name}` names: start it there, or unset `{name}`")]
    Silent {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
    },
    /// Its process can not be started.
    #[error("`{}` does not start: {cause}", program.display())]
    Spawn {
        /// Which program.
        program: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// It ended before it was ready, at every port that was tried.
    #[error("{name} ended before it was ready, at {tries} ports; its last words: {words}")]
    Ended {
        /// Which emulator.
        name: &'static str,
        /// How many ports were tried.
        tries: usize,
        /// The end of its log.
        words: String,
    },
    /// It runs but does not answer.
    #[error("{name} was not ready after {seconds} s; its last words: {words}")]
    NotReady {
        /// Which emulator.
        name: &'static str,
        /// How long it had.
        seconds: u64,
        /// The end of its log.
        words: String,
    },
    /// A port, a thread or a file of this process.
    #[error("{what}: {cause}")]
    System {
        /// What was to be done.
        what: &'static str,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The engine in this process refuses.
    #[error("dynoxide: {0}")]
    Engine(String),
}
