//! One emulator as a child process: a free port, a deadline for it to be ready, and an end.

use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::{EmulatorError, until};

/// Ports to try: a few are enough, somebody else takes one of 20 000 rarely.
const TRIES: usize = 5;
/// On a busy machine Python alone takes seconds to load.
const READY_WITHIN: Duration = Duration::from_mins(1);
/// What of a log an error quotes.
const LAST_WORDS: u64 = 1_500;

/// How to start an emulator.
pub(crate) struct Recipe<'a> {
    /// Its name in errors.
    pub(crate) name: &'static str,
    /// `module:function` of its `main`.
    pub(crate) entry: &'static str,
    /// Arguments, by port.
    pub(crate) arguments: fn(u16) -> Vec<String>,
    /// Variables, by port.
    pub(crate) variables: fn(u16) -> Vec<(&'static str, String)>,
    /// More variables, from the caller.
    pub(crate) extra: &'a [(String, String)],
    /// What answers 200 when it is ready.
    pub(crate) health: &'static str,
}

/// An emulator that runs; it ends, with everything it started, when this is dropped or this process ends.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    port: u16,
    log: File,
    /// Its working and temporary directory.
    _directory: TempDir,
}

impl Running {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(recipe: &Recipe<'_>) -> Result<Self, EmulatorError> {
        let python = tool("python")?;
        let mut words = String::new();
        for _ in 0..TRIES {
            let mut running = Self::spawn(recipe, &python, free_port()?)?;
            let ready = until(READY_WITHIN, || {
                if running.ended() {
                    Some(false)
                } else {
                    (running.listens() && answers(running.port, recipe.health)).then_some(true)
                }
            });
            match ready {
                Some(true) => return Ok(running),
                // Somebody took the port between our look and its bind: another one, then.
                Some(false) => words = running.last_words(),
                None => {
                    let (name, seconds) = (recipe.name, READY_WITHIN.as_secs());
                    return Err(EmulatorError::NotReady { name, seconds, words: running.last_words() });
                }
            }
        }
        Err(EmulatorError::Ended { name: recipe.name, tries: TRIES, words })
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        read_end(&self.log).unwrap_or_else(|cause| format!("(its log can not be read: {cause})"))
    }

    fn spawn(recipe: &Recipe<'_>, python: &PathBuf, port: u16) -> Result<Self, EmulatorError> {
        let directory = tempfile::Builder::new()
            .prefix("sluice-emulator-")
            .tempdir()
            .map_err(|cause| EmulatorError::System { what: "a temporary directory", cause })?;
        let log =
            tempfile::tempfile().map_err(|cause| EmulatorError::System { what: "a log file", cause })?;
        let handle = || {
            log.try_clone().map_err(|cause| EmulatorError::System { what: "a handle of the log file", cause })
        };
        let mut command = Command::new(python);
        command
            .args(["-c", include_str!("leash.py"), recipe.entry])
            .args((recipe.arguments)(port))
            // Of this machine only where programs are: no proxy, profile or credentials of the person who runs the tests.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", directory.path())
            .env("TMPDIR", directory.path())
            .env("PYTHONUTF8", "1")
            .envs((recipe.variables)(port))
            .envs(recipe.extra.iter().map(|(name, value)| (name, value)))
            .current_dir(directory.path())
            .stdin(Stdio::piped())
            .stdout(handle()?)
            .stderr(handle()?)
            // A group of its own: what it starts is ended with it, and nothing else is.
            .process_group(0);
        let child =
            command.spawn().map_err(|cause| EmulatorError::Spawn { program: python.clone(), cause })?;
        Ok(Self { child, port, log, _directory: directory })
    }

    fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Is it this process that listens at the port? Somebody else's answer would look just as ready.
    fn listens(&self) -> bool {
        if cfg!(target_os = "linux") {
            owns_listener(self.child.id(), self.port).unwrap_or(false)
        } else {
            true
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            // The group is gone when the process has ended by itself: that is what was wanted.
            let _gone = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _reaped = self.child.wait();
    }
}

/// A program of the pinned emulators, in the workspace the tests belong to.
pub(crate) fn tool(name: &str) -> Result<PathBuf, EmulatorError> {
    // What cargo says now, not what it said when this was built: a build directory may serve several checkouts.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let found = PathBuf::from(here)
        .ancestors()
        .map(|directory| directory.join(".tools/emulators/bin").join(name))
        .find(|program| program.exists());
    found.ok_or(EmulatorError::NotInstalled)
}

/// Does `GET` answer 200 there?
pub(crate) fn answers(port: u16, path: &str) -> bool {
    status(port, path).is_ok_and(|status| status == "200")
}

fn status(port: u16, path: &str) -> std::io::Result<String> {
    let patience = Duration::from_secs(5);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut connection = TcpStream::connect_timeout(&address, patience)?;
    connection.set_read_timeout(Some(patience))?;
    write!(connection, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    connection.read_exact(&mut head)?;
    Ok(String::from_utf8_lossy(&head).rsplit(' ').next().unwrap_or_default().to_owned())
}

/// A port that is free now, below those that the system gives to clients: there somebody's outgoing call could take it.
fn free_port() -> Result<u16, EmulatorError> {
    let mut refused = None;
    for _ in 0..50 {
        let random = RandomState::new().build_hasher().finish() % 20_000;
        let port = 10_000 + u16::try_from(random).unwrap_or_default();
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_freed_at_once) => return Ok(port),
            Err(cause) => refused = Some(cause),
        }
    }
    let cause = refused.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into());
    Err(EmulatorError::System { what: "a free loopback port", cause })
}

/// The kernel's own word on who listens: `/proc/net/tcp` names the socket, `/proc/<pid>/fd` its owner.
fn owns_listener(pid: u32, port: u16) -> std::io::Result<bool> {
    const LISTEN: &str = "0A";
    let table = std::fs::read_to_string("/proc/net/tcp")?;
    let local = format!("0100007F:{port:04X}");
    let sockets: Vec<String> = table
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let listener = fields.get(1) == Some(&local.as_str()) && fields.get(3) == Some(&LISTEN);
            if listener { fields.get(9).map(|inode| format!("socket:[{inode}]")) } else { None }
        })
        .collect();
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd"))? {
        // A descriptor may be closed between the listing and this look.
        let Ok(target) = std::fs::read_link(entry?.path()) else { continue };
        if sockets.iter().any(|socket| target.as_os_str() == socket.as_str()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn read_end(log: &File) -> std::io::Result<String> {
    let mut log = log.try_clone()?;
    let length = log.metadata()?.len();
    log.seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS)))?;
    let mut words = Vec::new();
    log.read_to_end(&mut words)?;
    Ok(String::from_utf8_lossy(&words).trim().to_owned())
}

/// The emulator that a variable names, if one does: only on this machine, and only one that answers.
pub(crate) fn named(name: &'static str, health: &str) -> Result<Option<String>, EmulatorError> {
    let Ok(value) = std::env::var(name) else { return Ok(None) };
    let url = value.trim_end_matches('/').to_owned();
    let port = url.strip_prefix("http://127.0.0.1:").and_then(|port| port.parse().ok());
    match port {
        None => Err(EmulatorError::NotLoopback { name, value }),
        Some(port) if answers(port, health) => Ok(Some(url)),
        Some(_) => Err(EmulatorError::Silent { name, value }),
    }
}
