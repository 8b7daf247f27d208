//! One function's process, with what it uses of the machine.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;
use tokio::process::{Child, Command};

use super::runtime_api::RuntimeApi;
use crate::proxy::Proxy;

/// A running function.
pub(crate) struct Sandbox {
    child: Child,
    api: RuntimeApi,
    /// Spawn to the first request for an event.
    pub(crate) init: Duration,
}

/// One cold start.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ColdStart {
    /// Spawn to the first request for an event.
    pub init_ms: f64,
    /// Processor time until then.
    pub init_cpu_ms: f64,
    /// The first event, handed over to answered.
    pub first_ms: f64,
    /// Processor time from spawn to the request for the second event.
    pub cpu_ms: f64,
    /// The most resident memory so far, in KiB.
    pub rss_kib: u64,
    /// What it asked of AWS meanwhile.
    pub calls: usize,
}

impl Sandbox {
    /// Starts a function with these variables and no others, as Lambda does.
    pub(crate) async fn start(program: &Path, name: &str, variables: &[(String, String)]) -> Result<Self> {
        let mut api = RuntimeApi::start().await?;
        let mut command = Command::new(program);
        command
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        command.env("AWS_LAMBDA_RUNTIME_API", api.authority()).env("AWS_LAMBDA_FUNCTION_NAME", name);
        let fixed = [
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "g"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "s"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
            ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
        ];
        command.envs(fixed).envs(variables.iter().map(|(name, value)| (name, value)));
        let start = Instant::now();
        let child = command.spawn().with_context(|| format!("could not start `{}`", program.display()))?;
        let ready = api.ready().await.with_context(|| format!("`{name}`"))?;
        Ok(Self { child, api, init: ready.saturating_duration_since(start) })
    }

    /// Hands it an event.
    pub(crate) async fn invoke(&mut self, event: &Value) -> Result<(Duration, Value)> {
        self.api.invoke(event).await
    }

    /// Processor time so far, of all its threads.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let tasks = format!("/proc/{}/task", self.pid()?);
        let mut nanoseconds = 0_u64;
        for task in std::fs::read_dir(&tasks).with_context(|| tasks.clone())? {
            // In nanoseconds, where /proc/PID/stat counts in ticks of ten milliseconds. The blocking pool's threads live for ten
            // seconds after their last work, longer than a cold start; the main thread lives throughout.
            let stat = std::fs::read_to_string(task?.path().join("schedstat"))?;
            let ran: u64 =
                stat.split(' ').next().unwrap_or_default().parse().context("unreadable schedstat")?;
            nanoseconds = nanoseconds.saturating_add(ran);
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// The most resident memory so far, in KiB.
    pub(crate) fn peak_kib(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let value = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        value.context("unreadable /proc/PID/status")
    }

    fn pid(&self) -> Result<u32> {
        self.child.id().context("the function has ended")
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.child.kill().await.context("could not end the function")
    }
}

/// Starts a function anew, gives it one event, and ends it. The answer is the caller's to check.
pub(crate) async fn cold_start(
    program: &Path,
    name: &str,
    (variables, proxy): (&[(String, String)], &Proxy),
    event: &Value,
) -> Result<(ColdStart, Value)> {
    proxy.forget();
    let mut sandbox = Sandbox::start(program, name, variables).await?;
    let init_cpu = sandbox.cpu()?;
    let (first, answer) = sandbox.invoke(event).await.with_context(|| format!("`{name}`"))?;
    let measured = ColdStart {
        init_ms: sandbox.init.as_secs_f64() * 1e3,
        init_cpu_ms: init_cpu.as_secs_f64() * 1e3,
        first_ms: first.as_secs_f64() * 1e3,
        cpu_ms: sandbox.cpu()?.as_secs_f64() * 1e3,
        rss_kib: sandbox.peak_kib()?,
        calls: proxy.recording().calls().len(),
    };
    sandbox.stop().await?;
    Ok((measured, answer))
}
