//! The simulators as a program, for other processes: prints their addresses as one line of JSON and serves until it is stopped.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use sluice_simulators::{SimulatorOptions, Simulators};

/// Loopback servers that enforce what Feishu, WeCom, WeChat and Douyin's text censors enforce.
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
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let options = match &arguments.options {
        Some(path) => serde_json::from_slice(&std::fs::read(path)?)?,
        None => SimulatorOptions::demo(),
    };
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
