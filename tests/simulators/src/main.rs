//! The simulators as a program, for other processes: prints their addresses as one line of JSON and serves until it is stopped.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use sluice_simulators::{SimulatorOptions, Simulators, StartError};

/// Loopback servers that enforce what Feishu, WeCom, WeChat, Douyin and its text censors enforce.
///
/// Example: sluice-simulators --print-options > simulators.json
///
/// Example: sluice-simulators --listen 127.0.0.1:18090 --options simulators.json
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Loopback address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// JSON file of bots, applications, members, accounts and secrets; without it a small set with the names `demo`.
    #[arg(long)]
    options: Option<PathBuf>,
    /// Print the options as JSON and end: a file to start from.
    #[arg(long)]
    print_options: bool,
}

#[derive(Debug, thiserror::Error)]
enum ProgramError {
    #[error("can not read the options `{}`: {cause}", .file.display())]
    Unreadable { file: PathBuf, cause: std::io::Error },
    #[error("the options `{}` are not what simulators take: {cause}", .file.display())]
    Options { file: PathBuf, cause: serde_json::Error },
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("can not print: {0}")]
    Print(#[from] std::io::Error),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Who closed standard error does not want to know.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), ProgramError> {
    let options = arguments.options.as_deref().map_or_else(|| Ok(SimulatorOptions::demo()), read)?;
    if arguments.print_options {
        return Ok(writeln!(std::io::stdout(), "{:#}", serde_json::json!(options))?);
    }
    let running = Simulators::start_at(arguments.listen, options).await?;
    let addresses = serde_json::json!({
        "feishu": running.feishu_url,
        "wecom": running.wecom_url,
        "wechat": running.wechat_url,
        "douyin": running.douyin_url,
        "toutiao": running.toutiao_url,
        "page": format!("{}/", running.feishu_url),
        "control": format!("{}/_simulator/state", running.feishu_url),
    });
    writeln!(std::io::stdout(), "{addresses}")?;
    running.wait().await;
    Ok(())
}

fn read(file: &Path) -> Result<SimulatorOptions, ProgramError> {
    let unreadable = |cause| ProgramError::Unreadable { file: file.to_owned(), cause };
    let bytes = std::fs::read(file).map_err(unreadable)?;
    serde_json::from_slice(&bytes).map_err(|cause| ProgramError::Options { file: file.to_owned(), cause })
}
