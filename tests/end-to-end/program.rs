//! Runs the program under test.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sluice");

/// The folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Runs one command to its end.
pub(crate) fn sluice(args: &[&str]) -> Output {
    Command::new(PROGRAM).args(args).env_remove("SLUICE_CONFIG").env_remove("SLUICE_DATA").output().unwrap()
}

/// Runs one command; its exit code and JSON documents, one a line.
pub(crate) fn json(args: &[&str]) -> (i32, Vec<Value>) {
    let output = sluice(&[args, &["--json"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let documents =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    (output.status.code().unwrap(), documents.collect())
}

/// A running `sluice serve`; killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// `http://127.0.0.1:port`.
    pub(crate) base: String,
}

impl Server {
    /// Starts it on a free port and waits until it listens.
    pub(crate) fn start(config: &Path, data: &Path, platforms: &[(&str, &str)]) -> Self {
        let mut command = Command::new(PROGRAM);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--json-logs"])
            .arg("--config")
            .arg(config)
            .arg("--data")
            .arg(data);
        for (platform, address) in platforms {
            command.args([&format!("--{platform}"), *address]);
        }
        let log =
            std::fs::File::options().create(true).append(true).open(data.with_extension("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let listening: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!(
                "the server did not start: {}",
                std::fs::read_to_string(data.with_extension("log")).unwrap()
            )
        });
        Self { child, base: listening["listening"].as_str().unwrap().to_owned() }
    }

    /// SIGKILL: nothing is flushed, nothing is said.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM: it finishes what is under way.
    pub(crate) fn stop(mut self) -> i32 {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Writes a file that only its owner reads.
pub(crate) fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

/// One GET request; the whole answer, head and body.
pub(crate) fn get(base: &str, path: &str, accept: &str) -> String {
    let mut stream = TcpStream::connect(base.strip_prefix("http://").unwrap()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: gate\r\naccept: {accept}\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
