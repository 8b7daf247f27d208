//! The servers that are measured: started, asked for their use of the processor and of memory, and ended.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Server;
use crate::{process, workspace};

/// The source that the load signs as, and its secret.
pub(super) const SOURCE: &str = "open-platform";
/// Only of this benchmark's own data directory.
pub(super) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Where Debian installs Go packages.
const GO_PACKAGES: &str = "/usr/share/gocode";

/// A running server; ended when dropped.
pub(super) struct Running {
    child: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Server {
    /// As the table shows it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sluice => "sluice, front door",
            Self::SluiceWhole => "sluice, all steps",
            Self::NetHttp => "Go net/http",
            Self::Fasthttp => "Go fasthttp",
        }
    }

    /// Builds it; `Ok(None)` when what it needs is not installed.
    pub(super) fn build(self, directory: &Path) -> Result<Option<PathBuf>> {
        match self {
            Self::Sluice | Self::SluiceWhole => {
                process::run(process::cargo().args(["build", "--release", "--bin", "sluice", "--quiet"]))?;
                Ok(Some(workspace::Metadata::read()?.target_directory.join("release/sluice")))
            }
            Self::NetHttp => go("nethttp", directory),
            Self::Fasthttp => go("fasthttp", directory),
        }
    }

    /// Starts it on a free port and waits until it takes connections.
    pub(super) fn start(self, program: &Path, directory: &Path) -> Result<Running> {
        let address = free_address()?;
        let mut command = Command::new(program);
        match self {
            Self::Sluice | Self::SluiceWhole => {
                let data = directory.join(if self == Self::Sluice { "front-door" } else { "all-steps" });
                prepare_data(&data)?;
                command.arg("serve").arg("--config").arg(workspace::root().join("config"));
                command.arg("--data").arg(&data).args(["--listen", &address.to_string()]);
                if self == Self::Sluice {
                    command.arg("--front-door-only");
                }
            }
            Self::NetHttp | Self::Fasthttp => {
                command.args(["-address", &address.to_string(), "-secret", SECRET]);
            }
        }
        let log = std::fs::File::create(directory.join("server.log"))?;
        let child =
            command.env("SLUICE_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let mut running =
            Running { child: child.with_context(|| format!("start {}", self.name()))?, address };
        running.wait(self, directory)?;
        Ok(running)
    }
}

/// A data directory with the one secret that the load signs with.
fn prepare_data(data: &Path) -> Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    if data.exists() {
        std::fs::remove_dir_all(data)?;
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data)?;
    let mut secrets = std::fs::OpenOptions::new();
    let mut file = secrets.create_new(true).write(true).mode(0o600).open(data.join("secrets.json"))?;
    let content = serde_json::json!({"demo-brand": {"demo-brand/open-platform": {"current": SECRET}}});
    std::io::Write::write_all(&mut file, content.to_string().as_bytes())?;
    Ok(())
}

/// Builds a Go peer with Debian's packages, without a network.
fn go(name: &str, directory: &Path) -> Result<Option<PathBuf>> {
    if !process::answers(process::program("go").arg("version")) {
        return Ok(None);
    }
    if name == "fasthttp" && !Path::new(GO_PACKAGES).join("src/github.com/valyala/fasthttp").is_dir() {
        return Ok(None);
    }
    let program = directory.join(name);
    let mut build = process::program("go");
    build.current_dir(workspace::root().join("tests/peers").join(name));
    build.env("GO111MODULE", "off").env("GOPATH", GO_PACKAGES).env("GOFLAGS", "").env("CGO_ENABLED", "0");
    process::run(build.args(["build", "-o"]).arg(&program).arg("."))?;
    Ok(Some(program))
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

impl Running {
    fn wait(&mut self, server: Server, directory: &Path) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                let log = std::fs::read_to_string(directory.join("server.log")).unwrap_or_default();
                bail!(
                    "{} ended with {status} before it took a connection:\n{}",
                    server.name(),
                    log.trim_end()
                );
            }
            if TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("{} takes no connection after 20 s", server.name())
    }

    /// Processor time so far, user and system.
    pub(super) fn cpu(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        cpu_of(&stat).context("unreadable /proc/PID/stat")
    }

    /// Resident memory now, and the most so far, in KiB.
    pub(super) fn memory(&self) -> Result<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        field("VmRSS:").zip(field("VmHWM:")).context("unreadable /proc/PID/status")
    }
}

/// Fields 14 and 15, in clock ticks of 10 ms (`USER_HZ` is 100 on Linux's common architectures). The program's name in field 2
/// may hold spaces, so counting begins after its closing parenthesis.
fn cpu_of(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis(user.saturating_add(system).saturating_mul(10)))
}

impl Drop for Running {
    fn drop(&mut self) {
        // It is ours, and its data is thrown away: nothing to wait for but its end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_processor_time_behind_a_name_with_spaces() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 2 0 100 1000 200";
        assert_eq!(cpu_of(stat), Some(Duration::from_secs(2)));
        assert_eq!(cpu_of("42"), None);
    }
}
