//! A browser without a window, and one page in it, driven through the protocol of its developer tools (`DevTools`).
//!
//! The protocol runs over two pipes, not over a port: the browser ends by itself when its pipe closes, so none is left behind, however
//! this process ends.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// Names another browser than Debian's `chromium`.
const NAMED_BY: &str = "SLUICE_BROWSER";
/// For one answer, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// The shell joins the pipes to the descriptors 3 and 4, where the browser looks for them: safe Rust hands down none but 0 to 2.
const JOIN_PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#;
/// Nothing of the machine's own browser is used or changed, and nothing but this machine is reached.
const FLAGS: [&str; 14] = [
    "--remote-debugging-pipe",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-crash-reporter",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--lang=en",
];

/// Why there is no browser.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrowserError {
    /// There is none of this name.
    #[error(
        "there is no browser `{}`: install Debian's (`apt-get install chromium`), or name a Chromium or Chrome by {NAMED_BY}",
        .0.display()
    )]
    Missing(OsString),
    /// It ended at once.
    #[error("the browser `{}` ended with {status} and said: {words}", .browser.display())]
    Ended {
        /// Its name.
        browser: OsString,
        /// How.
        status: ExitStatus,
        /// Its last lines.
        words: String,
    },
    /// It could not be started, or did not answer.
    #[error("the browser can not be driven: {0}")]
    Pipe(#[from] std::io::Error),
}

/// A browser that runs until this is dropped.
pub(crate) struct Browser {
    child: Child,
    /// Closed, it tells the browser to end.
    orders: Option<ChildStdin>,
    answers: Receiver<Value>,
    events: VecDeque<Value>,
    asked: u64,
    /// The page, once there is one.
    session: Option<String>,
    profile: TempDir,
}

impl Browser {
    /// Debian's chromium, or the one that the variable names, with a new empty profile and an empty page.
    pub(crate) fn start() -> Result<Self, BrowserError> {
        Self::start_program(&std::env::var_os(NAMED_BY).unwrap_or_else(|| "chromium".into()))
    }

    /// This browser.
    pub(crate) fn start_program(browser: &OsStr) -> Result<Self, BrowserError> {
        let profile = tempfile::tempdir()?;
        let words = std::fs::File::create(profile.path().join("words"))?;
        let mut directory = OsString::from("--user-data-dir=");
        directory.push(profile.path().join("profile"));
        let mut command = Command::new("sh");
        command.arg("-c").arg(JOIN_PIPES).arg(browser).args(FLAGS).arg(directory);
        // What it puts elsewhere goes with the profile.
        command.env("HOME", profile.path()).env("TMPDIR", profile.path()).env_remove("XDG_CONFIG_HOME");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(words);
        let mut child = command.spawn()?;
        let missing = || std::io::Error::other("no pipe");
        let orders = child.stdin.take().ok_or_else(missing)?;
        let answers = reader(child.stdout.take().ok_or_else(missing)?);
        let (events, asked, session) = (VecDeque::new(), 0, None);
        let mut started = Self { child, orders: Some(orders), answers, events, asked, session, profile };
        match started.open_page() {
            Ok(()) => Ok(started),
            Err(error) => Err(started.why_not(browser, error)),
        }
    }

    fn open_page(&mut self) -> Result<(), std::io::Error> {
        let page = self.ask("Target.createTarget", &json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        let attached = self.ask("Target.attachToTarget", &attach)?;
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"] {
            self.ask(&format!("{domain}.enable"), &json!({}))?;
        }
        Ok(())
    }

    /// A shell that does not find its program ends with 127, and with 126 when it may not run it.
    fn why_not(&mut self, browser: &OsStr, error: std::io::Error) -> BrowserError {
        self.orders = None;
        let Ok(status) = self.child.wait() else { return error.into() };
        if matches!(status.code(), Some(126 | 127)) {
            return BrowserError::Missing(browser.to_owned());
        }
        let words = std::fs::read_to_string(self.profile.path().join("words")).unwrap_or_default();
        BrowserError::Ended { browser: browser.to_owned(), status, words }
    }

    /// One command of the protocol; its result.
    pub(crate) fn ask(&mut self, method: &str, parameters: &Value) -> Result<Value, std::io::Error> {
        self.asked += 1;
        let mut order = json!({ "id": self.asked, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            order["sessionId"] = json!(session);
        }
        let closed = || std::io::Error::from(ErrorKind::BrokenPipe);
        let mut bytes = order.to_string().into_bytes();
        bytes.push(0);
        self.orders.as_mut().ok_or_else(closed)?.write_all(&bytes)?;
        loop {
            let mut answer = self.next(method)?;
            if answer["id"] == self.asked {
                return match answer.get("error") {
                    Some(error) => Err(std::io::Error::other(format!("`{method}` is refused: {error}"))),
                    None => Ok(answer["result"].take()),
                };
            }
            self.events.push_back(answer);
        }
    }

    /// Waits until this can be said of what came by itself since the last time.
    pub(crate) fn wait(&mut self, until: impl Fn(&VecDeque<Value>) -> bool) -> Result<(), std::io::Error> {
        while !until(&self.events) {
            let event = self.next("events")?;
            self.events.push_back(event);
        }
        Ok(())
    }

    fn next(&self, awaited: &str) -> Result<Value, std::io::Error> {
        let said = |kind, words| std::io::Error::new(kind, format!("{words} `{awaited}`"));
        self.answers.recv_timeout(PATIENCE).map_err(|error| match error {
            RecvTimeoutError::Disconnected => said(ErrorKind::BrokenPipe, "it ended at"),
            RecvTimeoutError::Timeout => said(ErrorKind::TimedOut, "nothing came in time for"),
        })
    }

    /// What came by itself since the last time.
    pub(crate) fn events(&mut self) -> impl Iterator<Item = Value> {
        self.events.drain(..)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.orders = None;
        // Its end of the other pipe closes when it has ended; only then its profile may go.
        let ended = loop {
            match self.answers.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break true,
                Err(RecvTimeoutError::Timeout) => break false,
            }
        };
        if !ended {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// Messages end with a zero byte.
fn reader(pipe: ChildStdout) -> Receiver<Value> {
    let (to, from) = channel();
    std::thread::spawn(move || {
        for message in BufReader::new(pipe).split(0).map_while(Result::ok) {
            let Ok(message) = serde_json::from_slice(&message) else { break };
            if to.send(message).is_err() {
                break;
            }
        }
    });
    from
}
