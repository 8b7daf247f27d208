//! The program: parse, run, print, exit.

use std::process::ExitCode;

use clap::Parser as _;
use sluice::cli::Cli;
use sluice::exit::Exit;
use sluice::output::CommandError;

/// Some 5 % of the front door's CPU against the system's allocator (measured: `cargo xtask bench http`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let argv = std::env::args().collect();
    // One thread for everything but the store's writer: what the gate does between two awaits is short, and threads that wake
    // each other cost more than they win (measured: `cargo xtask bench http`).
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(sluice::run(&cli, argv)),
        Err(error) => Err(CommandError::unavailable(format!("can not start threads: {error}"))),
    };
    let exit = match result {
        Ok(output) => match output.deliver(cli.json) {
            Ok(()) => output.exit,
            // A closed pipe is the reader's choice; anything else is worth a word.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => output.exit,
            Err(error) => complain(&CommandError::unavailable(format!("can not write the answer: {error}"))),
        },
        Err(error) => complain(&error),
    };
    ExitCode::from(exit.code())
}

#[expect(clippy::print_stderr, reason = "this is where the program's errors go")]
fn complain(error: &CommandError) -> Exit {
    eprintln!("sluice: {error}");
    error.exit
}
