//! Runs a command with one ministack and one moto for all the tests that it starts: `with-emulators cargo nextest run`.
//!
//! They end with it, whatever becomes of the command.

use std::io::Write as _;
use std::process::{Command, ExitCode};

use sluice_emulators::{EmulatorError, Ministack, Moto};

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else { return refused("usage: with-emulators <command> [argument]…") };
    let (ministack, moto) = match start() {
        Ok(emulators) => emulators,
        Err(error) => return refused(&error.to_string()),
    };
    let mut command = Command::new(program);
    command.args(words).env("SLUICE_MINISTACK", ministack.url()).env("SLUICE_MOTO", moto.url());
    // `cargo run` sets these for this program; builds that inherit them would be rebuilt each time.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || text.starts_with("CARGO_BIN_")
        {
            command.env_remove(&name);
        }
    }
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(cause) => refused(&format!("the command does not start: {cause}")),
    }
}

fn start() -> Result<(Ministack, Moto), EmulatorError> {
    Ok((Ministack::start(&[])?, Moto::start()?))
}

fn refused(why: &str) -> ExitCode {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "with-emulators: {why}");
    ExitCode::from(2)
}
